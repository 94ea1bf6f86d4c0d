"""Contrasts of two groups of networks: unbiased, told from chance by an exact test, with intervals that hold."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kstest

from lib.statistics.contrasts import contrast, contrast_interval, dealt_again, exchanged, of_group, permutation_p
from lib.statistics.intervals import signed_root


def pairs_of(rows):
    return rows @ rows.T


def test_a_contrast_is_its_definition_pair_by_pair():
    rng = np.random.default_rng(0)
    pairs = rng.standard_normal((7, 7))
    pairs += pairs.T
    first = np.array([1, 0, 0, 1, 1, 0, 0], dtype=bool)
    one, other = np.flatnonzero(first), np.flatnonzero(~first)
    expected = (
        np.mean([pairs[a, b] for a, b in combinations(one, 2)])
        + np.mean([pairs[a, b] for a, b in combinations(other, 2)])
        - 2 * np.mean([pairs[a, b] for a in one for b in other])
    )
    assert contrast(pairs, first, ~first) == pytest.approx(expected)
    np.fill_diagonal(pairs, 1e6)  # a network and itself do not count
    assert contrast(pairs, first, ~first) == pytest.approx(expected)


def test_a_network_in_neither_group_does_not_count():
    pairs = pairs_of(np.random.default_rng(0).standard_normal((8, 3)))
    first, second = np.arange(8) < 3, np.arange(8) >= 4
    keep = np.arange(8) != 3
    assert contrast(pairs, first, second) == pytest.approx(
        contrast(pairs[np.ix_(keep, keep)], first[keep], second[keep])
    )


def test_it_estimates_the_squared_distance_of_the_expectations_without_bias():
    rng, truth = np.random.default_rng(0), np.array([0.5, -0.3, 0.0, 0.2])
    found = []
    for _ in range(3000):
        rows = rng.standard_normal((9, 4))
        rows[:5] += truth
        found.append(contrast(pairs_of(rows), of_group(5, 4), ~of_group(5, 4)))
    assert np.mean(found) == pytest.approx(truth @ truth, abs=4 * np.std(found) / np.sqrt(3000))


def test_over_all_deals_of_the_labels_the_mean_is_zero():
    pairs = pairs_of(np.random.default_rng(0).standard_normal((8, 3)) ** 3)
    deals = np.zeros((70, 8), dtype=bool)
    for row, chosen in zip(deals, combinations(range(8), 4)):
        row[list(chosen)] = True
    assert contrast(pairs, deals, ~deals).mean() == pytest.approx(0, abs=1e-12)


def test_deals_keep_the_sizes_and_give_every_network_the_same_chance():
    drawn = dealt_again(of_group(3, 5), np.random.default_rng(0), 4000)
    assert drawn.shape == (4000, 8) and set(drawn.sum(1)) == {3}
    np.testing.assert_allclose(drawn.mean(0), 3 / 8, atol=4 * np.sqrt(3 / 8 * 5 / 8 / 4000))


def test_p_is_the_share_of_deals_as_large_and_equal_ones_are_as_large():
    assert permutation_p(2.0, np.array([1.0, 2.0 * (1 - 1e-12), 3.0])) == pytest.approx(3 / 4)
    assert permutation_p(5.0, np.zeros(99)) == pytest.approx(0.01)


def test_p_is_uniform_where_the_groups_are_alike():
    rng, found = np.random.default_rng(0), []
    for _ in range(400):
        pairs = pairs_of(rng.gamma(1, size=(12, 5)))
        first = of_group(6, 6)
        found.append(permutation_p(contrast(pairs, first, ~first), exchanged(pairs, first, rng, 199)))
    assert kstest(found, "uniform").pvalue > 0.01


def test_nineteen_of_twenty_intervals_hold_a_difference_that_is_there():
    rng, truth, inside = np.random.default_rng(0), np.full(20, 0.3), 0
    for _ in range(400):
        rows = rng.standard_normal((24, 20))
        rows[:12] += truth
        _, low, high = contrast_interval(pairs_of(rows), of_group(12, 12))
        inside += low <= truth @ truth <= high
    assert 0.92 <= inside / 400 <= 0.99


def test_intervals_are_careful_where_there_is_no_difference():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(400):
        _, low, high = contrast_interval(pairs_of(rng.standard_normal((16, 30))), of_group(8, 8))
        inside += low <= 0 <= high
    assert inside / 400 >= 0.95


def test_groups_too_small_to_leave_one_out_are_refused():
    with pytest.raises(ValueError, match="^each group needs at least 3 networks, not 2 and 9$"):
        of_group(2, 9)


def test_the_root_keeps_the_sign_and_the_order():
    np.testing.assert_allclose(signed_root(np.array([-0.04, 0.0, 0.09])), [-0.2, 0.0, 0.3])
