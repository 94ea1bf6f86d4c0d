"""Images drawn again: pairs image by image against averages elsewhere, and intervals that hold what they say."""

import numpy as np
import pytest

from lib.similarity import by_image, pairwise
from lib.sphere import uniform_directions
from lib.statistics.sample import resampled_means


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
