"""Slopes are those of least squares; intervals of sums are Student's and Welch's."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from lib.statistics.contrasts import partial_slope, slope_weights, sum_interval
from lib.statistics.intervals import mean_interval


def test_a_contrast_is_the_slope_of_a_line_over_the_doublings():
    measure, settings = np.random.default_rng(0).standard_normal(6), "abcdef"
    for chosen in ("abcd", "fbae"):
        own = [measure[settings.index(one)] for one in chosen]
        weights = slope_weights(settings, chosen, [64, 128, 256, 512])
        assert measure @ weights == pytest.approx(np.polyfit([6, 7, 8, 9], own, 1)[0])


def test_a_partial_slope_is_that_of_least_squares_with_an_intercept_a_row():
    rng = np.random.default_rng(0)
    y, held, x = rng.standard_normal((2, 3, 7)), rng.standard_normal((3, 7)), rng.standard_normal(7)
    rows = np.repeat(np.eye(3), 7, axis=0)
    columns = np.column_stack([np.tile(x, 3), held.ravel(), rows])
    for own, slope in zip(y, partial_slope(y, held, x)):
        assert slope == pytest.approx(np.linalg.lstsq(columns, own.ravel(), rcond=None)[0][0])


def test_what_follows_from_what_is_held_has_no_slope_left_and_what_cannot_be_told_apart_is_nan():
    x, held = np.arange(5.0), np.random.default_rng(0).standard_normal((2, 5))
    assert partial_slope(3 * held, held, x) == pytest.approx(0, abs=1e-12)
    assert partial_slope(3 * held + 2 * x, held, x) == pytest.approx(2)
    assert np.isnan(partial_slope(held, np.tile(2 * x, (2, 1)), x))


def test_the_interval_of_a_sum_is_student_s_and_welch_s():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.3, 5), rng.normal(0, 1, 9)
    welch = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(sum_interval([a, b], [1, -1], [0, 0]), (a.mean() - b.mean(), *welch))
    np.testing.assert_allclose(sum_interval([a], [1], [0]), mean_interval(a))
    np.testing.assert_allclose(sum_interval([a, b], [2, 0], [0, 0]), 2 * np.array(mean_interval(a)))
    wide = sum_interval([a, b], [1, -1], [0, 0], level=0.99)
    assert wide[1] < welch[0] and wide[2] > welch[1]


def test_a_sample_of_one_network_has_no_interval():
    with pytest.raises(ValueError, match="^an interval needs at least 2 networks, not 1$"):
        sum_interval([np.ones(3), np.ones(1)], [1, 1], [0, 0])
