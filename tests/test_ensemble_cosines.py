"""E[t] of ensembles by both readings, and its law: numbers by hand, exact averages, slow twins, planted populations."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from planted_ensembles import planted, uneven

from lib import salience
from lib.ensembles import law, measure
from lib.ensembles.cosines import AveragedLogits, cosine_with_mean, cosines_by_reading, member_cosines, squared_spread
from lib.training.populations import Population, train_or_load


def measured(directions, rng, splits=1):
    """The measures of a population whose scores do not matter."""
    networks, images = directions.shape[:2]
    return measure(directions, np.zeros((networks, images, 2)), np.zeros(images, int), rng, splits).values


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


def test_directions_of_other_networks_are_refused(trained, digits):
    with pytest.raises(ValueError, match="directions of 4 networks do not belong to a population of 5"):
        cosines_by_reading(trained, of(trained, digits)[:4], digits)
