"""Numbers about results in prose are computed from results/: none is typed, and one without a source ends the build."""

import json
import re
from pathlib import Path

import pytest

import measured
import settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path for path in (ROOT / "book").glob("*.md"))
# What is no result: code, links and roles, formulas, where something stands, names of data sets and networks, versions
# and sizes of pictures, levels, facts about data that others made.
NO_RESULT = re.compile(
    r"""(?sx)^(`{3,})[^\n]*\n.*?^\1`*$ | ```\{.*?``` | \{\{.*?\}\} | \{[\w:]+\}`[^`]*` | `[^`]*` | \$\$.*?\$\$ | \$[^$\n]*\$
    | \[[^\]\n]*\]\([^)\n]*\) | <[^>\n]*> | ^\#[^\n]*
    | (?:[Cc]hapters?|appendix|Figs?\.?|Table|\#)\ [A-Z]?\.?\d[\w.]*(?:(?:,\ |\ and\ |\ to\ |,\ and\ )[A-Z]?\.?\d[\w.]*)*
    | \bCIFAR-\d+ | \bResNet-\d+ | \bH[12]\b | \bA[12]\b | \d+\ x\ \d+ | 95\ % | 97\.5\ % | CC\ BY\ 4\.0 | b?float\d+ | stride\ \d | 1,797\ images""",
    re.MULTILINE | re.VERBOSE,
)


def prose(path):
    """A page without what may hold digits; of the tables of deviations no column about papers."""
    text = path.read_text()
    if path.stem == "deviations":
        text = "\n".join(
            " ".join(line.split(" | ")[place] for place in (2, 3, -1))
            for line in text.splitlines()
            if line.startswith("| ")
        )
    return NO_RESULT.sub(" ", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_digit_about_results_is_typed(path):
    assert [line.strip() for line in prose(path).splitlines() if re.search(r"\d", line)] == []


def test_every_number_that_pages_call_has_a_function_and_is_called():
    called = {name for path in PAGES for name in re.findall(r"\{\{ (\w+) \}\}", path.read_text())}
    assert called == set(measured.MEASURED)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    measured.numbers.cache_clear()
    folder = tmp_path / "results" / "book"
    folder.mkdir(parents=True)

    def write(chapter, numbers):
        (folder / f"{chapter}_x.json").write_text(json.dumps({"numbers": numbers}))

    yield write
    measured.numbers.cache_clear()


def test_a_number_follows_its_results(results):
    rows = {"a": {"estimate": [1.2, 0.9]}, "b": {"estimate": [1.0, 1.25]}}
    results("04", {"predicted_over_measured": rows})
    assert measured.extrapolation() == "what is foretold for the widest networks is off by 10.0 to 25.0 % (chapter 4)"
    verdicts = {"c": {"0.05": "supported", "0.25": "undecided"}, "d": {"0.05": "supported", "0.25": "supported"}}
    results("07", {"verdicts_by_eps": verdicts, "by_eps": {"a": {"0.05": {"estimate": [[0.96]]}}}})
    assert measured.smaller_steps() == "alpha is 0.96 at 0.05; 1 of 2 verdicts differ there (chapter 7)"


def test_a_number_without_a_source_ends_the_build(results):
    with pytest.raises(ValueError, match="the number .* of book/deviations.md has no source in results/"):
        measured.all_measured()


@pytest.mark.skipif(not (ROOT / "results" / "book").exists(), reason="needs the results of this machine")
def test_all_numbers_have_a_source():
    assert all(measured.all_measured().values())


@pytest.mark.parametrize(
    "chapter, parameter, other, name, told",
    [
        ("02", "epochs", 7, "epochs_here", "7"),
        ("07", "judged_eps", [0.25], "eps_here", "0.25, 4 steps beside each other"),
        ("16", "stitch_width", 3, "stitched_here", "`resnet-large` of width 3 "),
        ("11", "train_counts", [5, 80, 20], "less_data_here", "80, 20 and 5 digits;"),
    ],
)
def test_a_setting_follows_its_chapter(monkeypatch, chapter, parameter, other, name, told):
    known = settings.default
    changed = {(chapter, parameter): other}
    monkeypatch.setattr(settings, "default", lambda *asked: changed[asked] if asked in changed else known(*asked))
    assert measured.MEASURED[name]().startswith(told)
