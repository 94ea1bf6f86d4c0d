"""Chapter 1: its checks of the mathematics notice what is wrong, and its figures show what they are given."""

import numpy as np
import pytest
from scipy.stats import t as student

from lib.chapters import introduction_figures as drawn
from lib.chapters.introduction import all_claims, differences, ratios, simultaneous

HOLDS = differences((np.array([0.001, -0.002]), np.array([-0.01, -0.01]), np.array([0.012, 0.006])), 0.05)
EXACT = np.array([0.3, 0.1])


def verdicts(product=HOLDS, resultant=HOLDS, integral=(1, 1 + 1e-12), tail=None):
    near = ratios(EXACT, np.transpose([EXACT - 0.01, EXACT + 0.01]), EXACT, 4000)
    claims = all_claims(product, resultant, np.array(integral), tail or near)
    return {claim.name.removeprefix("01-"): claim.verdict for claim in claims}


def test_what_holds_is_supported():
    assert set(verdicts().values()) == {"supported"} and len(verdicts()) == 4


@pytest.mark.parametrize(
    "shift, half, verdict", [(0.0, 0.01, "supported"), (0.02, 0.01, "contradicted"), (0.0, 0.06, "undecided")]
)
def test_differences_are_none_are_some_or_cannot_be_told(shift, half, verdict):
    estimate = np.array([0.0, shift])
    checked = differences((estimate, estimate - half, estimate + half), 0.05)
    found = verdicts(product=checked, resultant=checked)
    assert found["product"] == found["resultant"] == verdict
    assert all_claims(checked, HOLDS, np.ones(1), HOLDS)[0].estimate == shift  # the worst is shown


def test_intervals_hold_for_all_numbers_together():
    values = np.random.default_rng(0).standard_normal((20, 4))
    middle, low, _ = simultaneous(values)
    margin = student.ppf(1 - 0.025 / 4, 19) * values.std(0, ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(middle - low, margin)


@pytest.mark.parametrize(
    "share, samples, verdict", [(0.105, 4000, "supported"), (0.2, 4000, "contradicted"), (0.105, 50, "undecided")]
)
def test_shares_follow_the_formula_do_not_or_are_of_too_few(share, samples, verdict):
    shares = np.array([0.3, share])
    checked = ratios(shares, np.transpose([shares - 0.01, shares + 0.01]), EXACT, samples)
    assert verdicts(tail=checked)["tail-samples"] == verdict


def test_an_integral_that_is_off_is_noticed():
    assert verdicts(integral=(1, 1.001))["tail-integral"] == "contradicted"


def test_directions_face_the_reader_and_families_have_caps_around_their_centres():
    towards, right = drawn.direction(0, 0), drawn.direction(0, 90)
    assert towards @ right == pytest.approx(0) and np.linalg.norm(towards) == pytest.approx(1)
    rim = drawn._circle(towards, 0.8)
    np.testing.assert_allclose(rim @ towards, 0.8)
    figure = drawn.caps({"a": [(towards, 0.8)], "b": [(right, 0.5)]}, ["k"])
    assert [axis.get_title() for axis in figure.axes] == ["a", "b"]
