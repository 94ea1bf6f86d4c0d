"""E[t] of ensembles by both readings, and its law: numbers by hand, exact averages, slow twins, planted populations."""

import copy
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from planted_ensembles import OPPOSITE, planted, uneven

from lib import salience
from lib.ensembles import law, measure
from lib.ensembles.cosines import AveragedLogits, cosine_with_mean, cosines_by_reading, member_cosines, squared_spread
from lib.similarity import expected
from lib.sphere import uniform_directions
from lib.training.populations import Population, train_or_load


def measured(directions, rng, splits=1):
    """The measures of a population whose scores do not matter."""
    networks, images = directions.shape[:2]
    return measure(directions, np.zeros((networks, images, 2)), np.zeros(images, int), rng, splits).values


def test_the_law_of_one_image_by_hand():
    assert law(0.6, 1) == pytest.approx(0.6) and law(0.6, np.inf) == pytest.approx(1)
    assert law(0.6, 4) == pytest.approx(0.6 / np.sqrt(0.36 + 0.64 / 4))
    assert law(0.6, 1, 0.3) == pytest.approx(0.6)  # single networks have their R, whatever its spread
    assert law(0.6, np.inf, 0.16) == pytest.approx(1 - 0.16 / 8)


@pytest.mark.parametrize("least, most, tolerance", [(0.3, 0.7, 2e-3), (0.2, 0.4, 2e-3), (0.5, 0.9, 1e-3)])
def test_the_law_of_many_images_is_the_average_of_their_laws(least, most, tolerance):
    resultants = np.linspace(least, most, 20_001)
    root = np.sqrt(np.mean(resultants**2))
    spread = np.var(resultants**2) / root**4
    for members in (1, 2, 4, 16, np.inf):
        exact = np.mean(resultants * law(resultants, members)) / root
        assert law(root, members, spread) == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("truth", [0.3, 0.7])
def test_planted_ensembles_keep_to_the_law(truth):
    rng = np.random.default_rng(2)
    found = measured(planted(20, 300, rng, truth, 64), rng)
    np.testing.assert_allclose(found["t"][0], law(truth, np.array([1, 2, 4, 8, 16])), rtol=0.03)
    np.testing.assert_allclose(found["t"] / found["law"], 1, rtol=0.015)
    np.testing.assert_allclose(found["spread"], 0, atol=0.05)


def test_ensembles_keep_to_the_law_of_many_images_where_r_varies_over_them():
    """R(x) from 0.3 to 0.7: E[t] of many members falls short of 1 by more than two percent, and the law knows it."""
    rng = np.random.default_rng(3)
    resultants = np.linspace(0.3, 0.7, 500)
    directions = np.concatenate([planted(20, 1, rng, truth, 64) for truth in resultants], axis=1)
    found = measured(directions, rng)
    root = np.sqrt(np.mean(resultants**2))
    assert found["spread"][0, 0] == pytest.approx(np.var(resultants**2) / root**4, abs=0.03)
    sizes = np.array([1, 2, 4, 8, 16])
    exact = [np.mean(resultants * law(resultants, size)) / root for size in sizes]
    np.testing.assert_allclose(found["t"][0], exact, rtol=0.01)
    np.testing.assert_allclose(found["t"] / found["law"], 1, rtol=0.01)
    assert (found["t"][0] / law(root, sizes))[-2:].max() < 0.98


def test_the_spread_is_that_of_products_of_pairs_apart_also_without_a_network():
    rng = np.random.default_rng(4)
    directions = planted(6, 70, rng, dim=16)
    directions[0, :10] = 0  # no direction there

    def slow(population):
        squares, fourths = [], []
        for image in population.transpose(1, 0, 2):
            gram = image[image.any(1)] @ image[image.any(1)].T
            squares.append(np.mean([gram[i, j] for i, j in combinations(range(len(gram)), 2)]))
            fourths.append(np.mean([gram[i, j] * gram[k, m] for i, j, k, m in permutations(range(len(gram)), 4)]))
        return np.mean(fourths) / np.mean(squares) ** 2 - 1

    expected = [slow(directions), *(slow(np.delete(directions, network, axis=0)) for network in range(6))]
    np.testing.assert_allclose(squared_spread(directions), expected)


def test_no_spread_is_known_of_too_few_networks_or_without_a_mean_direction():
    rng = np.random.default_rng(5)
    few = squared_spread(planted(4, 20, rng, dim=64))
    assert np.isfinite(few[0]) and np.isnan(few[1:]).all()
    assert np.isnan(squared_spread(OPPOSITE)[0])


def test_unrelated_networks_do_not_find_themselves_in_their_reference():
    """A member in its own reference would have a cosine of about 1 / sqrt(networks) with it."""
    rng = np.random.default_rng(3)
    directions = uniform_directions(rng, 8 * 400, 64).reshape(8, 400, 64)
    members = (rng.permuted(np.tile(np.arange(8), (20, 1)), axis=1) < 3).astype(float)
    cosines = member_cosines(members, directions)
    assert np.abs(cosines[members == 0]).max() < 0.03 and cosines[members == 1].min() > 0.5


def test_chance_of_the_circles_is_cancelled_by_the_pairs_they_hold():
    """E[t] of the same networks on other circles varies far less than the plain mean cosine over sqrt(rho)."""
    rng = np.random.default_rng(6)
    directions = uneven(12, 60, rng)
    pairs = member_cosines(np.eye(12), directions)
    rho = pairs[~np.eye(12, dtype=bool)].mean()
    steady, plain = [], []
    for _ in range(60):
        circle = rng.permutation(12)
        members = np.zeros((12, 12))
        for start in range(12):
            members[start, np.roll(circle, start)[:4]] = 1
        cosines = member_cosines(members, directions)
        steady.append(cosine_with_mean(cosines, members, pairs))
        plain.append(cosines[members == 0].mean() / np.sqrt(rho))
    assert np.std(steady) < 0.5 * np.std(plain)
    assert np.mean(steady) == pytest.approx(np.mean(plain), rel=0.01)


@pytest.fixture
def trained(tiny, artifacts, inline):
    return train_or_load({tiny: range(5)}, inline)[tiny]


def of(population, digits):
    return salience.population_directions({"tiny": population}, digits)["tiny"]


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
def test_the_gradient_of_averaged_logits_is_the_mean_of_the_gradients(trained, digits):
    networks = list(trained.models())
    ensemble = AveragedLogits(networks)
    images, labels = digits.test_images, digits.test_labels
    each = torch.stack([salience.input_gradients(network, images, labels) for network in networks])
    torch.testing.assert_close(salience.input_gradients(ensemble, images, labels), each.mean(0))
    same = Population(trained.specification, trained.networks[:1] * 5)
    found = cosines_by_reading(same, of(same, digits), digits)
    assert found.pop("members") == 2
    np.testing.assert_allclose(list(found.values()), [1, 1], rtol=1e-5)


def test_the_first_networks_are_compared_with_the_others(trained, digits):
    """Planted directions in place of the networks' own: t of two of them about the other three, by hand."""
    directions = planted(5, 20, np.random.default_rng(10), dim=64)
    mean = directions[0] + directions[1]
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    rho = np.mean([(directions[i] * directions[j]).sum(1).mean() for i, j in combinations(range(5), 2)])
    found = cosines_by_reading(trained, directions, digits)
    assert found["mean unit gradient"] == pytest.approx((unit * directions[2:].mean(0)).sum(1).mean() / rho**0.5)
    assert abs(found["averaged logits"]) < 0.2  # the networks' own gradients know nothing of what was planted


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
@pytest.mark.parametrize("output, grid", [("logit", 8), ("probability", 8), ("log-probability", 4)])
def test_the_averaged_logits_are_differentiated_as_the_networks_were(trained, digits, output, grid):
    directions = salience.population_directions({"tiny": trained}, digits, output=output, grid=grid)["tiny"]
    ensemble = AveragedLogits(list(trained.models())[:2])
    gradients = salience.input_gradients(ensemble, digits.test_images, digits.test_labels, output=output)
    own = salience.directions(gradients, grid=grid).numpy()
    known = own.any(1) & directions[2:].any(2)  # [3, images]
    cosine = np.mean([(own[at] * one[at]).sum(1).mean() for one, at in zip(directions[2:], known)])
    found = cosines_by_reading(trained, directions, digits, output=output, grid=grid)
    assert found["averaged logits"] == pytest.approx(cosine / expected(directions) ** 0.5, rel=1e-4)


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
def test_a_dead_network_keeps_its_place_until_the_ensembles_leave_it_out(trained, digits):
    dead = copy.deepcopy(trained.networks[1])
    for weights in dead.state.values():
        weights.zero_()
    population = Population(trained.specification, (*trained.networks[:1], dead, *trained.networks[2:]))
    directions = salience.population_directions({"tiny": population}, digits, keep_dead=True)["tiny"]
    assert len(directions) == 5 and not directions[1].any() and directions[2].any()
    found = cosines_by_reading(population, directions, digits)
    assert found["members"] == 2 and np.isfinite(list(found.values())).all()


def test_directions_of_other_networks_are_refused(trained, digits):
    with pytest.raises(ValueError, match="directions of 4 networks do not belong to a population of 5"):
        cosines_by_reading(trained, of(trained, digits)[:4], digits)
