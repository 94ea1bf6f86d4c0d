"""Running chapters: a user's mistakes are refused before any work, and no faulty page reaches the book."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import chapters
import order
import pages

ROOT = Path(__file__).resolve().parents[1]
STUDY = "test-of-a-rerun"


def papermill(tmp_path, *parameters):
    """The plain papermill command on chapter 3, with an empty store of networks."""
    options = [word for name, value in parameters for word in ("-p", name, value)]
    command = [
        sys.executable,
        "-m",
        "papermill",
        "notebooks/03_individual_similarity.ipynb",
        str(tmp_path / "out.ipynb"),
        "--no-progress-bar",
        *options,
    ]
    environment = {**os.environ, "GREATMINDS_ARTIFACTS": str(tmp_path / "artifacts")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("widhts", "[4, 8]", "unknown parameter 'widhts'; did you mean 'widths'?"),
        ("grid", "16", "grid must be a whole number from 1 to 8, the size of the gradients, or None, not 16"),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_before_any_work(tmp_path, name, value, sentence):
    study = f"{STUDY}-with-{name}"
    result = papermill(tmp_path, (name, value), ("study", study))
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr.split("Exception encountered at")[1]
    assert not (tmp_path / "artifacts").exists() and not (ROOT / "results" / study).exists()


def test_a_chapter_runs_again_with_the_users_parameters(tmp_path):
    before = {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}
    try:
        result = papermill(
            tmp_path,
            ("widths", "[2, 4]"),
            ("families", "[cnn-small]"),
            ("seeds", "3"),
            ("epochs", "1"),
            ("bootstrap_draws", "100"),
            ("study", STUDY),
        )
        assert result.returncode == 0, result.stderr
        written = json.loads((ROOT / "results" / STUDY / "03_individual_similarity.json").read_text())
    finally:
        shutil.rmtree(ROOT / "results" / STUDY, ignore_errors=True)
    assert written["parameters"]["widths"] == [2, 4] and written["parameters"]["seeds"] == {"cnn-small": 3}
    values = written["numbers"]["expected"]["cnn-small"]["estimate"]
    assert values[0][1] == values[1][0] and all(-1 <= value <= 1 for row in values for value in row)
    assert {claim["verdict"] for claim in written["claims"]} <= {"supported", "contradicted", "undecided", "not tested"}
    # Three networks are too few for Table 1, which needs four; the rest of the chapter does not mind.
    assert written["numbers"]["wasserstein"] == {} and len(written["claims"]) == 4
    assert before == {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project of one chapter, `trial`, that prints its parameter and divides by it."""
    for folder in ("lib", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lib" / "module.py").write_text("ANSWER = 42\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.0\nruff==1\n")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=2"]\n')
    (tmp_path / "notebooks" / "trial.py").write_text(
        '# %% tags=["parameters"]\ndivisor = 1\n\n# %%\nfrom pathlib import Path\n\n\ndef later():\n    from lib.module import ANSWER\n\n\nprint(1 / divisor)\n'
        'Path("../results/mine").mkdir(parents=True, exist_ok=True)\n'
        'Path("../results/mine/trial.json").write_text("{}")\n'
    )
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


def test_a_page_is_made_and_known_as_current_until_something_changes(house):
    page = house / "page.ipynb"
    assert not chapters.is_current("trial", {"divisor": 2}, page)
    chapters.execute("trial", {"divisor": 2}, page)
    assert any(
        "0.5" in output.get("text", "") for cell in nbformat.read(page, 4).cells for output in cell.get("outputs", [])
    )
    assert chapters.is_current("trial", {"divisor": 2}, page)
    assert not chapters.is_current("trial", {"divisor": 4}, page)
    for file, line, current in (
        ("lib/module.py", "changed = 1\n", False),
        ("notebooks/trial.py", "changed = 1\n", False),
        ("constraints.txt", "numpy==2.1\n", False),
        ("constraints.txt", "mypy==1\n", True),
    ):
        content = (house / file).read_text()
        (house / file).write_text(content + line)
        assert chapters.is_current("trial", {"divisor": 2}, page) == current, file
        (house / file).write_text(content)
    assert chapters.is_current("trial", {"divisor": 2}, page)
    (house / "results" / "digits" / "trial.json").unlink()
    assert not chapters.is_current("trial", {"divisor": 2}, page)


def altered(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def a_folder(path):
    path.unlink()
    (path / "inside").mkdir(parents=True)


@pytest.mark.parametrize(
    "product, damage, said",
    [
        ("results", lambda path: path.write_text('{"verdict": "contradicted"}'), "are not what was executed together"),
        ("results", a_folder, "is a folder; it is set aside as"),
        ("page", lambda path: altered(path, "0.5", "0.9"), "are not what was executed together"),
        ("page", lambda path: altered(path, "divisor = 2", "divisor = 4"), "are not what was executed together"),
        ("page", lambda path: path.write_bytes(path.read_bytes()[:-300]), "cannot be read .*set aside as"),
        ("page", lambda path: path.write_text("null"), "cannot be read .*set aside as"),
        ("page", a_folder, "cannot be read .*set aside as"),
    ],
)
def test_a_damaged_product_is_told_and_made_again(house, monkeypatch, capsys, product, damage, said):
    monkeypatch.setattr(chapters, "PAGES", house / "book" / "chapters")
    products = {
        "page": house / "book" / "chapters" / "trial.ipynb",
        "results": house / "results" / "mine" / "trial.json",
    }
    given = {"divisor": 2, "study": "mine"}
    chapters.refresh("trial", given, False)
    damage(products[product])
    capsys.readouterr()
    chapters.refresh("trial", given, False)
    assert re.search(said, capsys.readouterr().out)
    cells = pages.read(products["page"]).cells
    assert products["results"].read_text() == "{}" and cells[-1].outputs[0].text == "0.5\n"
    assert "divisor = 2" in cells[1].source
    chapters.refresh("trial", given, False)
    assert capsys.readouterr().out == "chapter trial: up to date\n"


@pytest.mark.parametrize("step", ["results", "page"])
def test_a_kill_between_results_and_page_leaves_nothing_that_passes_for_current(house, monkeypatch, step):
    class Killed(BaseException):
        pass

    def cut(*_):
        raise Killed

    page, kept = house / "notebooks" / "trial.ipynb", house / "results" / "digits" / "trial.json"
    chapters.refresh("trial", {}, True)
    source = house / "notebooks" / "trial.py"
    old = source.read_text()
    source.write_text(old.replace("print(1", "print(3").replace('"{}"', '"[3]"'))
    with monkeypatch.context() as patch:
        patch.setattr(*((chapters, "write_whole") if step == "results" else (pages, "write")), cut)
        with pytest.raises(Killed):
            chapters.refresh("trial", {}, True)
    for text, number in ((old, "{}"), (source.read_text(), "[3]")):
        source.write_text(text)
        chapters.refresh("trial", {}, True)
        assert kept.read_text() == number and ("3.0" in page.read_text()) == (number == "[3]")


def test_a_page_without_seals_is_sealed_and_not_executed(house, capsys):
    page = house / "notebooks" / "trial.ipynb"
    chapters.refresh("trial", {}, True)
    whole = page.read_bytes()
    notebook = nbformat.read(page, 4)
    notebook.metadata["book"] = {"digest": notebook.metadata["book"]["digest"]}
    nbformat.write(notebook, page)
    capsys.readouterr()
    chapters.refresh("trial", {}, True)
    assert capsys.readouterr().out == "chapter trial: up to date\n" and page.read_bytes() == whole


def test_prose_and_comments_come_into_the_page_without_an_execution(house):
    page, source = house / "page.ipynb", house / "notebooks" / "trial.py"
    chapters.execute("trial", {"divisor": 2}, page)
    executed = nbformat.read(page, 4)
    source.write_text("# %% [markdown]\n# New prose.\n\n" + source.read_text().replace("print(", "# Why.\nprint("))
    pages.merge_prose(source, page, house / "results" / "digits" / "trial.json")
    merged = nbformat.read(page, 4)
    assert [cell.cell_type for cell in merged.cells] == ["markdown", *(cell.cell_type for cell in executed.cells)]
    assert merged.cells[0].source == "New prose." and "# Why." in merged.cells[-1].source
    assert [cell.outputs for cell in merged.cells[1:]] == [cell.outputs for cell in executed.cells]
    assert [cell.id for cell in merged.cells[1:]] == [cell.id for cell in executed.cells]
    assert chapters.is_current("trial", {"divisor": 2}, page)
    before = page.stat().st_mtime_ns
    pages.merge_prose(source, page, house / "results" / "digits" / "trial.json")
    assert page.stat().st_mtime_ns == before


def test_the_same_chapter_gives_the_same_bytes(house):
    chapters.execute("trial", {}, house / "notebooks" / "trial.ipynb")  # the committed pair: it names the cells
    for name in ("first.ipynb", "second.ipynb"):
        chapters.execute("trial", {"divisor": 2}, house / name)
    assert (house / "first.ipynb").read_bytes() == (house / "second.ipynb").read_bytes()


def test_a_failing_chapter_ends_the_build_and_keeps_the_page(house):
    page = house / "page.ipynb"
    page.write_text("the page of yesterday")
    with pytest.raises(SystemExit, match="chapter trial failed in cell 3: ZeroDivisionError"):
        chapters.execute("trial", {"divisor": 0}, page)
    assert page.read_text() == "the page of yesterday"
    assert not list(house.glob("*.unfinished"))


def test_a_chapter_that_writes_no_results_is_refused(house):
    (house / "results" / "mine").mkdir(parents=True)
    (house / "results" / "mine" / "trial.json").write_text("of yesterday")
    (house / "notebooks" / "trial.py").write_text('# %% tags=["parameters"]\na = 1\n')
    with pytest.raises(SystemExit, match="wrote no results/mine/trial.json"):
        chapters.execute("trial", {}, house / "page.ipynb")
    assert not (house / "page.ipynb").exists()


def test_an_output_with_a_path_of_the_machine_is_refused(house):
    with pytest.raises(SystemExit, match="names a path of this machine"):
        with open(house / "notebooks" / "trial.py", "a") as source:
            source.write(f'print("{house}")\n')
        chapters.execute("trial", {}, house / "page.ipynb")


@pytest.fixture
def with_data(house, monkeypatch):
    """The chapter `trial` prints what stands in data/number and needs that file."""
    (house / "_toc.yml").write_text("file: book/chapters/trial\n")
    (house / "data").mkdir()
    (house / "data" / "number").write_text("17")
    (house / "notebooks" / "trial.py").write_text(
        '# %% [markdown]\n# # Trial\n\n# %% tags=["parameters"]\nstudy = "mine"\n\n# %%\n'
        "import json\nfrom pathlib import Path\n"
        'number = int(Path("../data/number").read_text())\nprint("found", number)\n'
        'Path(f"../results/{study}").mkdir(parents=True, exist_ok=True)\n'
        'content = json.dumps({"study": study, "number": number, "claims": []})\n'
        'Path(f"../results/{study}/trial.json").write_text(content)\n'
    )
    monkeypatch.setattr(chapters, "NEEDS", {"trial": ("data/number",)})
    monkeypatch.setattr(chapters, "PAGES", house / "book" / "chapters")
    (house / "results" / "digits").mkdir(parents=True)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["chapters.py", *arguments])
        chapters.main()
        return house / "book" / "chapters" / "trial.ipynb"

    return run


def test_where_data_is_missing_the_committed_outputs_stand_and_say_so(house, with_data, capsys):
    with_data("--commit")
    committed = (house / "notebooks" / "trial.ipynb").read_bytes()
    (house / "data" / "number").unlink()
    page = with_data()
    reason = "for lack of data/number (seen from the root of the checkout)"
    assert f"chapter trial: not executed {reason}; the committed outputs stand" in capsys.readouterr().out
    notebook = nbformat.read(page, 4)
    assert "{warning}" in notebook.cells[1].source and reason in notebook.cells[1].source
    assert "found 17" in json.dumps(notebook.cells) and pages.incomplete(notebook, ROOT) == []
    written = house / "results" / "book" / "trial.json"
    assert json.loads(written.read_text()) == {"study": "book", "number": 17, "claims": []}
    for path in (page, written):
        os.utime(path, ns=(1, 1))
    with_data()
    assert page.stat().st_mtime_ns == written.stat().st_mtime_ns == 1
    (house / "lib" / "module.py").write_text("ANSWER = 43\n")
    with_data("--commit")
    assert (house / "notebooks" / "trial.ipynb").read_bytes() == committed


def test_a_chapter_is_executed_as_soon_as_its_data_is_there_and_then_kept(house, with_data, capsys):
    with_data("--commit")
    (house / "data" / "number").rename(house / "elsewhere")
    with_data()
    (house / "elsewhere").rename(house / "data" / "number")
    (house / "data" / "number").write_text("18")
    page = with_data()
    assert "found 18" in page.read_text() and "{warning}" not in page.read_text()
    assert json.loads((house / "results" / "book" / "trial.json").read_text())["number"] == 18
    (house / "data" / "number").unlink()  # what this machine computed is still current
    capsys.readouterr()
    with_data()
    assert "found 18" in page.read_text() and "chapter trial: up to date" in capsys.readouterr().out


def test_without_data_and_without_committed_outputs_there_is_no_book(house, with_data):
    (house / "data" / "number").unlink()
    for arguments in ((), ("--commit",)):
        with pytest.raises(SystemExit, match="trial cannot be executed for lack of data/number .*, and no outputs"):
            with_data(*arguments)


def test_what_a_chapter_needs_is_what_its_parameters_name():
    for name, paths in chapters.NEEDS.items():
        source = (chapters.NOTEBOOKS / f"{name}.py").read_text()
        assert all(f'= "{path}"\n' in source for path in paths)


@pytest.mark.parametrize("there", [False, True])
def test_nbval_skips_a_chapter_without_its_data_and_only_then(tmp_path, there):
    for file in (
        "pyproject.toml",
        "book/chapters.py",
        "book/closure.py",
        "book/order.py",
        "book/pages.py",
        "notebooks/conftest.py",
        "tests/nbval_sanitize.cfg",
    ):
        (tmp_path / "house" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / "house" / file)
    needy, (first, *others) = next(iter(chapters.NEEDS.items()))
    for path in others if not there else (first, *others):
        (tmp_path / "house" / path).resolve().mkdir(parents=True)
    cells = [
        nbformat.v4.new_code_cell(
            "print(1)", execution_count=1, outputs=[nbformat.v4.new_output("stream", name="stdout", text="1\n")]
        )
    ]
    for name in (needy, "01_other"):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "house" / "notebooks" / f"{name}.ipynb")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "notebooks", "-p", "no:cacheprovider"],
        cwd=tmp_path / "house",
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    assert ("2 passed" if there else "1 passed, 1 skipped") in result.stdout
    reason = f"needs {first}, seen from the root of the checkout"
    assert (reason in " ".join(result.stdout.split())) != there


@pytest.mark.parametrize("fault", ["never executed", "out of order", "error"])
def test_an_incomplete_notebook_is_told_apart(fault):
    cells = [nbformat.v4.new_code_cell("1", execution_count=count) for count in (1, 2)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert pages.incomplete(notebook, ROOT) == []
    if fault == "never executed":
        cells[1].execution_count = None
    elif fault == "out of order":
        cells[0].execution_count, cells[1].execution_count = 2, 1
    else:
        cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    assert len(pages.incomplete(notebook, ROOT)) == 1


def test_progress_bars_go_and_warnings_stay():
    text = "\rtraining 4 networks:  50%|█████   | 00:01 passed, 00:01 left\r        \rUserWarning: look here\n"
    cell = nbformat.v4.new_code_cell(
        "1", execution_count=1, outputs=[nbformat.v4.new_output("stream", name="stderr", text=text)]
    )
    cleaned = pages.clean(nbformat.v4.new_notebook(cells=[cell]))
    assert cleaned.cells[0].outputs[0].text == "UserWarning: look here\n"


def test_a_chapter_begins_after_those_that_train_its_networks_and_the_longest_way_goes_first(monkeypatch):
    monkeypatch.setattr(order, "LOADS", {"b": ("a",), "c": ("b", "elsewhere")})
    monkeypatch.setattr(order, "SECONDS", {"a": 1, "b": 1, "c": 100, "d": 50})
    begun, ended = [], []

    def work(name):
        begun.append(name)
        assert set(order.LOADS.get(name, ())) & set("abcde") <= set(ended)
        ended.append(name)

    order.in_turn(["e", "d", "c", "b", "a"], work, at_once=1)
    assert begun == ["a", "b", "c", "d", "e"] and ended == begun
    assert order.way_to_go("a", ["a", "b", "c"]) == 102 and order.way_to_go("a", ["a"]) == 1


def test_two_chapters_run_beside_each_other():
    both = threading.Barrier(2, timeout=60)  # breaks where one waits for the end of the other
    order.in_turn(["a", "b"], lambda name: both.wait(), at_once=2)


def test_after_a_chapter_that_fails_no_other_begins():
    begun = []

    def work(name):
        begun.append(name)
        sys.exit(f"chapter {name} failed")

    with pytest.raises(SystemExit, match="chapter a failed"):
        order.in_turn(["a", "b"], work, at_once=1)
    assert begun == ["a"]


def test_a_failure_is_told_while_others_are_at_work(monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=lambda text: "chapter a" in text and told.set()))

    def work(name):
        if name == "a":
            sys.exit("chapter a failed")
        assert told.wait(60)

    with pytest.raises(SystemExit, match="chapter a failed"):
        order.in_turn(["a", "b"], work, at_once=2)
    assert told.is_set()


def test_a_killed_kernel_is_told_with_its_chapter(house):
    (house / "notebooks" / "trial.py").write_text("# %%\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(SystemExit, match="chapter trial failed: its kernel was killed"):
        chapters.execute("trial", {}, house / "page.ipynb")


ENDLESS = """
import sys
from pathlib import Path

import nbformat

import order
from lib import execution

code = 'import os, time; open("pipe", "w").write(f"{os.getpid()} "); time.sleep(10**6)'
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
order.in_turn(["a", "b", "c"], lambda name: execution.executed(name, notebook, {}, Path.cwd()), at_once=2)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open to watch processes")
def test_control_c_ends_the_chapters_and_their_kernels(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'book'}:{ROOT}"},
        stderr=subprocess.PIPE,
        text=True,
    )
    kernels = set()
    while len(kernels) < 2:
        kernels |= {int(number) for number in (tmp_path / "pipe").read_text().split()}
    handles = [os.pidfd_open(number) for number in kernels]
    process.send_signal(signal.SIGINT)
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 1 and "stopped; finished chapters and what was trained are kept" in said
    assert "Traceback" not in said
    for handle in handles:
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)


def test_the_order_of_the_chapters_names_chapters_and_has_no_circle():
    names = set(chapters.chapter_names())
    assert {*order.LOADS, *order.SECONDS} <= names and {one for those in order.LOADS.values() for one in those} <= names
    assert all(order.way_to_go(name, sorted(names)) < 3600 for name in names)  # a circle would have no end
