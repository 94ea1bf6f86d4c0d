"""Chapter 7: verdicts follow from the matrices, planted ones that obey a claim, break it, or do not tell."""

from dataclasses import replace

import error_rates
import numpy as np
import pytest

from lib.chapters.black_box_attack import ACROSS as ACROSS_ROW
from lib.chapters.black_box_attack import (
    ATTACKS,
    MEAN,
    Attacked,
    across_claims,
    attack_claims,
    fall_a_doubling,
    lead_across,
    lead_over_largest,
    lead_over_own_width,
    lead_over_random,
    other_families,
    source_falls,
    source_less_target_spread,
    source_means,
)
from lib.gates import learnt
from lib.rules_of_several import every
from lib.statistics.sample import Sample

WIDTHS = 2, 4, 8
LEARNT = [learnt([0.9], 10)]
SQUARE = np.array([[0.9, 0.91, 0.92], [0.8, 0.81, 0.82], [0.7, 0.71, 0.72]])  # rows: sources
AS_THE_PAPER = np.vstack([SQUARE, [0.6, 0.61, 0.62], [0.98, 0.99, 1.0]])  # then the mean direction and random signs


def outcome(values, spread=0.0005):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((1000, *values.shape))
    without = np.tile(values, (6, 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (6,), 256)


def claims(values, spread=0.0005):
    found = attack_claims("vit", outcome(values, spread), WIDTHS, LEARNT)
    return {claim.name.removeprefix("07-").removesuffix("-vit"): claim for claim in found}


def verdicts(values, spread=0.0005):
    return {name: claim.verdict for name, claim in claims(values, spread).items()}


def test_measures_are_those_of_their_names():
    expected = {
        source_falls: [0.1, 0.1],
        source_less_target_spread: 0.09 * np.sqrt(2 / 3),
        lead_over_largest: [0.1, 0.1, 0.1],
        lead_over_own_width: [0.3, 0.2],  # the third is the largest width itself
        lead_over_random: [0.08, 0.18, 0.28],
    }
    for measure, value in expected.items():
        np.testing.assert_allclose(measure(AS_THE_PAPER), value)
        np.testing.assert_allclose(measure(np.stack([AS_THE_PAPER, AS_THE_PAPER + 1])), [value, value])


def test_the_fall_is_the_slope_of_a_line_and_every_width_matters():
    """numpy's least squares, for averages over targets that are no maxima, on widths that are no powers of two."""
    widths = np.array([2, 3, 8, 32])
    sources = source_means(np.random.default_rng(0).uniform(0.6, 1, (5, 6, 4)))
    slopes = [np.polyfit(np.log2(widths), alpha, 1)[0] for alpha in sources]
    np.testing.assert_allclose(fall_a_doubling(sources, widths), np.negative(slopes))
    claim = claims(AS_THE_PAPER)["wide-sources"]
    assert claim.estimate == pytest.approx(0.1) and "doubling" in claim.statistic


def test_one_target_that_is_not_sure_leaves_every_target_undecided():
    values = AS_THE_PAPER.copy()
    values[MEAN, 1] = values[2, 1]
    found = claims(values)
    claim = found["mean-direction-best"]
    assert claim.verdict == "undecided" and "target k = 4, the one of 3" in claim.statistic
    assert claim.images == 256 and claim.estimate == pytest.approx(0, abs=1e-9)
    assert found["mean-direction-own-width"].verdict == "supported"
    assert "target k = 4, the one of 2 " in found["mean-direction-own-width"].statistic
    values[MEAN, 1] += 0.05
    assert verdicts(values)["mean-direction-best"] == "contradicted"


def test_claims_count_the_groups_and_fewer_than_six_are_not_tested():
    assert {claim.networks for claim in claims(AS_THE_PAPER).values()} == {6}
    four = replace(outcome(AS_THE_PAPER), without=np.tile(AS_THE_PAPER, (4, 1, 1)), networks=(4,))
    four = replace(four, without_by_images=four.without[None])
    for groups, gates in ((four, LEARNT), (outcome(AS_THE_PAPER), [learnt([0.4], 10)])):
        found = attack_claims("vit", groups, WIDTHS, gates)
        assert {claim.verdict for claim in found if claim.level != "machinery"} == {"not tested"}


def test_one_step_back_is_seen_at_every_step_only():
    values = AS_THE_PAPER.copy()
    values[1] = values[0] + 0.02
    found = verdicts(values)
    assert found["wide-sources"] == "supported" and found["wide-sources-every-step"] == "contradicted"


def test_accuracy_that_targets_never_had_is_no_width_that_matters():
    """Targets of 60, 70 and 80 % lose equally much: the target's width does not matter, the source's does."""
    clean, lost = np.array([0.6, 0.7, 0.8]), np.array([0.1, 0.2, 0.3])
    change = np.vstack([np.repeat(-lost[:, None], 3, axis=1), [[-0.4] * 3, [0] * 3]])
    assert source_less_target_spread(change) > 0.08 and source_less_target_spread(change + clean) < 0.01


TURNED = np.vstack([SQUARE.T, [1.1, 1.1, 1.1], [0.5, 0.5, 0.5]])  # the target's width rules, the mean is weak
TURNED[:3] += 0.05 * np.arange(3)[:, None]  # and wide sources are the weaker ones
TRUTHS = {  # what is planted -> the matrix, and the verdict that the rules of ATTACKS ought to come to; None: none
    "claimed": (np.flip(AS_THE_PAPER, 1), "supported"),
    "opposite": (np.flip(TURNED, 1), "contradicted"),
    "nothing": (np.full((5, 3), 0.8), None),
    # One step, target or width at the threshold of the rules about every one of them, the others far above it.
    "one at the threshold": (np.vstack([SQUARE[[0, 1, 1]], [0.6, 0.81, 0.62], SQUARE[0]]), None),
}


@pytest.mark.parametrize("trials", [60, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "row, planted",
    [
        pytest.param(row, planted, id=f"{row.name}: {planted}")
        for row in ATTACKS
        for planted in (TRUTHS if isinstance(row.rule, every) else list(TRUTHS)[:3])
    ],
)
def test_attacks_are_judged_wrongly_as_seldom_as_the_rules_promise(row, planted, trials):
    """Six groups of networks, which scatter by 0.01 in every cell."""
    matrix, expected = TRUTHS[planted]
    error_rates.check(found_in_groups(row, matrix, WIDTHS, trials), expected, 0.9)


@pytest.mark.parametrize("trials", [60, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "one, others, expected", [(0.9, 0.8, "supported"), (1.0, 0.8, None), (1.1, 1.1, "contradicted")]
)
def test_families_are_compared_wrongly_as_seldom_as_the_rule_promises(one, others, expected, trials):
    """alpha of random signs is 1; one pair of families has another alpha than the others."""
    matrix = np.vstack([np.full((3, 3), others), np.ones(3)])
    matrix[2, 0] = one
    error_rates.check(found_in_groups(ACROSS_ROW, matrix, "abc", trials), expected, 0.9)


def found_in_groups(row, matrix, names, trials):
    """The verdicts on six groups that scatter about a matrix."""
    rng, found = np.random.default_rng(trials), []
    for _ in range(trials):
        groups = matrix + 0.01 * rng.standard_normal((6, *matrix.shape))
        attacked = Attacked(Sample(groups.mean(0), (groups.sum(0) - groups) / 5, None, None, (6,), 256), names)
        found.append(row.rule.judge(row.of(attacked), row.places(attacked)).verdict)
    return found


ACROSS = np.array([[0.5, 0.8, 0.8], [0.8, 0.5, 0.8], [0.8, 0.8, 0.5], [1.0, 0.95, 0.9]])


def test_families_are_compared_with_other_families_only():
    assert list(zip(*other_families(3))) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    np.testing.assert_allclose(lead_across(ACROSS), [0.15, 0.1, 0.2, 0.1, 0.2, 0.15])

    def across(values, spread=0.0005):
        (claim,) = across_claims("abc", outcome(values, spread), LEARNT)
        return claim

    assert across(ACROSS).verdict == "supported"
    assert across_claims("a", outcome(ACROSS[2:, :1]), LEARNT) == []
    own = ACROSS.copy()
    own[np.diag_indices(3)] = 2  # no attack between families: it must not matter
    assert across(own).verdict == "supported"
    own[2, 0] = 1.1
    assert across(own).verdict == "contradicted" and ": c against a, the one of 6" in across(own).statistic
    assert across(ACROSS, 0.2).verdict == "undecided"
