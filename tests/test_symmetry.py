"""The test of rotational symmetry: 1 for symmetric populations whatever their size, else the number of axes."""

from itertools import combinations

import numpy as np
import pytest

from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.symmetry import alignment, ratio, symmetrised

DIM = 32


def population(rng, networks, images, shift, scales=1.0):
    """Gaussian directions about the first axis; `scales`: standard deviation along each axis."""
    drawn = rng.standard_normal((networks, images, DIM)) * scales
    drawn[:, :, 0] += shift
    return drawn / np.linalg.norm(drawn, axis=2, keepdims=True)


def by_hand(directions):
    """The mean over all pairs of pairs, one image, vector by vector."""
    found = []
    for four in combinations(range(len(directions)), 4):
        for i, j in combinations(four, 2):
            k, l = (other for other in four if other not in (i, j))
            mu = sum(u for place, u in enumerate(directions) if place not in four)
            mu = mu / np.linalg.norm(mu)
            a, b = directions[i] - directions[j], directions[k] - directions[l]
            a, b = a - (a @ mu) * mu, b - (b @ mu) * mu
            found.append((a @ b) ** 2 / ((a @ a) * (b @ b)))
    return (directions.shape[1] - 1) * np.mean(found)


def test_alignment_is_the_mean_squared_cosine_of_differences_across_the_mean_of_the_others():
    rng = np.random.default_rng(0)
    directions = population(rng, 6, 3, 2.0)
    np.testing.assert_allclose(
        alignment(directions, rng).mean(0), [by_hand(directions[:, image]) for image in range(3)], rtol=1e-9
    )


@pytest.mark.parametrize("networks, shift", [(5, 1.0), (6, 5.0), (15, 2.0)])
def test_the_interval_holds_one_nearly_always_under_symmetry(networks, shift):
    rng = np.random.default_rng(3)
    found = np.array([ratio(alignment(population(rng, networks, 120, shift), rng)) for _ in range(100)])
    assert 0.88 <= np.mean((found[:, 1] <= 1) & (found[:, 2] >= 1)) <= 1


def test_a_population_made_symmetric_keeps_its_t_and_loses_its_axes():
    rng = np.random.default_rng(5)
    directions = population(rng, 12, 300, 4.0, np.where(np.arange(DIM) < 8, 1.0, 0.2))
    directions[0, 3] = 0
    made = symmetrised(directions, rng)
    t = leave_one_out_cosines(directions)
    np.testing.assert_allclose(made[:, :, 0], np.nan_to_num(t))
    np.testing.assert_allclose(np.linalg.norm(made, axis=2), np.isfinite(t))
    assert ratio(alignment(directions, rng))[1] > 1.5
    low, high = ratio(alignment(made, rng))[1:]
    assert 0.9 < low < 1.02 and 0.98 < high < 1.1


def test_validators_fire():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="at least 5 networks, not 4"):
        alignment(population(rng, 4, 3, 1.0), rng)
    with pytest.raises(ValueError, match="at least 3 dimensions, not 2"):
        alignment(np.ones((5, 3, 2)) / np.sqrt(2), rng)
    with pytest.raises(ValueError, match="finite"):
        alignment(np.full((5, 3, 4), np.nan), rng)
