"""Intervals of means hold what they promise, for networks alone and crossed with images."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lib.statistics.intervals import (
    bounded,
    combined_interval,
    crossed_interval,
    cut,
    difference_interval,
    in_brackets,
    mean_interval,
)


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


def test_a_combination_of_one_table_scales_with_its_weight():
    table = np.random.default_rng(0).standard_normal((6, 20, 2)) + np.arange(6)[:, None, None]
    np.testing.assert_allclose(combined_interval([table], [-3.0])[2], -3 * crossed_interval(table)[1], atol=1e-12)


def test_the_interval_of_a_combination_holds_the_truth_for_populations_of_different_size():
    rng = np.random.default_rng(12)
    held = []
    for _ in range(400):
        images = rng.standard_normal(30)
        a, b = (
            rng.standard_normal((networks, 1)) + scale * images + rng.standard_normal((networks, 30))
            for networks, scale in ((4, 1.0), (9, 1.5))
        )
        _, low, high = combined_interval([a, b], [1, -1])
        held.append(low <= 0 <= high)
    assert 0.92 < np.mean(held) < 1


def test_what_is_missing_is_left_out_of_a_combination():
    a, b = np.random.default_rng(13).standard_normal((2, 5, 8))
    a[0, 3] = np.nan
    a[:, 6] = np.nan
    shared = np.delete(np.arange(8), 6)
    expected = np.nanmean(a[:, shared], axis=0).mean() - b[:, shared].mean()
    estimate, low, high = combined_interval([a, b], [1, -1])
    assert estimate == pytest.approx(expected) and low < estimate < high


def test_too_few_networks_are_refused():
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        crossed_interval(np.zeros((1, 5)))


def test_an_interval_is_written_with_its_estimate_or_not_at_all():
    assert in_brackets((0.1234, 0.1, np.float64(0.2))) == "0.12 [0.10, 0.20]"
    assert in_brackets((0.02, -0.01, 0.03), "+.3f") == "+0.020 [-0.010, +0.030]"
    assert in_brackets((0.02, np.nan, 0.03)) == in_brackets((0.02, 0.01, np.inf)) == "not to be told"


def test_fishers_interval_of_a_correlation_is_the_bounded_one():
    z, margin = np.arctanh(0.9), 0.4
    plain = (0.9, 0.9 - margin * (1 - 0.9**2), 0.9 + margin * (1 - 0.9**2))  # tanh' = 1 - r^2 carries z's margin over
    np.testing.assert_allclose(bounded(plain, -1, 1), [0.9, np.tanh(z - margin), np.tanh(z + margin)], rtol=1e-12)


def test_a_bounded_interval_stays_in_its_range_and_forgets_nothing_inside():
    values, widths = np.linspace(-0.1, 1.1, 25), np.array([0.001, 0.5, 10])[:, None]
    estimate, low, high = bounded((values, values - widths, values + widths), 0, 1)
    assert ((low >= 0) & (high <= 1)).all() and np.array_equal(estimate, values)
    np.testing.assert_allclose((high - low)[0, 5:20], 0.002, rtol=1e-3)  # far from the bounds nothing changes
    assert np.isnan(bounded((np.nan,) * 3, 0, 1)).all()


def test_without_an_upper_bound_the_margin_is_one_of_ratios():
    estimate, low, high = bounded(([2.0, -1.0], [0.5, -2.0], [3.5, 0.5]), 0, np.inf)
    np.testing.assert_allclose([low, high], [[2 * np.exp(-0.75), 0], [2 * np.exp(0.75), 0.5]])
    assert estimate.tolist() == [2, -1]
    mirrored = bounded(([-2.0, 1.0], [-3.5, -0.5], [-0.5, 2.0]), -np.inf, 0)
    np.testing.assert_array_equal(mirrored, [-estimate, -high, -low])


def test_an_interval_is_cut_at_its_bounds():
    found = cut(([1.02, 0.9], [0.95, 0.8], [1.09, 0.97]), -1, 1)
    assert [part.tolist() for part in found] == [[1, 0.9], [0.95, 0.8], [1, 0.97]]


def test_bounds_that_are_none_are_refused():
    with pytest.raises(ValueError, match="are not a range"):
        bounded((0.5, 0.4, 0.6), 1, 0)


@pytest.mark.parametrize("truth", [0.5, 0.9, 0.97])
def test_bounded_intervals_of_shares_hold_the_truth(truth):
    """Six networks that hit a share of 200 images: 95 % of the intervals hold it, also near one."""
    shares = np.random.default_rng(1).binomial(200, truth, (6, 2000)) / 200
    _, low, high = bounded(mean_interval(shares), 0, 1)
    assert 0.92 < np.mean((low <= truth) & (truth <= high)) < 0.98
