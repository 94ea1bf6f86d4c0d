"""Increments of log psi between deciles: those of the psi that made the data."""

import numpy as np
import pytest

from lib.similarity.shapes import increments
from lib.similarity.stochastic_order import cosines
from lib.sphere.saw import Saw, von_mises_fisher

DIM = 12
MU = np.eye(DIM)[0]


def drawn(saw, rng, networks, images):
    return cosines(saw.sample(rng, MU, networks * images).reshape(networks, images, DIM))


def test_a_concentrated_population_has_the_slope_of_its_concentration():
    population = drawn(von_mises_fisher(40.0, DIM), np.random.default_rng(0), 30, 300)
    estimate, low, high = increments(population)
    at = np.quantile(population.t, np.arange(1, 10) / 10)
    # A kernel estimate spreads T_k, and the mean of 29 networks is not mu: some of the slope is lost.
    np.testing.assert_allclose(estimate / np.diff(at), 40, rtol=0.25)
    assert (low > 0).all() and (low < estimate).all() and (estimate < high).all()


@pytest.mark.parametrize("networks", [6, 20])
def test_unrelated_directions_have_a_flat_shape(networks):
    rng = np.random.default_rng(1)
    held = []
    for _ in range(30):
        estimate, low, high = increments(drawn(Saw(np.zeros_like, DIM), rng, networks, 120))
        held.append((low <= 0) & (high >= 0))
    assert np.mean(held) > 0.88


def test_a_shape_that_falls_and_rises_is_seen_to_do_both():
    """Half of the networks point away from the others."""
    estimate, low, high = increments(drawn(Saw(lambda t: 30 * t**2 + 0.8 * t, DIM), np.random.default_rng(2), 25, 300))
    assert high[0] < 0 < low[-1]
