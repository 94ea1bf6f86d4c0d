"""A chapter is run again with the user's parameters, and nothing of the defaults is left on its page; or not at all."""

import json
import os
import re
import shutil
import subprocess
import sys

import jupytext
import nbformat
import pytest

from lib import execution
from lib.runtime.files import ROOT

FAMILIES = {"cnn-small", "cnn-large", "resnet-small", "resnet-large", "vit"}
SMALL = {"epochs": 1, "n_train": 150, "n_test": 90, "seeds": 3}
FEW = {**SMALL, "families": ["cnn-large"], "widths": [3, 5], "bootstrap_draws": 100}
# chapter -> parameters, and what its default page says of its networks and images
CASES = {
    "08_batch_size": (
        FEW | {"batch_sizes": [25, 50]},
        r"\bk ?= ?[24]\b|\b(?:360|1,?437) (?:test |training )?images|\b(?:64|128|256|512)\b",
    ),
    "11_block_structure": (
        {**SMALL, "wide_depth": 8, "widths": [1, 3], "depths": [8, 20], "plain_widths": [1, 3], "reference_images": 200,
         "train_counts": [50, 150], "data_seeds": 3, "cka_batches": [15, 30], "full_images": 90, "cka_batch": 30},
        r"resnet-?(?:14|26|56)\b|\b(?:360|640|1,?437|160) (?:test |training )?images",
    ),
}  # fmt: skip
THIRD = "03_individual_similarity"
OF_THIRD = r"\bk_?[12]? ?= ?(?:2|4|8|16|32)\b|\b(?:360|1,?437|20|114) (?:test |training )?(?:images|networks)"


def shown(notebook) -> str:
    """All texts that the cells put out, captions and alternative texts among them."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts.append(output.get("text", ""))
            texts += [str(value) for kind, value in output.get("data", {}).items() if "text" in kind]
        texts += [str(cell.metadata.get("mystnb", "")), str(cell.metadata.get("figure", ""))]
    return "\n".join(texts)


ABOUT_OTHERS = re.compile(r"paper|program|authors|script|default|planted|simulated|trials|Fig|Table")
NOT_SAID = re.compile(r"(?s)`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\{[\w:]+\}|^#.*?$", re.MULTILINE)


def numbers(text) -> set[str]:
    """Those of more than two digits, and decimal fractions; commas among thousands are left out."""
    return set(re.findall(r"\d+\.\d+|\d{3,}", re.sub(r"(?<=\d),(?=\d{3})", "", text)))


def said(notebook) -> str:
    """What its prose says of its own run: sentences without formulas, names in code and what is about others."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    own = [part for part in prose.split("\n\n") if not part.startswith("**What the paper says**")]
    sentences = re.split(r"(?<=[.:])\s", NOT_SAID.sub(" ", "\n\n".join(own)))
    return " ".join(one for one in sentences if not ABOUT_OTHERS.search(one))


def check_page(name, page, chosen, defaults):
    default = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    committed = shown(default)
    assert numbers(said(page)) & numbers(committed) - numbers(shown(page)) == set()
    assert re.findall(defaults, committed), "the pattern does not know what the default page says"
    text = shown(page)
    assert re.findall(defaults, text) == []
    assert {family for family in FAMILIES if family in text} <= {*chosen.get("families", ())}
    assert re.search(r"\b90 test images|n = 90\b", text)


@pytest.fixture
def study():
    """The name of a study of this process alone, of whose results nothing is left."""
    name = f"test-of-a-rerun-{os.getpid()}"
    yield name
    shutil.rmtree(ROOT / "results" / name, ignore_errors=True)


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_the_defaults_is_left_on_a_page_with_other_parameters(name, study, tmp_path, monkeypatch):
    chosen, defaults = CASES[name]
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path))
    source = jupytext.read(ROOT / "notebooks" / f"{name}.py")
    check_page(name, execution.executed(name, source, chosen | {"study": study}, ROOT / "notebooks"), chosen, defaults)


def papermill(tmp_path, **parameters):
    """The plain papermill command on chapter 3, with an empty store of networks."""
    command = [sys.executable, "-m", "papermill", f"notebooks/{THIRD}.ipynb", str(tmp_path / "out.ipynb")]
    options = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    environment = {**os.environ, "GREATMINDS_ARTIFACTS": str(tmp_path / "artifacts")}
    return subprocess.run(
        [*command, "--no-progress-bar", *options], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_a_mistake_is_refused_in_one_sentence_before_any_work(tmp_path, study):
    result = papermill(tmp_path, widhts=[4, 8], study=study)
    assert result.returncode != 0
    assert "unknown parameter 'widhts'; did you mean 'widths'?" in result.stderr
    assert "Traceback" not in result.stderr.split("Exception encountered at")[1]
    assert not (tmp_path / "artifacts").exists() and not (ROOT / "results" / study).exists()


def test_a_chapter_runs_again_with_the_users_parameters(tmp_path, study):
    before = {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}
    result = papermill(tmp_path, **FEW, study=study)
    assert result.returncode == 0, result.stderr
    check_page(THIRD, nbformat.read(tmp_path / "out.ipynb", 4), FEW, OF_THIRD)
    written = json.loads((ROOT / "results" / study / f"{THIRD}.json").read_text())
    assert written["parameters"]["widths"] == [3, 5] and written["parameters"]["seeds"] == {"cnn-large": 3}
    values = written["numbers"]["expected"]["cnn-large"]["estimate"]
    assert values[0][1] == values[1][0] and all(-1 <= value <= 1 for row in values for value in row)
    assert {claim["verdict"] for claim in written["claims"]} <= {"supported", "contradicted", "undecided", "not tested"}
    # Three networks are too few for Table 1, which needs four; the rest of the chapter does not mind.
    assert written["numbers"]["wasserstein"] == {} and len(written["claims"]) == 4
    assert before == {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}
