"""Rules: what an interval, or many, says about a threshold or a band."""

import math

import error_rates
import numpy as np
import pytest

from lib.rules import CONTRADICTED, Unless, above, below, within
from lib.rules_of_several import Share, every, some
from lib.statistics.intervals import mean_interval
from lib.statistics.sample import Estimated


@pytest.mark.parametrize(
    "low, high, threshold, verdict",
    [
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
    ],
)
def test_verdicts(low, high, threshold, verdict):
    found = Estimated(lambda level: (np.add(low, high) / 2, np.array(low), np.array(high)), 3, 9)
    rule = every(above(threshold)) if np.ndim(low) else above(threshold)
    assert rule.judge(found, "abcd").verdict == verdict


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (0.95, 1.05, "supported"),
        (0.9, 1.1, "supported"),
        (0.85, 1.05, "undecided"),
        (0.95, 1.2, "undecided"),
        (0.5, 2.0, "undecided"),
        (1.11, 1.2, "contradicted"),
        (0.5, 0.89, "contradicted"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_verdicts_of_a_band(low, high, verdict):
    assert within(0.9, 1.1).verdicts(low, high) == verdict


def judged(rule, estimates, half):
    """What a rule says of intervals that reach `half` to either side at 95 %, and half as far again at higher levels."""
    estimates = np.array(estimates)

    def interval(level):
        margin = np.array(half) * (1 if level == 0.95 else 1.5)
        return estimates, estimates - margin, estimates + margin

    return rule.judge(Estimated(interval, 7, 100), [f"place {number}" for number in range(estimates.size)])


def test_of_many_numbers_the_one_that_decides_is_shown():
    rising = judged(every(above(0)), [[0.5, 0.3], [0.4, 0.6]], 0.1)
    assert (rising.verdict, rising.estimate, rising.low) == ("supported", 0.3, pytest.approx(0.2))
    assert (
        rising.note == ": place 1, the one of 4 that decides; 4 lie above 0, 0 on the other side at the corrected level"
    )
    unsure = judged(every(above(0)), [0.5, -0.12], 0.1)  # below zero at 95 %, not at the corrected level
    assert (unsure.verdict, unsure.estimate) == ("undecided", -0.12) and "1 lie above 0" in unsure.note
    falling = judged(every(above(0)), [0.5, -0.3], 0.1)
    assert (falling.verdict, falling.estimate) == ("contradicted", -0.3)
    assert "1 on the other side" in falling.note
    assert judged(every(above(0.9)), [0.5, 0.3], 0.1).verdict == "contradicted"


@pytest.mark.parametrize(
    "estimates, verdict, shown",
    [
        ([1.0, 1.02], "supported", 1.02),
        ([1.0, 0.8], "contradicted", 0.8),
        ([0.94, 1.0], "undecided", 0.94),
        ([1.0, 0.84], "undecided", 0.84),  # outside at 95 %, not at the corrected level
        ([1.0, math.nan], "undecided", math.nan),
        ([math.nan, math.nan], "undecided", math.nan),
        ([math.nan, 0.8], "contradicted", 0.8),
    ],
)
def test_of_many_ratios_all_must_lie_within_the_band(estimates, verdict, shown):
    claim = judged(every(within(0.9, 1.1)), estimates, 0.05)
    assert claim.verdict == verdict and claim.estimate == pytest.approx(shown, nan_ok=True)
    assert "the one of 2 that decides" in claim.note


def test_the_ratio_that_decides_is_shown_and_not_the_one_with_the_largest_estimate():
    unsure = judged(every(within(0.9, 1.1)), [0.95, 1.08, 1.0], [0.1, 0.01, 0.01])
    assert unsure.verdict == "undecided" and ": place 0, " in unsure.note
    assert "2 lie within 0.9 to 1.1, 0 on the other side at the corrected level" in unsure.note
    outside = judged(every(within(0.9, 1.1)), [1.5, 1.3], [0.3, 0.02])  # the larger one reaches into the band
    assert (outside.verdict, outside.estimate) == ("contradicted", 1.3) and "1 on the other side" in outside.note


def test_a_half_is_as_far_from_the_band_as_a_double():
    assert judged(every(within(0.8, 1.25)), [0.5, 1.9], 0.01).estimate == 0.5
    assert judged(every(within(0.8, 1.25)), [0.55, 2.0], 0.01).estimate == 2.0
    below_zero = judged(every(within(0.8, 1.25)), [0.5, 1.0], [0.6, 0.01])  # no ratio, but an interval may say so
    assert (below_zero.verdict, below_zero.estimate) == ("undecided", 0.5)


@pytest.mark.parametrize(
    "estimates, verdict, shown",
    [
        ([0.5, -0.5], "supported", 0.5),
        ([-0.5, 0.3], "supported", 0.3),
        ([-0.5, -0.3], "contradicted", -0.3),
        ([0.05, -0.5], "undecided", 0.05),
        ([0.12, -0.5], "undecided", 0.12),
    ],
)  # 0.12: above zero at 95 %, not at 97.5 %
def test_of_several_numbers_one_that_keeps_the_band_is_enough(estimates, verdict, shown):
    found = judged(some(above(0)), estimates, 0.1)
    assert (found.verdict, found.estimate) == (verdict, shown)
    assert found.low == pytest.approx(shown - 0.15) and found.note.endswith("the best of 2 (97.5 % interval)")


@pytest.mark.parametrize(
    "estimate, hidden, verdict",
    [(0.5, False, "supported"), (0.5, True, "supported"), (-0.5, False, "contradicted"), (-0.5, True, "undecided")],
)
def test_an_absence_decides_nothing_where_a_presence_could_not_have_been_seen(estimate, hidden, verdict):
    rule = Unless(above(0), CONTRADICTED, hidden, "it is dark")
    found = rule.judge(Estimated(lambda level: (estimate, estimate - 0.1, estimate + 0.1), 3, 0))
    assert (found.verdict, found.estimate) == (verdict, estimate)
    assert (
        str(rule)
        == "95 % interval above 0; contradicted if it lies below; not contradicted but undecided where it is dark"
    )


@pytest.mark.parametrize(
    "estimates, verdict, shown",
    [
        ([0.01, -0.015], "supported", -0.015),
        ([0.03, -0.09], "contradicted", -0.09),
        ([0.0, -0.019], "undecided", -0.019),
    ],
)
def test_a_band_about_zero_is_left_on_either_side(estimates, verdict, shown):
    estimates = np.array(estimates)
    found = every(within(-0.02, 0.02)).judge(
        Estimated(lambda level: (estimates, estimates - 0.004, estimates + 0.004), 7, 100), ["a", "b"]
    )
    assert (found.verdict, found.estimate) == (verdict, shown)


def test_every_one_of_nothing_is_undecided():
    nothing = np.array([])
    found = every(above(0)).judge(Estimated(lambda level: (nothing, nothing, nothing), 0, 100), [])
    assert found.verdict == "undecided" and np.isnan(found.estimate)


@pytest.mark.parametrize(
    "estimates, verdict, low, high",
    [
        ([1.0] * 9 + [-1.0], "supported", 0.9, 0.9),
        ([1.0] * 9 + [0.0], "supported", 0.9, 1.0),
        ([1.0] * 8 + [0.0, 0.0], "undecided", 0.8, 1.0),
        ([1.0] * 8 + [-1.0, -1.0], "contradicted", 0.8, 0.8),
    ],
)
def test_a_share_of_the_cells_counts_those_that_are_sure(estimates, verdict, low, high):
    wide = lambda level: 0.1 / (1 - level)  # at the corrected level of ten cells 20, at the plain one 2  # noqa: E731
    values = 100 * np.array(estimates)
    found = Share(above(0), 0.9).judge(
        Estimated(lambda level: (values, values - wide(level), values + wide(level)), 7, 9)
    )
    assert (found.verdict, found.low, found.high) == (verdict, pytest.approx(low), pytest.approx(high))


FAR = 3.0  # of a threshold, in standard deviations of one network
PLANTED = [  # rule, true numbers, the right verdict; None: at the threshold, where either is wrong
    (above(0), [0], None),
    (above(0), [-FAR], "contradicted"),
    (below(0), [0], None),
    (within(-1, 1), [1], None),
    (within(-FAR, FAR), [0], "supported"),
    (every(above(0)), [0] * 6, None),
    (every(above(0)), [0] + [FAR] * 5, None),
    (every(above(0)), [FAR] * 6, "supported"),
    (every(above(0)), [-FAR] + [FAR] * 5, "contradicted"),
    (every(within(-FAR, FAR)), [FAR] + [0] * 5, None),
    (Share(above(0), 0.9), [0] * 20, None),
    (Share(above(0), 0.9), [0] * 3 + [2 * FAR] * 17, None),  # 15 % are not above, one in ten may be
    (Share(above(0), 0.9), [-2 * FAR] * 2 + [2 * FAR] * 18, "supported"),
    (Share(above(0), 0.9), [-2 * FAR] * 3 + [2 * FAR] * 17, "contradicted"),
    (some(above(0)), [0] * 6, None),
    (some(above(0)), [FAR] + [-FAR] * 5, "supported"),
    (some(above(0)), [-2 * FAR] * 6, "contradicted"),
]


@pytest.mark.parametrize("trials", [200, pytest.param(4000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize("rule, truth, expected", PLANTED, ids=lambda part: str(part)[:40])
def test_rules_err_as_seldom_as_they_promise(rule, truth, expected, together, trials):
    """Student's intervals of six networks, whose numbers vary each for itself or half of it all together."""
    rng, found = np.random.default_rng(trials), []
    for _ in range(trials):
        own, shared = rng.standard_normal((6, len(truth))), rng.standard_normal((6, 1))
        values = np.array(truth) + (np.sqrt(0.5) * (own + shared) if together else own)
        numbers = Estimated(lambda level: mean_interval(values, level), 6, 0)
        found.append(rule.judge(numbers, range(len(truth))).verdict)
    error_rates.check(found, expected, 0.9)
