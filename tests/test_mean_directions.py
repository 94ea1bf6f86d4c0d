"""Spherical means, mean resultant lengths and their corrections against closed forms and planted truths."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import directional_stats

from lib.similarity import expected, mean_direction_cosine, mean_directions
from lib.similarity.mean_directions import (
    corrected_mean_cosine,
    estimates_by_networks,
    leave_one_out_cosines,
    mean_cosine_estimates,
    mean_resultant_length,
    pair_moments,
    planted_population,
    split_half_cosines,
)
from lib.sphere import vmf_concentration
from lib.sphere.saw import Saw, von_mises_fisher

DIM = 64


@pytest.fixture(scope="module")
def population():
    return planted_population(von_mises_fisher(30.0, DIM), 7, 40, np.random.default_rng(0))


def test_means_and_lengths_are_scipy_s(population):
    found = directional_stats(population, axis=0)
    np.testing.assert_allclose(mean_directions.mean_directions(population), found.mean_direction, atol=1e-12)
    np.testing.assert_allclose(mean_resultant_length(population, corrected=False), found.mean_resultant_length)


def test_the_square_of_the_corrected_length_is_the_mean_cosine_of_pairs(population):
    for image in (0, 17):
        assert mean_resultant_length(population)[image] ** 2 == pytest.approx(
            expected(population[:, image : image + 1])
        )


def test_a_mean_cosine_below_zero_keeps_its_sign():
    opposite = np.array([[[1.0, 0.0]], [[-1.0, 0.0]]])
    assert mean_resultant_length(opposite) == pytest.approx(-1)
    assert mean_resultant_length(opposite, corrected=False) == pytest.approx(0)
    assert (mean_directions.mean_directions(opposite) == 0).all()


def test_leaving_one_out_is_leaving_one_out(population):
    found = leave_one_out_cosines(population)
    for m in (0, 3):
        others = np.delete(population, m, axis=0).mean(0)
        t = (population[m] * others).sum(1) / np.linalg.norm(others, axis=1)
        np.testing.assert_allclose(found[m], t)


def test_identical_networks_have_length_and_cosines_1():
    same = np.repeat(np.eye(3)[None], 4, axis=0)
    for values in (
        leave_one_out_cosines(same),
        mean_resultant_length(same),
        mean_resultant_length(same, corrected=False),
    ):
        np.testing.assert_allclose(values, 1)


def test_a_network_without_a_gradient_is_as_if_it_were_not_there(population):
    some = population.copy()
    some[2, 5] = 0
    without = np.delete(population, 2, axis=0)
    assert np.isnan(leave_one_out_cosines(some)[2, 5]) and np.isnan(leave_one_out_cosines(some)).sum() == 1
    for corrected in (True, False):
        assert mean_resultant_length(some, corrected=corrected)[5] == pytest.approx(
            mean_resultant_length(without, corrected=corrected)[5]
        )
    some[1:, 5] = 0
    assert np.isnan(leave_one_out_cosines(some)[:, 5]).all() and np.isnan(mean_resultant_length(some)[5])
    assert mean_resultant_length(some, corrected=False)[5] == pytest.approx(1)
    assert all(np.isfinite(list(mean_cosine_estimates(some).values())))


def test_rotating_everything_changes_nothing(population):
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((DIM, DIM)))[0]
    turned = population @ rotation
    for measure in (leave_one_out_cosines, mean_resultant_length):
        np.testing.assert_allclose(measure(turned), measure(population), atol=1e-10)
    np.testing.assert_allclose(
        mean_directions.mean_directions(turned), mean_directions.mean_directions(population) @ rotation, atol=1e-10
    )


@pytest.mark.parametrize("truth", [0.25, 0.6, 0.9])
def test_both_corrected_estimates_hold_the_truth_and_the_plain_ones_do_what_they_should(truth):
    """Fact sheet 3.7: the plain ones are off by a known factor; from 5 networks on, to two thousandths."""
    networks, saw = [5, 20, 100], von_mises_fisher(float(vmf_concentration(truth, DIM)), DIM)
    found = estimates_by_networks(saw, networks, 60, 60, np.random.default_rng(0))
    rest = 1 / np.array(networks)
    np.testing.assert_allclose(found["pairs"], truth, atol=0.006)
    np.testing.assert_allclose(found["leave one out, corrected"], truth, atol=0.02)
    np.testing.assert_allclose(found["own mean"], np.sqrt(truth**2 + (1 - truth**2) * rest), atol=0.01)
    others = 1 / (np.array(networks) - 1)
    np.testing.assert_allclose(
        found["leave one out"], truth**2 / np.sqrt(truth**2 + (1 - truth**2) * others), atol=0.02
    )
    assert (found["leave one out"] < truth).all() and (found["own mean"] > truth).all()


def test_the_correction_inverts_what_few_networks_take_away():
    truth = np.array([0.1, 0.5, 0.99])
    for networks in (2, 5, 100):
        measured = truth**2 / np.sqrt(truth**2 + (1 - truth**2) / (networks - 1))
        np.testing.assert_allclose(corrected_mean_cosine(measured, networks), truth)
    assert corrected_mean_cosine(-0.2, 5) == -corrected_mean_cosine(0.2, 5)


def test_split_halves_and_the_corrected_cosine_agree_about_mean_directions_at_an_angle():
    rng = np.random.default_rng(0)
    first, second = (planted_population(von_mises_fisher(kappa, DIM), 20, 200, rng) for kappa in (25.0, 60.0))
    angle = np.radians(30)
    rotation = np.eye(DIM)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    second = second @ rotation.T
    halves = split_half_cosines([first, second], rng)
    assert halves[0, 1] == halves[1, 0] == pytest.approx(np.cos(angle), abs=0.02)
    assert mean_direction_cosine(first, second) == pytest.approx(np.cos(angle), abs=0.02)
    # Halves of one population know each other only so well: R^2 / (R^2 + (1 - R^2) / 10).
    squared = expected(first)
    assert halves[0, 0] == pytest.approx(squared / (squared + (1 - squared) / 10), abs=0.02)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda u: u[:1], "at least 2 networks, not 1"),
        (lambda u: u[0], r"must be \[networks, images, dims\], not of shape \(40, 64\)"),
        (lambda u: u * np.nan, "must be finite numbers"),
    ],
)
@pytest.mark.parametrize("measure", [leave_one_out_cosines, mean_resultant_length, mean_directions.mean_directions])
def test_what_is_no_population_is_refused(population, measure, change, message):
    with pytest.raises(ValueError, match=message):
        measure(change(population))


def test_planted_populations_follow_their_law():
    saw = Saw(lambda t: 12 * t + 20 * t**2, 32)
    u = planted_population(saw, 50, 40, np.random.default_rng(0))
    assert u.shape == (50, 40, 32)
    assert u[..., 0].mean() == pytest.approx(saw.moment(1), abs=4 * u[..., 0].std() / np.sqrt(2000))


def test_moments_of_pairs_are_means_over_pairs_and_over_two_pairs_without_a_common_network(population):
    u = population[:, :2]
    gram = np.einsum("knd,mnd->nkm", u, u)
    squares, fourths = pair_moments(gram, np.array([7.0, 3.0]))
    pairs = list(permutations(range(7), 2))
    fours = list(permutations(range(7), 4))
    assert squares[0] == pytest.approx(np.mean([gram[0][pair] for pair in pairs]))
    assert fourths[0] == pytest.approx(np.mean([gram[0, i, j] * gram[0, k, l] for i, j, k, l in fours]))
    assert np.isnan(fourths[1]) and np.isnan(pair_moments(gram, np.array([7.0, 1.0]))[0][1])
