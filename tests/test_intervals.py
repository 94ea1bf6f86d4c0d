"""Intervals of means hold what they promise, for networks alone and crossed with images."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.statistics.intervals import bounded, crossed_interval, mean_interval


def test_the_interval_of_a_mean_is_student_s():
    values = np.random.default_rng(0).standard_normal((6, 3))
    mean, low, high = mean_interval(values, level=0.9)
    interval = ttest_1samp(values, 0).confidence_interval(0.9)
    np.testing.assert_allclose([mean, low, high], [values.mean(0), interval.low, interval.high], rtol=1e-10)
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        mean_interval(values[:1])


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


def test_too_few_networks_are_refused():
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        crossed_interval(np.zeros((1, 5)))


def test_fishers_interval_of_a_correlation_is_the_bounded_one():
    z, margin = np.arctanh(0.9), 0.4
    plain = (0.9, 0.9 - margin * (1 - 0.9**2), 0.9 + margin * (1 - 0.9**2))  # tanh' = 1 - r^2 carries z's margin over
    np.testing.assert_allclose(bounded(plain, -1, 1), [0.9, np.tanh(z - margin), np.tanh(z + margin)], rtol=1e-12)


def test_bounds_that_are_none_are_refused():
    with pytest.raises(ValueError, match="are not a range"):
        bounded((0.5, 0.4, 0.6), 1, 0)


@pytest.mark.parametrize("truth", [0.5, 0.9, 0.97])
def test_bounded_intervals_of_shares_hold_the_truth(truth):
    """Six networks that hit a share of 200 images: 95 % of the intervals hold it, also near one."""
    shares = np.random.default_rng(1).binomial(200, truth, (6, 2000)) / 200
    _, low, high = bounded(mean_interval(shares), 0, 1)
    assert 0.92 < np.mean((low <= truth) & (truth <= high)) < 0.98
