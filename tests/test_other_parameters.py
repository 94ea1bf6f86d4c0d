"""What a page says follows its parameters: with very different ones nothing of the defaults is left in what is shown."""

import re
import shutil

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
    "03_individual_similarity": (FEW, r"\bk_?[12]? ?= ?(?:2|4|8|16|32)\b|\b(?:360|1,?437|20|114) (?:test |training )?(?:images|networks)"),
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


def shown(notebook) -> str:
    """All texts that the cells put out, captions and alternative texts among them."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts.append(output.get("text", ""))
            texts += [str(value) for kind, value in output.get("data", {}).items() if "text" in kind]
        texts += [str(cell.metadata.get("mystnb", "")), str(cell.metadata.get("figure", ""))]
    return "\n".join(texts)


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_the_defaults_is_left_on_a_page_with_other_parameters(name, tmp_path, monkeypatch):
    chosen, defaults = CASES[name]
    study = f"test-of-other-parameters-{name[:2]}"
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path))
    try:
        source = jupytext.read(ROOT / "notebooks" / f"{name}.py")
        text = shown(execution.executed(name, source, chosen | {"study": study}, ROOT / "notebooks"))
    finally:
        shutil.rmtree(ROOT / "results" / study, ignore_errors=True)
    committed = shown(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4))
    assert re.findall(defaults, committed), "the pattern does not know what the default page says"
    assert re.findall(defaults, text) == []
    assert {family for family in FAMILIES if family in text} <= {*chosen.get("families", ())}
    assert re.search(r"\b90 test images|n = 90\b", text)
