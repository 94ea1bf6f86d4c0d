"""Verdicts follow their rule, and results are strict JSON whole on disk."""

import dataclasses
import json
import math

import numpy as np
import pytest

from lib import claims
from lib.claims import Claim, judge_above, write_results

CLAIM = Claim("rises", "It rises.", "step", 0.1234567, 0.01234, 0.20123, 20, 256, "the interval lies above 0",
              "supported")


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes numbers, parameters and claims, and gives back the strictly parsed file."""
    monkeypatch.setattr(claims, "ROOT", tmp_path)

    def write(numbers=(), parameters=(), found=()):
        write_results("small", "03_chapter", dict(parameters), dict(numbers), found)
        path = tmp_path / "results" / "small" / "03_chapter.json"
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(path.read_text(), parse_constant=refuse)

    return write


@pytest.mark.parametrize("low, high, threshold, verdict", [
    (0.1, 0.3, 0.0, "supported"),
    (-0.1, 0.3, 0.0, "undecided"),
    (-0.3, -0.1, 0.0, "contradicted"),
    (0.0, 0.3, 0.0, "undecided"),  # touching is not above
    (-0.3, 0.0, 0.0, "undecided"),
    (0.1, 0.3, 0.2, "undecided"),
    (0.91, 0.95, 0.9, "supported"),
    ([0.1, 0.2], [0.3, 0.4], 0.0, "supported"),
    ([0.1, -0.2], [0.3, 0.4], 0.0, "undecided"),
    ([0.1, -0.2], [0.3, -0.1], 0.0, "contradicted"),  # one counterexample is enough
    ([-0.2, -0.2], [0.3, -0.1], 0.0, "contradicted"),
    (math.nan, math.nan, 0.0, "undecided"),
    ([0.1, math.nan], [0.2, math.nan], 0.0, "undecided"),
    ([-0.2, math.nan], [-0.1, math.nan], 0.0, "contradicted"),
    (np.array([[0.1], [0.2]]), np.array([[0.3], [0.4]]), 0.0, "supported"),
    ([], [], 0.0, "undecided"),  # nothing seen, nothing supported
])
def test_verdicts(low, high, threshold, verdict):
    assert judge_above(low, high, threshold) == verdict


def test_results_say_what_where_and_with_which_parameters(written):
    content = written({"rho": 0.5}, {"widths": [4, 8], "grid": None}, [CLAIM])
    assert list(content) == ["chapter", "study", "versions", "parameters", "numbers", "claims"]
    assert set(content["versions"]) == {"python", "torch", "numpy"}
    assert content["chapter"] == "03_chapter" and content["study"] == "small"
    assert content["parameters"] == {"widths": [4, 8], "grid": None} and content["numbers"] == {"rho": 0.5}
    assert content["claims"] == [dataclasses.asdict(CLAIM) | {"estimate": 0.123457}]


@pytest.mark.parametrize("value, plain", [
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
])
def test_numbers_become_plain_json(written, value, plain):
    found = written({"x": value})["numbers"]["x"]
    assert found == plain and type(found) is type(plain)


def test_parameters_become_plain_json_too(written):
    parameters = {"widths": np.array([4, 8]), "seeds": np.int64(3), "rate": math.nan, "families": ("a", "b")}
    assert written(parameters=parameters)["parameters"] == {"widths": [4, 8], "seeds": 3, "rate": None,
                                                            "families": ["a", "b"]}


def test_a_claim_without_an_interval_has_nulls(written):
    claim = dataclasses.replace(CLAIM, low=np.float64("nan"), high=math.inf, networks=np.int64(3))
    found = written(found=iter([claim]))["claims"][0]
    assert (found["low"], found["high"], found["networks"]) == (None, None, 3)


def test_new_results_replace_the_old_and_a_failure_keeps_them(written):
    written({"x": 1})
    assert written({"x": 2})["numbers"] == {"x": 2}
    with pytest.raises(TypeError):
        written({"x": object()})
    assert json.loads((claims.ROOT / "results/small/03_chapter.json").read_text())["numbers"] == {"x": 2}


def test_a_table_has_a_row_a_claim_with_whole_sentences_and_three_decimals():
    long = "rho < 1 & " + "so on and on " * 20 + "to the end"
    page = claims.table(iter([CLAIM, dataclasses.replace(CLAIM, name="other", statement=long, low=math.nan)])).data
    assert page.count("<tr") == 3 and page.count("0.123 [") == 2 and page.count("supported") == 2
    assert "It rises." in page and "0.123 [0.012, 0.201]" in page and "0.123 [nan, 0.201]" in page
    assert "rho &lt; 1 &amp; so on" in page and "to the end" in page
