"""The shape of T_k: held-out scores, the slope of log psi, and what images of different concentration explain."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from lib import sphere
from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.shapes import held_out, increments, own_concentration_gain, shrunk_squares
from lib.similarity.stochastic_order import cosines
from lib.sphere import vmf_mean_resultant
from lib.sphere.fits import SHAPES
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


@pytest.mark.parametrize(
    ("saw", "plain"), [(Saw(np.zeros_like, 20), "uniform"), (von_mises_fisher(200.0, 20), "exponential")]
)
def test_parameters_that_are_not_needed_gain_nothing_on_held_out_data(saw, plain):
    scores = held_out(population(saw, 12, 100), np.random.default_rng(0), folds=3)
    for richer in list(SHAPES)[list(SHAPES).index(plain) + 1 :]:
        mean, low, _ = gain(scores, richer, plain)
        assert low <= 0 and abs(mean) < 0.01, richer


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


def test_held_out_scores_turn_with_the_directions():
    u = population(CAUCHY, 6, 15)
    turn = ortho_group(20, seed=0).rvs()
    before, after = (held_out(x, np.random.default_rng(0), folds=2) for x in (u, u @ turn.T))
    for name in SHAPES:
        assert before[name].shape == (6, 15) and np.isfinite(before[name]).all()
        np.testing.assert_allclose(after[name], before[name], atol=1e-5)


def test_only_a_network_or_an_image_without_direction_has_no_score():
    u = population(von_mises_fisher(10.0, 5), 6, 8)
    u[2, 3] = 0
    u[:, 5] = 0
    for scores in held_out(u, np.random.default_rng(0)).values():
        missing = np.zeros((6, 8), dtype=bool)
        missing[2, 3] = missing[:, 5] = True
        np.testing.assert_array_equal(np.isnan(scores), missing)


@pytest.mark.parametrize(("networks", "images", "folds"), [(2, 5, 5), (3, 5, 2), (6, 1, 5), (6, 5, 1), (6, 5, 0)])
def test_too_few_networks_images_or_folds_are_refused(networks, images, folds):
    with pytest.raises(ValueError, match=f"{folds} folds of {networks} networks and {images} images leave too few"):
        held_out(population(von_mises_fisher(5.0, 3), networks, images), np.random.default_rng(0), folds=folds)


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


def with_kappas(rng, networks, kappas):
    """[networks, images, dims]: von Mises-Fisher directions, image i with the concentration kappas[i]."""
    return np.stack([von_mises_fisher(kappa, DIM).sample(rng, MU, networks) for kappa in kappas], axis=1)


@pytest.mark.parametrize("networks", [5, 20])
def test_images_that_differ_are_told_apart_and_images_that_do_not_are_not(networks):
    rng = np.random.default_rng(0)
    mixed = own_concentration_gain(with_kappas(rng, networks, rng.choice([2.0, 60.0], 200)))
    alike = own_concentration_gain(with_kappas(rng, networks, np.full(200, 12.0)))
    assert mixed.shape == (networks, 200) and mixed.mean() > 0.3
    assert abs(alike.mean()) < 0.01


def test_the_gain_with_many_networks_is_that_of_the_known_concentrations():
    rng = np.random.default_rng(1)
    kappas = rng.choice([3.0, 40.0], 120)
    directions = with_kappas(rng, 40, kappas)
    t = leave_one_out_cosines(directions)
    mean = vmf_mean_resultant(kappas, DIM).mean()
    common = von_mises_fisher(next(k for k in np.linspace(1, 60, 5901) if vmf_mean_resultant(k, DIM) >= mean), DIM)
    exact = np.stack([von_mises_fisher(kappa, DIM).logpdf(t[:, i]) for i, kappa in enumerate(kappas)], 1)
    assert own_concentration_gain(directions).mean() == pytest.approx((exact - common.logpdf(t)).mean(), abs=0.06)


def test_squares_are_drawn_to_their_mean_as_far_as_they_are_chance():
    rng = np.random.default_rng(2)
    alike = shrunk_squares(with_kappas(rng, 6, np.full(300, 8.0)))
    exact = float(vmf_mean_resultant(8.0, DIM)) ** 2
    assert alike.std() < 0.3 * 0.08 and alike.mean() == pytest.approx(exact, abs=0.02)
    kappas = rng.choice([2.0, 50.0], 300)
    differing = shrunk_squares(with_kappas(rng, 6, kappas))
    assert np.sqrt(np.mean((differing - vmf_mean_resultant(kappas, DIM) ** 2) ** 2)) < 0.08


def test_a_gradient_that_vanished_has_no_gain_and_shifts_no_other_image():
    rng = np.random.default_rng(3)
    directions = with_kappas(rng, 6, np.linspace(2, 40, 50))
    directions[2, 7] = 0
    gain = own_concentration_gain(directions)
    assert np.argwhere(np.isnan(gain)).tolist() == [[2, 7]]
    directions[1:, 7] = 0
    assert np.isnan(own_concentration_gain(directions)[:, 7]).all()
