"""Intervals of means hold what they promise, for networks alone, in pairs, and crossed with images."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.intervals import crossed_interval, difference_interval, mean_interval, pair_interval


def test_the_interval_of_a_mean_is_student_s():
    values = np.random.default_rng(0).standard_normal((6, 3))
    mean, low, high = mean_interval(values, level=0.9)
    interval = ttest_1samp(values, 0).confidence_interval(0.9)
    np.testing.assert_allclose([mean, low, high], [values.mean(0), interval.low, interval.high], rtol=1e-10)
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        mean_interval(values[:1])


def test_the_interval_of_a_difference_covers_it_also_with_unequal_spreads():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(600):
        difference, low, high = difference_interval(rng.normal(3, 1, 4), rng.normal(1, 5, 9))
        covered.append(low <= 2 <= high)
        assert low < difference < high
    assert abs(np.mean(covered) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 600)
    _, low, high = difference_interval([1.0, 2.0, 3.0], [5.0, 9.0])
    assert np.allclose((low, high), np.negative(difference_interval([5.0, 9.0], [1.0, 2.0, 3.0])[:0:-1]))


# Standard deviations of what belongs to a network, to an image, and to a network at an image.
EFFECTS = [(0, 0, 1), (0.1, 0.1, 1), (0.3, 0, 1), (0, 1, 1), (1, 1, 1)]


@pytest.mark.parametrize("networks", [5, 20])
@pytest.mark.parametrize("effects", EFFECTS)
def test_crossed_intervals_cover_the_mean_whatever_varies(networks, effects):
    rng = np.random.default_rng(0)
    shapes = (networks, 1), (1, 40), (networks, 40)
    hits = 0
    for _ in range(1000):
        values = 3 + sum(effect * rng.standard_normal(shape) for effect, shape in zip(effects, shapes))
        _, low, high = crossed_interval(values)
        hits += low <= 3 <= high
    assert abs(hits / 1000 - 0.95) < 0.03 + 2 * np.sqrt(0.95 * 0.05 / 1000)


def test_crossed_intervals_take_further_axes_and_missing_cells():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((6, 50, 3))
    whole = crossed_interval(values)
    np.testing.assert_allclose([part[1] for part in whole], crossed_interval(values[:, :, 1]), rtol=1e-10)
    values[2, 7] = np.nan
    for part, complete in zip(crossed_interval(values), whole):
        np.testing.assert_allclose(part, complete, atol=0.02)


def test_the_same_image_for_all_networks_counts_once():
    """Networks that agree on every image add nothing: the interval is that of the images."""
    column = np.random.default_rng(0).standard_normal(30)
    result = crossed_interval(np.tile(column, (8, 1)))
    interval = ttest_1samp(column, 0).confidence_interval(0.95)
    np.testing.assert_allclose(result, [column.mean(), interval.low, interval.high], rtol=1e-6)


def test_pair_intervals_cover_the_mean_of_a_kernel():
    """|x - y| of standard normal networks: mean 2 / sqrt(pi)."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        x = rng.standard_normal(8)
        mean, low, high = pair_interval(abs(x[:, None] - x))
        hits += low <= 2 / np.sqrt(np.pi) <= high
    assert abs(hits / 1000 - 0.95) < 0.05
    others = abs(x[:, None] - x)[~np.eye(8, dtype=bool)]
    assert mean == pytest.approx(others.mean())


def test_too_few_networks_are_refused():
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        crossed_interval(np.zeros((1, 5)))
    with pytest.raises(ValueError, match="at least 3 networks, not 2"):
        pair_interval(np.zeros((2, 2)))
