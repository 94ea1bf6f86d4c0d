"""Intervals over networks that take part in several pairs."""

import numpy as np
import pytest

from lib.intervals import mean_interval
from lib.pair_intervals import over_pairs

RING = [(place, (place + 1) % 6) for place in range(6)]


@pytest.mark.parametrize("pairs", [[(seed, seed) for seed in range(5)],
                                   [((4, seed), (8, seed)) for seed in range(5)]])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_where_no_two_pairs_share_a_network_it_is_student_s(pairs, level):
    values = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(over_pairs(values, pairs, level), mean_interval(values, level))


def test_a_ring_leaves_out_both_pairs_of_a_network():
    values = np.random.default_rng(0).standard_normal(6)
    without = [np.delete(values, [seed - 1, seed]).mean() for seed in range(6)]
    estimate, low, high = over_pairs(values, RING)
    assert estimate == pytest.approx(values.mean()) and low + high == pytest.approx(2 * estimate)
    expected = 2.570582 * np.sqrt(5 / 6 * np.sum((without - np.mean(without)) ** 2))
    assert high - estimate == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("own", [0.0, 1.0, 3.0])
def test_intervals_of_a_ring_hold_the_truth_at_least_as_often_as_they_promise(own):
    """Pairs are the sum of what their front, their end and they themselves add; front and end may be one effect."""
    rng = np.random.default_rng(1)
    for shared in (True, False):
        front = rng.standard_normal((300, 6))
        end = front if shared else rng.standard_normal((300, 6))
        values = front + np.roll(end, -1, axis=1) + own * rng.standard_normal((300, 6))
        held = [low <= 0 <= high for _, low, high in (over_pairs(row, RING) for row in values)]
        assert np.mean(held) > 0.94


def test_what_has_no_interval_is_refused_or_nan():
    with pytest.raises(ValueError, match="at least 3 of them in pairs of their own, not 2"):
        over_pairs(np.ones(2), [(0, 0), (1, 1)])
    with pytest.raises(ValueError, match="a network takes part in all pairs"):
        over_pairs(np.ones(3), [(0, 1), (0, 2), (0, 3)])
    estimate, low, high = over_pairs([1, np.nan, 3], [(0, 0), (1, 1), (2, 2)])
    assert np.isnan([estimate, low, high]).all()
    assert over_pairs(np.ones(6), RING) == (1, 1, 1)
