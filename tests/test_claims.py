"""Verdicts follow their rule, and results are strict JSON whole on disk."""

import dataclasses
import json
import math

import numpy as np
import pytest

from lib import claims
from lib.claims import Claim, all_above, judge_above, judge_within, write_results

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


@pytest.mark.parametrize("low, high, verdict", [
    (0.95, 1.05, "supported"), (0.9, 1.1, "supported"), (0.85, 1.05, "undecided"), (0.95, 1.2, "undecided"),
    (0.5, 2.0, "undecided"), (1.11, 1.2, "contradicted"), (0.5, 0.89, "contradicted"), (math.nan, math.nan, "undecided")])
def test_verdicts_of_a_band(low, high, verdict):
    assert judge_within(low, high, 0.9, 1.1) == verdict


def claim_that_all_are_above(estimates, half, threshold=0.0):
    """All intervals `half` wide at 95 %, wider at higher levels."""
    estimates = np.asarray(estimates)

    def interval(level):
        margin = half * (1 if level == 0.95 else 1.5)
        return estimates, estimates - margin, estimates + margin

    return all_above("all", "All rise.", "step", interval, threshold, 7, 100, list("abcd"))


def test_of_many_numbers_the_one_that_decides_is_shown():
    rising = claim_that_all_are_above([[0.5, 0.3], [0.4, 0.6]], 0.1)
    assert (rising.verdict, rising.estimate, rising.low) == ("supported", 0.3, pytest.approx(0.2))
    assert "step: b, the one of 4 with the lowest lower end; 4 of 4 intervals lie above 0" in rising.statistic
    assert "at the level 1 - 0.05 / 4" in rising.rule and (rising.networks, rising.images) == (7, 100)
    unsure = claim_that_all_are_above([0.5, -0.12], 0.1)  # below zero at 95 %, not at the corrected level
    assert (unsure.verdict, unsure.estimate) == ("undecided", -0.12) and "1 of 2" in unsure.statistic
    falling = claim_that_all_are_above([0.5, -0.3], 0.1)
    assert (falling.verdict, falling.estimate) == ("contradicted", -0.3)
    assert "lowest upper end" in falling.statistic
    assert claim_that_all_are_above([0.5, 0.3], 0.1, threshold=0.9).verdict == "contradicted"


def claim_that_all_are_within(estimates, half, band=(0.9, 1.1)):
    """All intervals `half` wide at 95 %, wider at higher levels."""
    estimates = np.array(estimates)

    def interval(level):
        margin = np.array(half) * (1 if level == 0.95 else 1.5)
        return estimates, estimates - margin, estimates + margin

    places = [f"place {number}" for number in range(len(estimates))]
    return claims.all_within("all", "All hold.", "ratio", interval, band, 7, 100, places)


@pytest.mark.parametrize("estimates, verdict, shown", [
    ([1.0, 1.02], "supported", 1.02), ([1.0, 0.8], "contradicted", 0.8), ([0.94, 1.0], "undecided", 0.94),
    ([1.0, 0.84], "undecided", 0.84),  # outside at 95 %, not at the corrected level
    ([1.0, math.nan], "undecided", math.nan), ([math.nan, math.nan], "undecided", math.nan),
    ([math.nan, 0.8], "contradicted", 0.8)])
def test_of_many_ratios_all_must_lie_within_the_band(estimates, verdict, shown):
    claim = claim_that_all_are_within(estimates, 0.05)
    assert claim.verdict == verdict and claim.estimate == pytest.approx(shown, nan_ok=True)
    assert "the one of 2 that decides" in claim.statistic and "at the level 1 - 0.05 / 2" in claim.rule


def test_the_ratio_that_decides_is_shown_and_not_the_one_with_the_largest_estimate():
    unsure = claim_that_all_are_within([0.95, 1.08, 1.0], [0.1, 0.01, 0.01])
    assert unsure.verdict == "undecided" and ": place 0, " in unsure.statistic
    assert "2 within 0.9 to 1.1, 0 outside at the corrected level" in unsure.statistic
    outside = claim_that_all_are_within([1.5, 1.3], [0.3, 0.02])  # the larger one reaches into the band
    assert (outside.verdict, outside.estimate) == ("contradicted", 1.3) and "1 outside" in outside.statistic


def test_a_half_is_as_far_from_the_band_as_a_double():
    assert claim_that_all_are_within([0.5, 1.9], 0.01, (0.8, 1.25)).estimate == 0.5
    assert claim_that_all_are_within([0.55, 2.0], 0.01, (0.8, 1.25)).estimate == 2.0
    below_zero = claim_that_all_are_within([0.5, 1.0], [0.6, 0.01], (0.8, 1.25))  # no ratio, but an interval may say so
    assert (below_zero.verdict, below_zero.estimate) == ("undecided", 0.5)


def test_results_say_what_where_and_with_which_parameters(written):
    content = written({"rho": 0.5}, {"widths": [4, 8], "grid": None}, [CLAIM])
    assert list(content) == ["chapter", "study", "versions", "parameters", "provenance", "numbers", "claims"]
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
    found = claims.read_claims(folder(), ["02_two", "01_one"])
    assert found == {name: [dataclasses.replace(CLAIM, name=f"{name[:2]}-rises", low=None)]
                     for name in ("02_two", "01_one")}
    assert list(found) == ["02_two", "01_one"]


@pytest.mark.parametrize("old, new, sentence", [
    ('{"chapter"', '{chapter', r"02_two.json is no file of claims: Expecting property name"),
    ('"claims"', '"clams"', "02_two.json is no file of claims: 'claims'"),
    ('"rule"', '"role"', "02_two.json is no file of claims: .*unexpected keyword argument 'role'"),
    ('"rule": "the interval lies above 0", ', "", "02_two.json is no file of claims: .*missing .* 'rule'"),
    ('"supported"', '"proven"', "claim 02-rises of chapter 02_two has the verdict 'proven'; the verdicts are supported, "),
    ("02-rises", "01-rises", "two claims have the name 01-rises, in 01_one and 02_two"),
])
def test_a_faulty_file_of_claims_is_refused_in_one_sentence(folder, old, new, sentence):
    with pytest.raises(ValueError, match=sentence):
        claims.read_claims(folder(old, new), ["01_one", "02_two"])


def test_a_chapter_without_results_is_refused(folder):
    with pytest.raises(ValueError, match="chapter 03_three has no results: there is no 03_three.json in results/"):
        claims.read_claims(folder(), ["01_one", "03_three"])
