"""What is asked of three views, against scipy and plain formulas, and intervals that hold what they promise."""

import numpy as np
import pytest
from planted_pairs import WIDTHS, planted, symmetric
from scipy.stats import spearmanr

from lib.statistics.pairs import PairTable, jackknife
from lib.views.measures import Measures, growth, measure, rank_correlations, rank_correlations_within, same_width
from lib.views.outcomes import OUTCOMES, TRANSFER
from lib.views.prediction import ALL, MEAN, MODELS, SOURCES, squared_errors
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS


@pytest.fixture(scope="module")
def found():
    return measure(planted(0))


DOUBLINGS = np.log2(WIDTHS)[:, None] + np.log2(WIDTHS)  # of both widths of a pair


def test_rank_correlations_are_those_of_every_two_views_and_of_views_with_outcomes(found):
    table = found.table
    views, outcomes = table.of_pairs(table.views), table.of_pairs(table.outcomes)
    expected = [spearmanr(views[a], views[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(found.between_views(False)[0], expected)
    expected = [[spearmanr(view, outcome).statistic for outcome in outcomes] for view in views]
    np.testing.assert_allclose(found.with_outcomes(False)[0], expected)
    assert found.with_outcomes(True)[0].shape == (len(VIEWS), len(OUTCOMES))
    assert np.abs(found.with_outcomes(True)[0] - expected).max() > 0.01


def test_growth_is_the_slope_of_the_means_over_the_widths(found):
    means = found.means.values
    assert means.shape == (3, 3)
    np.testing.assert_allclose(found.growth()[0], np.polyfit([1, 2, 3], means.T, 1)[0])


def test_a_lead_is_the_difference_of_two_skills(found):
    column = OUTCOMES.index(TRANSFER)
    errors = squared_errors(found.table)
    estimate, low, high = found.lead(TRANSFER, CKA, (RHO, MATCHING))
    error = dict(zip(MODELS, errors[:, column]))
    np.testing.assert_allclose(estimate, [(error[other] - error[CKA]) / error[MEAN] for other in (RHO, MATCHING)])
    back = found.lead(TRANSFER, RHO, (CKA,))
    np.testing.assert_allclose([part[0] for part in back], [-estimate[0], -high[0], -low[0]])
    assert found.gain()[0].shape == (len(SOURCES), len(OUTCOMES)) and SOURCES[-1] == ALL


@pytest.mark.parametrize(
    "of",
    [
        lambda m, level: m.growth(level),
        lambda m, level: m.skill(level),
        lambda m, level: m.gain(level),
        lambda m, level: m.lead(TRANSFER, RHO, (CKA,), level),
        lambda m, level: m.with_outcomes(True, level),
        lambda m, level: m.between_views(False, level),
    ],
)
def test_a_higher_level_has_wider_intervals_around_the_same_number(found, of):
    (middle, low, high), (same, lower, higher) = (of(found, level) for level in (0.9, 0.99))
    np.testing.assert_array_equal(middle, same)
    assert (lower < low).all() and (high < higher).all()


def test_nothing_depends_on_the_order_of_the_networks(found):
    order = np.random.default_rng(1).permutation(len(WIDTHS))
    table = found.table
    turned = measure(
        PairTable(
            table.widths[order],
            {name: of[order] for name, of in table.alone.items()},
            *(
                {name: matrix[np.ix_(order, order)] for name, matrix in matrices.items()}
                for matrices in (table.views, table.outcomes)
            ),
        )
    )
    for of in (Measures.growth, Measures.skill, Measures.gain, lambda m: m.between_views(True)):
        np.testing.assert_allclose(of(turned), of(found), rtol=1e-6, atol=1e-9)


def test_neither_of_two_views_that_are_equally_good_leads():
    """Three views see what decides the outcome, each with noise of its own: a lead is chance."""
    outside = []
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        truth = symmetric(rng, len(WIDTHS))
        views = {name: truth + 0.8 * symmetric(rng, len(WIDTHS)) for name in VIEWS}
        table = planted(seed, transfer=truth + 0.5 * symmetric(rng, len(WIDTHS)), **views)
        _, low, high = Measures(table, None, None, None, jackknife(table, squared_errors)).lead(
            TRANSFER, RHO, (CKA, MATCHING)
        )
        outside.append((low > 0) | (high < 0))
    assert np.mean(outside) < 0.12  # 60 intervals of 95 %


def test_views_that_follow_each_other_agree_and_those_that_oppose_disagree_everywhere():
    rng = np.random.default_rng(1)
    rho = symmetric(rng, len(WIDTHS))
    table = planted(1, rho=rho, CKA=np.exp(rho), matching=-rho)
    for found in (rank_correlations(table), rank_correlations_within(table)):
        np.testing.assert_allclose(found[:3, :3], [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_views_that_share_the_width_alone_agree_over_all_pairs_and_not_within_widths():
    rng = np.random.default_rng(2)
    found = []
    for seed in range(100):
        table = planted(
            seed, rho=DOUBLINGS + 0.1 * symmetric(rng, len(WIDTHS)), CKA=DOUBLINGS + 0.1 * symmetric(rng, len(WIDTHS))
        )
        found.append([rank_correlations(table)[0, 1], rank_correlations_within(table)[0, 1]])
    overall, within = np.transpose(found)
    assert overall.min() > 0.8
    assert abs(within.mean()) < 3 * within.std(ddof=1) / 10  # 100 tables


def test_within_widths_is_the_average_over_combinations_by_hand():
    table = planted(3)
    first, second = table.widths[table.first], table.widths[table.second]
    views = table.of_pairs(table.views)
    found, weights = [], []
    for combination in ({2}, {4}, {8}, {2, 4}, {2, 8}, {4, 8}):
        pairs = [place for place, both in enumerate(zip(first, second)) if set(both) == combination]
        found.append(spearmanr(views[0, pairs], views[1, pairs]).statistic)
        weights.append(len(pairs))
    assert sum(weights) == views.shape[1]
    np.testing.assert_allclose(rank_correlations_within(table)[0, 1], np.average(found, weights=weights))


def test_combinations_in_which_a_number_is_constant_are_left_out():
    rng = np.random.default_rng(4)
    rho = symmetric(rng, len(WIDTHS))
    flat = np.where(DOUBLINGS == 2, 0.5, rho)  # two networks of k = 2
    assert rank_correlations_within(planted(4, rho=rho, CKA=flat))[0, 1] == 1
    constant = rank_correlations_within(planted(4, rho=np.ones_like(rho)))
    assert np.isnan(constant[0]).all() and np.isfinite(constant[1:, 1:]).all()


def test_slopes_per_doubling_are_the_planted_ones():
    """Only pairs of one width count: others are given another slope."""
    same = WIDTHS[:, None] == WIDTHS
    table = planted(
        5, rho=np.where(same, 0.3 * DOUBLINGS / 2 + 0.1, -DOUBLINGS), CKA=np.where(same, 0.7 - 0.05 * DOUBLINGS / 2, 0)
    )
    means = same_width(table)
    np.testing.assert_allclose(means[:2], [[0.4, 0.7, 1.0], [0.65, 0.6, 0.55]])
    np.testing.assert_allclose(growth(means, np.array([2, 4, 8]))[:2], [0.3, -0.05])
    np.testing.assert_allclose(growth(np.stack([means, means + 1]), np.array([2, 4, 8]))[1, :2], [0.3, -0.05])
