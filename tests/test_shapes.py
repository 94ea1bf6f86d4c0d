"""The shape of T_k: held-out scores, the slope of log psi, and what images of different concentration explain."""

import numpy as np
import pytest

from lib import sphere
from lib.similarity.shapes import held_out, own_concentration_gain
from lib.sphere.saw import Saw, von_mises_fisher
from lib.statistics.intervals import crossed_interval

DIM = 16
MU = np.eye(DIM)[0]


def population(saw, networks, images, seed=0):
    """[networks, images, dim] directions about a mean direction of each image's own."""
    rng = np.random.default_rng(seed)
    means = sphere.uniform_directions(rng, images, saw.dim)
    return np.stack([saw.sample(rng, mu, networks) for mu in means], axis=1)


def gain(scores, winner, loser):
    return crossed_interval(scores[winner] - scores[loser])


NARROW = Saw(lambda t: 60 * t - 40 * t**2, 20)  # falls beyond t = 0.75: t spreads less than von Mises-Fisher's
CAUCHY = Saw(lambda t: -19 * np.log(1 - 0.95 * t), 20)


@pytest.mark.parametrize(
    ("saw", "winner", "losers"),
    [
        (von_mises_fisher(30.0, 20), "exponential", ["uniform"]),
        (NARROW, "quadratic exponential", ["uniform", "exponential"]),
        (CAUCHY, "power", ["uniform", "exponential", "quadratic exponential"]),
    ],
)
def test_the_planted_shape_wins_on_held_out_data(saw, winner, losers):
    scores = held_out(population(saw, 12, 100), np.random.default_rng(0), folds=3)
    for loser in losers:
        assert gain(scores, winner, loser)[1] > 0, loser
        assert gain(scores, loser, winner)[2] < 0, loser


def test_held_out_scores_are_those_of_shapes_fitted_without_network_and_image():
    """With as many folds as networks and images each cell can be recomputed by hand."""
    u = population(von_mises_fisher(10.0, 5), 4, 3)
    scores = held_out(u, np.random.default_rng(0), shapes=["exponential"], folds=9)["exponential"]
    for network in range(4):
        others = np.delete(u, network, axis=0)
        for image in range(3):
            t = [
                others[k, i] @ (total := np.delete(others, k, axis=0)[:, i].sum(0)) / np.linalg.norm(total)
                for k in range(3)
                for i in range(3)
                if i != image
            ]
            mu = others[:, image].sum(0) / np.linalg.norm(others[:, image].sum(0))
            expected = von_mises_fisher(sphere.vmf_concentration(np.mean(t), 5), 5).logpdf(u[network, image] @ mu)
            assert scores[network, image] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("networks", "images", "folds"), [(2, 5, 5), (3, 5, 2), (6, 1, 5), (6, 5, 1), (6, 5, 0)])
def test_too_few_networks_images_or_folds_are_refused(networks, images, folds):
    with pytest.raises(ValueError, match=f"{folds} folds of {networks} networks and {images} images leave too few"):
        held_out(population(von_mises_fisher(5.0, 3), networks, images), np.random.default_rng(0), folds=folds)


def with_kappas(rng, networks, kappas):
    """[networks, images, dims]: von Mises-Fisher directions, image i with the concentration kappas[i]."""
    return np.stack([von_mises_fisher(kappa, DIM).sample(rng, MU, networks) for kappa in kappas], axis=1)


def test_a_gradient_that_vanished_has_no_gain_and_shifts_no_other_image():
    rng = np.random.default_rng(3)
    directions = with_kappas(rng, 6, np.linspace(2, 40, 50))
    directions[2, 7] = 0
    gain = own_concentration_gain(directions)
    assert np.argwhere(np.isnan(gain)).tolist() == [[2, 7]]
    directions[1:, 7] = 0
    assert np.isnan(own_concentration_gain(directions)[:, 7]).all()
