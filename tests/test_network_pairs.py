"""Means over pairs of networks: where they are sums of effects of networks, the intervals are those of the effects."""

import numpy as np
import pytest

from lib.statistics.intervals import mean_interval
from lib.statistics.pairs import listed_pairs, over_crossed_pairs, over_pairs

RNG = np.random.default_rng(0)
RING = [(place, (place + 1) % 6) for place in range(6)]


def without_diagonal(values):
    return np.where(np.eye(len(values), dtype=bool), np.nan, values)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_sums_of_effects_have_students_interval(level):
    effects = RNG.normal(size=5)
    found = over_pairs(without_diagonal(effects[:, None] + effects), level)
    np.testing.assert_allclose(found.interval, mean_interval(2 * effects, level))
    assert found.networks == (5,)


@pytest.mark.parametrize("count", [0, 2])
def test_fewer_than_three_networks_have_no_number(count):
    values = np.full((5, 5), np.nan)
    values[:count, :count] = 1
    found = over_pairs(without_diagonal(values))
    assert np.isnan(found.interval).all() and found.networks == (count,)
    assert np.isnan(over_crossed_pairs(np.ones((4, 2))).value)


def test_tables_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match=r"^pairs of one population need a square table, not \(3, 4\)$"):
        over_pairs(np.ones((3, 4)))
    with pytest.raises(ValueError, match="^a network is no pair with itself: the diagonal must be NaN$"):
        over_pairs(np.ones((3, 3)))


def test_a_ring_leaves_out_both_pairs_of_a_network():
    values = np.random.default_rng(0).standard_normal(6)
    without = [np.delete(values, [seed - 1, seed]).mean() for seed in range(6)]
    estimate, low, high = listed_pairs(values, RING).interval()
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
        held = [low <= 0 <= high for _, low, high in (listed_pairs(row, RING).interval() for row in values)]
        assert np.mean(held) > 0.94
        if shared and own == 0:  # what is narrower holds it less often
            assert np.mean([low <= 0 <= high for _, low, high in map(mean_interval, values)]) < 0.85


def test_listed_pairs_without_an_interval_are_refused_or_nan():
    with pytest.raises(ValueError, match="at least 3 of them in pairs of their own, not 2"):
        listed_pairs(np.ones(2), [(0, 0), (1, 1)])
    with pytest.raises(ValueError, match="a network takes part in all pairs"):
        listed_pairs(np.ones(3), [(0, 1), (0, 2), (0, 3)])
    estimate, low, high = listed_pairs([1, np.nan, 3], [(0, 0), (1, 1), (2, 2)]).interval()
    assert np.isnan([estimate, low, high]).all()
    assert listed_pairs(np.ones(6), RING).interval() == (1, 1, 1)
