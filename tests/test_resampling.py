"""Images drawn again: pairs image by image against averages elsewhere, and intervals that hold what they say."""

import numpy as np
import pytest

from lib.similarity import by_image, pairwise
from lib.sphere import uniform_directions
from lib.statistics.sample import other_sample, resampled_means, weighted_means


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
