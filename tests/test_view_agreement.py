"""Rank correlations of planted views, overall and within widths, and slopes over the width."""

import numpy as np
from planted_pairs import WIDTHS, planted, symmetric
from scipy.stats import spearmanr

from lib.views.view_agreement import growth, rank_correlations, rank_correlations_within, same_width

LEVEL = np.log2(WIDTHS)[:, None] + np.log2(WIDTHS)  # of both widths of a pair


def test_rank_correlations_are_scipy_s():
    table = planted(0)
    rows = np.vstack([table.of_pairs(table.views), table.of_pairs(table.outcomes)])
    np.testing.assert_allclose(rank_correlations(table), spearmanr(rows, axis=1).statistic)


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
        table = planted(seed, rho=LEVEL + 0.1 * symmetric(rng, len(WIDTHS)), CKA=LEVEL + 0.1 * symmetric(rng, len(WIDTHS)))
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
    flat = np.where(LEVEL == 2, 0.5, rho)  # two networks of k = 2
    assert rank_correlations_within(planted(4, rho=rho, CKA=flat))[0, 1] == 1
    constant = rank_correlations_within(planted(4, rho=np.ones_like(rho)))
    assert np.isnan(constant[0]).all() and np.isfinite(constant[1:, 1:]).all()


def test_slopes_per_doubling_are_the_planted_ones():
    """Only pairs of one width count: others are given another slope."""
    same = WIDTHS[:, None] == WIDTHS
    table = planted(5, rho=np.where(same, 0.3 * LEVEL / 2 + 0.1, -LEVEL), CKA=np.where(same, 0.7 - 0.05 * LEVEL / 2, 0))
    means = same_width(table)
    np.testing.assert_allclose(means[:2], [[0.4, 0.7, 1.0], [0.65, 0.6, 0.55]])
    np.testing.assert_allclose(growth(means, np.array([2, 4, 8]))[:2], [0.3, -0.05])
    np.testing.assert_allclose(growth(np.stack([means, means + 1]), np.array([2, 4, 8]))[1, :2], [0.3, -0.05])
