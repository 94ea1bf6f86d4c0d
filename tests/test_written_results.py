"""Results are strict JSON, whole on disk, and tables of claims say what they hold."""

import dataclasses
import json
import math

import numpy as np
import pytest

from lib import results
from lib.verdicts import Claim

CLAIM = Claim(
    "rises", "It rises.", "step", 0.1234567, 0.01234, 0.20123, 20, 256, "the interval lies above 0", "supported"
)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes numbers, parameters and claims, and gives back the strictly parsed file."""
    monkeypatch.setattr(results, "ROOT", tmp_path)

    def write(numbers=(), parameters=(), found=()):
        results.write("small", "03_chapter", dict(parameters), dict(numbers), found)
        path = tmp_path / "results" / "small" / "03_chapter.json"
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(path.read_text(), parse_constant=refuse)

    return write


def test_results_say_what_where_and_with_which_parameters(written):
    content = written({"rho": 0.5}, {"widths": [4, 8], "grid": None}, [CLAIM])
    assert list(content) == ["chapter", "study", "versions", "parameters", "provenance", "numbers", "claims"]
    assert set(content["versions"]) == {"python", "torch", "numpy"}
    assert content["chapter"] == "03_chapter" and content["study"] == "small"
    assert content["parameters"] == {"widths": [4, 8], "grid": None} and content["numbers"] == {"rho": 0.5}
    assert content["claims"] == [dataclasses.asdict(CLAIM) | {"estimate": 0.123457, "thresholds": []}]


@pytest.mark.parametrize(
    "value, plain",
    [
        (math.nan, None),
        (np.float32("inf"), None),
        ([1.0, -math.inf, [math.nan]], [1.0, None, [None]]),
        (np.array([[1.5, np.nan], [2, 3]]), [[1.5, None], [2.0, 3.0]]),
        (np.array(2.5), 2.5),
        (np.array(np.nan), None),
        (np.arange(3), [0, 1, 2]),
        (np.int64(7), 7),
        (np.float32(0.1), 0.1),
        (np.bool_(True), True),
        (np.array([True, False]), [True, False]),
        (np.str_("a"), "a"),
        (1 / 3, 0.333333),
        (123456789.0, 123457000.0),
        (123456789, 123456789),
        ({"a": {4: np.float64(1), (4, 8): np.nan}}, {"a": {"4": 1.0, "(4, 8)": None}}),
        ((1, "x", None, False), [1, "x", None, False]),
        ([], []),
    ],
)
def test_numbers_become_plain_json(written, value, plain):
    found = written({"x": value})["numbers"]["x"]
    assert found == plain and type(found) is type(plain)


def test_a_claim_without_an_interval_has_nulls(written):
    claim = dataclasses.replace(CLAIM, low=np.float64("nan"), high=math.inf, networks=np.int64(3))
    found = written(found=iter([claim]))["claims"][0]
    assert (found["low"], found["high"], found["networks"]) == (None, None, 3)


def test_new_results_replace_the_old_and_a_failure_keeps_them(written):
    written({"x": 1})
    assert written({"x": 2})["numbers"] == {"x": 2}
    with pytest.raises(TypeError):
        written({"x": object()})
    assert json.loads((results.ROOT / "results/small/03_chapter.json").read_text())["numbers"] == {"x": 2}


def test_a_table_has_a_row_a_claim_with_whole_sentences_and_three_decimals():
    long = "rho < 1 & " + "so on and on " * 20 + "to the end"
    page = results.table(iter([CLAIM, dataclasses.replace(CLAIM, name="other", statement=long, low=math.nan)])).data
    assert page.count("<tr") == 3 and page.count("0.123 [") == 2 and page.count("supported") == 2
    assert "It rises." in page and "0.123 [0.012, 0.201]" in page and "0.123 [–, 0.201]" in page
    assert "rho &lt; 1 &amp; so on" in page and "to the end" in page


@pytest.fixture
def folder(tmp_path):
    """Results of two chapters; `change` alters the text of the second."""

    def change(old="", new=""):
        for name in ("01_one", "02_two"):
            entry = dataclasses.asdict(dataclasses.replace(CLAIM, name=f"{name[:2]}-rises", low=None))
            (tmp_path / f"{name}.json").write_text(json.dumps({"chapter": name, "claims": [entry]}))
        path = tmp_path / "02_two.json"
        path.write_text(path.read_text().replace(old, new))
        return tmp_path

    return change


def test_claims_are_read_as_they_were_written(folder):
    found = results.read(folder(), ["02_two", "01_one"])
    assert found == {
        name: [dataclasses.replace(CLAIM, name=f"{name[:2]}-rises", low=None)] for name in ("02_two", "01_one")
    }
    assert list(found) == ["02_two", "01_one"]


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ('{"chapter"', "{chapter", r"02_two.json is no file of claims: Expecting property name"),
        ('"claims"', '"clams"', "02_two.json is no file of claims: 'claims'"),
        ('"rule"', '"role"', "02_two.json is no file of claims: .*unexpected keyword argument 'role'"),
        ('"rule": "the interval lies above 0", ', "", "02_two.json is no file of claims: .*missing .* 'rule'"),
        (
            '"supported"',
            "[]",
            "02_two.json is no file of claims: a name and a verdict are texts, not '02-rises' and \\[\\]",
        ),
        ('"claims": [', '"claims": [[], ', "02_two.json is no file of claims: "),
        ('"supported"', '"proven"', "claim 02-rises of chapter 02_two has the verdict 'proven'; the verdicts are"),
        ("02-rises", "01-rises", "two claims have the name 01-rises, in 01_one and 02_two"),
    ],
)
def test_a_faulty_file_of_claims_is_refused_in_one_sentence(folder, old, new, sentence):
    with pytest.raises(ValueError, match=sentence):
        results.read(folder(old, new), ["01_one", "02_two"])


def test_a_chapter_without_results_is_refused(folder):
    with pytest.raises(ValueError, match="chapter 03_three has no results: there is no 03_three.json in results/"):
        results.read(folder(), ["01_one", "03_three"])
