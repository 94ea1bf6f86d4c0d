"""Slopes are those of least squares; intervals of sums, and of images drawn again, are what they promise."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from lib.similarity import by_image, pairwise
from lib.sphere import uniform_directions
from lib.statistics.contrasts import partial_slope, slope_weights, sum_interval
from lib.statistics.intervals import mean_interval
from lib.statistics.sample import other_sample, resampled_means, weighted_means


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


def directions(networks=4, images=30, dims=6, seed=0):
    return uniform_directions(np.random.default_rng(seed), networks * images, dims).reshape(networks, images, dims)


def test_cosines_of_populations_of_one_average_to_the_similarity_of_networks():
    u = directions()
    u[1, 3] = u[2, 3] = u[2, 4] = 0
    cosines = by_image([*u[:, None]])
    assert cosines.shape == (30, 4, 4) and np.isnan(cosines[:, range(4), range(4)]).all()
    assert np.isnan(cosines[3, 1, 0]) and np.isnan(cosines[4, 2, 1]) and np.isfinite(cosines[3, 0, 3])
    with pytest.warns(UserWarning, match="3 of 120 gradients are zero"):
        expected = pairwise(u)
    off = ~np.eye(4, dtype=bool)
    found = resampled_means(cosines, np.random.default_rng(0), 100)
    np.testing.assert_allclose(found.values[off], expected[off], atol=1e-7)
    assert found.by_images.shape == (100, 4, 4) and found.images == 30


def test_intervals_over_images_hold_the_truth_as_often_as_they_say():
    rng, held, runs = np.random.default_rng(1), np.zeros(2), 400
    for _ in range(runs):
        sample = resampled_means(rng.exponential(size=(80, 2)), rng, 100)
        _, low, high = sample.interval()
        held += (low <= 1) & (1 <= high)
        assert (sample.interval(level=0.99)[1] < low).all()
    np.testing.assert_allclose(held / runs, 0.95, atol=0.04)


def test_images_without_a_number_are_left_out():
    values = np.array([[1.0, np.nan], [3.0, 4.0], [np.nan, np.nan]])
    counts = np.array([[1, 1, 1], [2, 1, 5], [0, 0, 1]])
    np.testing.assert_allclose(weighted_means(values, counts), [[2, 4], [5 / 3, 4], [np.nan, np.nan]])


def test_another_sample_scatters_as_both_samples_do():
    values = np.random.default_rng(0).normal(2, 3, (1000, 1))
    others = other_sample(values, 250, np.random.default_rng(1), 4000)
    assert others.mean() == pytest.approx(values.mean(), abs=0.02)
    assert others.var() == pytest.approx(values.var() * (1 / 1000 + 1 / 250), rel=0.08)
