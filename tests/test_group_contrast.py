"""Contrasts of two groups of networks: unbiased, told from chance by an exact test, with intervals that hold."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kstest

from lib.statistics.contrasts import contrast, contrast_interval, exchanged, of_group, permutation_p


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


def test_groups_too_small_to_leave_one_out_are_refused():
    with pytest.raises(ValueError, match="^each group needs at least 3 networks, not 2 and 9$"):
        of_group(2, 9)
