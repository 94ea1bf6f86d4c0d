"""Means over pairs of networks: where they are sums of effects of networks, the intervals are those of the effects."""

import numpy as np
import pytest

from lib.statistics.intervals import difference_interval, mean_interval
from lib.statistics.pairs import leave_one_out, listed_pairs, over_crossed_pairs, over_pairs, pair_mean

RNG = np.random.default_rng(0)
RING = [(place, (place + 1) % 6) for place in range(6)]


def without_diagonal(values):
    return np.where(np.eye(len(values), dtype=bool), np.nan, values)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_sums_of_effects_have_students_interval(level):
    effects = RNG.normal(size=5)
    found = over_pairs(without_diagonal(effects[:, None] + effects))
    np.testing.assert_allclose(found.interval(level=level), mean_interval(2 * effects, level))
    assert found.networks == (5,)


def test_sums_of_effects_of_two_populations_have_welchs_interval():
    first, second = RNG.normal(size=4), RNG.normal(size=6) * 3
    found = over_crossed_pairs(first[:, None] + second)
    np.testing.assert_allclose(found.interval(), difference_interval(first, -second))
    assert found.networks == (4, 6)
    turned = over_crossed_pairs((first[:, None] + second).T)
    np.testing.assert_allclose(turned.interval(), found.interval())


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Pairs are products of networks' effects plus noise of their own: the mean of pairs is the squared mean effect."""
    held = []
    for _ in range(400):
        effects = RNG.normal(1, 0.3, size=6)
        noise = RNG.normal(0, 0.1, size=(6, 6))
        _, low, high = over_pairs(without_diagonal(np.outer(effects, effects) + noise + noise.T)).interval()
        held.append(low <= 1 <= high)
    assert 0.92 < np.mean(held) < 0.99


def test_networks_without_a_pair_do_not_count():
    values = without_diagonal(RNG.uniform(size=(4, 4)))
    larger = np.full((6, 6), np.nan)
    larger[np.ix_([0, 2, 3, 5], [0, 2, 3, 5])] = values
    assert over_pairs(larger).interval() == over_pairs(values).interval() and over_pairs(larger).networks == (4,)
    crossed = RNG.uniform(size=(3, 4))
    wider = np.insert(crossed, 1, np.nan, axis=1)
    assert over_crossed_pairs(wider).interval() == over_crossed_pairs(crossed).interval()


def test_pairs_without_a_value_are_left_out_of_the_mean():
    values = without_diagonal(np.ones((4, 4)))
    values[0, 1] = values[1, 0] = np.nan
    values[2, 3] = values[3, 2] = 7
    assert over_pairs(values).values == pytest.approx((4 * 1 + 7) / 5)
    assert np.isnan(pair_mean(values, np.array([0]), np.array([1])))


@pytest.mark.parametrize("count", [0, 2])
def test_fewer_than_three_networks_have_no_number(count):
    values = np.full((5, 5), np.nan)
    values[:count, :count] = 1
    found = over_pairs(without_diagonal(values))
    assert np.isnan(found.interval()).all() and found.networks == (count,)
    assert np.isnan(over_crossed_pairs(np.ones((4, 2))).values)


def test_where_leaving_one_network_leaves_no_pair_there_is_no_interval():
    values = np.full((4, 4), np.nan)
    values[0, 1:] = values[1:, 0] = 1, 2, 3
    found = over_pairs(values)
    assert found.values == 2 and np.isnan(found.interval()[1:]).all() and found.networks == (4,)


def test_a_statistic_of_independent_populations_adds_their_variances():
    first, second = RNG.normal(size=5), RNG.normal(size=4)
    found = leave_one_out(lambda a, b: first[a].mean() - second[b].mean(), [np.ones(5, bool), np.ones(4, bool)])
    np.testing.assert_allclose(found.interval(), difference_interval(first, second))


def test_tables_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match=r"^pairs of one population need a square table, not \(3, 4\)$"):
        over_pairs(np.ones((3, 4)))
    with pytest.raises(ValueError, match="^a network is no pair with itself: the diagonal must be NaN$"):
        over_pairs(np.ones((3, 3)))


@pytest.mark.parametrize("pairs", [[(seed, seed) for seed in range(5)], [((4, seed), (8, seed)) for seed in range(5)]])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_where_no_two_pairs_share_a_network_it_is_student_s(pairs, level):
    values = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(listed_pairs(values, pairs).interval(level=level), mean_interval(values, level))


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
