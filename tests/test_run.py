"""The short command: what is wrong is one sentence and exit code 2, what is right runs and says what it takes."""

import os
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest

from lib import execution, run
from lib.training.populations import train_or_load
from lib.training.specification import specify


def command(monkeypatch, *words):
    """The exit code of the command; 0 if it came to its end."""
    monkeypatch.setattr(sys, "argv", ["run", *words])
    try:
        run.main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture
def nothing_executed(monkeypatch):
    monkeypatch.setattr(execution, "executed", lambda *_: pytest.fail("it is executed"))


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["33"], "there is no chapter '33'; the chapters are 01_introduction, 02_"),
        (["03", "--widhts", "4", "8"], "unknown parameter 'widhts'; did you mean 'widths'? the parameters of 03_"),
        (["03", "--widths"], "parameter 'widths' is given without a value"),
        (["03", "4"], "'4' belongs to no parameter; they are given as --NAME VALUE"),
        (["03", "--epochs", "0"], "parameter 'epochs': must be a whole number of at least 1, not 0"),
        (["03", "--n-train", "999999"], "n_train for 'digits' must be a whole number from 10"),
        (["03", "--n_train=3"], "n_train for 'digits' must be a whole number from 10"),
        (["16", "--n_test=1"], "n_test for 'digits' must be a whole number from 10"),
        (["03", "--widths", "[" * 3000], "parameter 'widths': "),
        (["03", "--dataset", "imagefolder:tests"], "tests has no folders 'train', and needs one"),
        (
            ["03", "--output", "notebooks/03_individual_similarity.ipynb"],
            "is no notebook beside the chapters; name another",
        ),
        (["03", "--output", "README.md"], "the output 'README.md' is no notebook beside the chapters"),
        (["03", "--output", "results"], "is no notebook beside the chapters"),
        (["03", "--output", "/proc/03.ipynb"], "/proc cannot be written; name another file with --output"),
        (["03", "--scheduler", "nowhere"], "parameter 'scheduler': GREATMINDS_SCHEDULER must be tcp://HOST:PORT or"),
        (["03", "--output", "notebooks/new.ipynb"], "is no notebook beside the chapters"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_executed(monkeypatch, capsys, nothing_executed, words, sentence):
    monkeypatch.chdir(run.ROOT)
    monkeypatch.setenv("GREATMINDS_SCHEDULER", "")  # a parameter sets it
    assert command(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_a_language_without_greek_letters_reads_the_chapters_all_the_same():
    language = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-m", "lib.run", "03", "--widhts", "4"]
    told = subprocess.run(words, cwd=run.ROOT, env=os.environ | language, capture_output=True, text=True)
    assert told.returncode == 2 and "did you mean 'widths'" in told.stderr


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A chapter `07_trial` that prints its widths and divides by its number of epochs less 3."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "07_trial.py").write_text(
        '# %% tags=["parameters"]\nstudy = "mine"\nwidths = [2, 4]\nepochs = 1\n\n'
        "# %%\nimport sys\nprint(widths, 1 / (epochs - 3), sys.flags.utf8_mode)\n"
    )
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


def test_a_chapter_is_executed_with_what_was_given_and_goes_beside_its_numbers(trial, monkeypatch, capsys):
    assert command(monkeypatch, "07", "--widths", "4", "8", "--epochs", "4", "--study", "few") == 0
    page = nbformat.read(trial / "results" / "few" / "07_trial.ipynb", 4)
    assert page.cells[-1].outputs[0].text == "[4, 8] 1.0 1\n"
    assert "07_trial.ipynb, its numbers are in results/few/" in capsys.readouterr().out


def test_a_failure_in_the_chapter_is_one_sentence_and_leaves_no_output(trial, monkeypatch, capsys):
    output = trial / "out.ipynb"
    assert command(monkeypatch, "07_trial", "--epochs=3", f"--output={output}") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "chapter 07_trial failed in cell 3: ZeroDivisionError: division by zero" and not output.exists()


def test_the_plan_counts_what_is_stored_and_what_is_left(tiny, digits, artifacts, inline, monkeypatch):
    given = {"dataset": "digits", "n_train": 60, "n_test": 20, "families": ["cnn-small"], "widths": [2, 3], "epochs": 1}
    p = SimpleNamespace(**given, seeds={"cnn-small": 4})
    monkeypatch.setattr("lib.training.plan.SECONDS", 0.1)
    assert run.plan(p).startswith("8 networks, of which 8 epochs are to be trained: about ")
    train_or_load({specify(digits, "cnn-small", 2, epochs=1): range(4)}, inline)
    assert run.plan(p).startswith("8 networks, of which 4 epochs are to be trained: about ")
    train_or_load({specify(digits, "cnn-small", 3, epochs=1): range(4)}, inline)
    assert run.plan(p) == "8 networks, all of them stored"
    assert run.plan(SimpleNamespace(**vars(p), model_folder="my/networks")).endswith("and none is trained")


@pytest.mark.parametrize(
    "word, default, value",
    [("4", [2], [4]), ("4", 2, 4), ("[4, 8]", [2], [4, 8]), ("digits", "", "digits"), ("{vit: 3}", 2, {"vit": 3})],
)
def test_words_are_values_as_the_parameter_has_them(word, default, value):
    assert run.given(["--x", word], {"x": default}, "03") == ({"x": value}, None)
