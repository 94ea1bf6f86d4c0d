"""The test of rotational symmetry: 1 for symmetric populations whatever their size, else the number of axes."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import special_ortho_group

from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.symmetry import alignment, effective_dimension, ratio, symmetrised

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


@pytest.mark.parametrize("networks", [5, 20, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shift", [0.0, 1.5, 40.0])
def test_symmetric_populations_have_the_ratio_one(networks, shift):
    rng = np.random.default_rng(2)
    estimates = [ratio(alignment(population(rng, networks, 300, shift), rng))[0] for _ in range(8)]
    assert np.mean(estimates) == pytest.approx(1, abs=4 * np.std(estimates, ddof=1) / np.sqrt(8) + 0.003)


@pytest.mark.parametrize("networks, shift", [(5, 1.0), (6, 5.0), (15, 2.0)])
def test_the_interval_holds_one_nearly_always_under_symmetry(networks, shift):
    rng = np.random.default_rng(3)
    found = np.array([ratio(alignment(population(rng, networks, 120, shift), rng)) for _ in range(100)])
    assert 0.88 <= np.mean((found[:, 1] <= 1) & (found[:, 2] >= 1)) <= 1


@pytest.mark.parametrize("networks", [5, 6, 20])
@pytest.mark.parametrize("axes", [4, 16])
def test_directions_that_keep_to_some_axes_have_as_many_effective_dimensions(networks, axes):
    rng = np.random.default_rng(4)
    scales = np.concatenate([[0.01], np.ones(axes), np.zeros(DIM - 1 - axes)])
    table = alignment(population(rng, networks, 300, 8.0, scales), rng)
    estimate, low, high = effective_dimension(table, DIM)
    assert low < estimate < high and estimate == pytest.approx(axes, rel=0.1)
    assert ratio(table)[1] > 1.05


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


def test_rotating_everything_changes_nothing():
    directions = population(np.random.default_rng(6), 7, 20, 2.0, np.linspace(0.5, 1.5, DIM))
    turn = special_ortho_group.rvs(DIM, random_state=0)
    np.testing.assert_allclose(
        alignment(directions, np.random.default_rng(0)),
        alignment(directions @ turn, np.random.default_rng(0)),
        rtol=1e-8,
    )


def test_a_network_without_a_direction_is_left_out_at_that_image():
    rng = np.random.default_rng(7)
    directions = population(rng, 6, 4, 2.0)
    directions[1, 2] = 0
    directions[:3, 3] = 0
    values = alignment(directions, rng).mean(0)
    assert values[2] == pytest.approx(by_hand(np.delete(directions[:, 2], 1, axis=0)))
    assert np.isfinite(values).tolist() == [True, True, True, False]


def test_an_interval_that_reaches_zero_bounds_no_dimension():
    table = np.array([[0.1, 0.3, 0.2], [4.0, 5.0, 3.0]])
    estimate, low, high = effective_dimension(table, DIM)
    assert high == np.inf and low < estimate == pytest.approx((DIM - 1) / table.mean())


def test_validators_fire():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="at least 5 networks, not 4"):
        alignment(population(rng, 4, 3, 1.0), rng)
    with pytest.raises(ValueError, match="at least 3 dimensions, not 2"):
        alignment(np.ones((5, 3, 2)) / np.sqrt(2), rng)
    with pytest.raises(ValueError, match="finite"):
        alignment(np.full((5, 3, 4), np.nan), rng)
