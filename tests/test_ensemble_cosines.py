"""E[t] of ensembles and its law: numbers by hand, exact averages, slow twins, planted populations."""

from itertools import combinations, permutations

import numpy as np
import pytest

from lib.ensembles import measure
from lib.ensembles.cosines import cosine_with_mean, law, member_cosines, squared_spread
from lib.similarity.mean_directions import planted_population
from lib.sphere import uniform_directions, vmf_concentration
from lib.sphere.saw import von_mises_fisher


def planted(networks, images, rng, truth=0.5, dim=64):
    return planted_population(von_mises_fisher(float(vmf_concentration(truth, dim)), dim), networks, images, rng)


def measured(directions, rng, splits=1):
    """The measures of a population whose scores do not matter."""
    networks, images = directions.shape[:2]
    return measure(directions, np.zeros((networks, images, 2)), np.zeros(images, int), rng, splits).values


def uneven(networks, images, rng, dim=32):
    """Directions about the first axis; networks keep to it closely or hardly."""
    quality = rng.uniform(0.05, 0.95, (networks, 1, 1))
    across = uniform_directions(rng, networks * images, dim - 1).reshape(networks, images, dim - 1)
    return np.concatenate([np.broadcast_to(quality, (networks, images, 1)), np.sqrt(1 - quality**2) * across], axis=2)


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
    found = measured(planted(20, 300, rng, truth), rng)
    np.testing.assert_allclose(found["t"][0], law(truth, np.array([1, 2, 4, 8, 16])), rtol=0.03)
    np.testing.assert_allclose(found["t"] / found["law"], 1, rtol=0.015)
    np.testing.assert_allclose(found["spread"], 0, atol=0.05)


def test_ensembles_keep_to_the_law_of_many_images_where_r_varies_over_them():
    """R(x) from 0.3 to 0.7: E[t] of many members falls short of 1 by more than two percent, and the law knows it."""
    rng = np.random.default_rng(3)
    resultants = np.linspace(0.3, 0.7, 500)
    directions = np.concatenate([planted(20, 1, rng, truth) for truth in resultants], axis=1)
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
    few = squared_spread(planted(4, 20, rng))
    assert np.isfinite(few[0]) and np.isnan(few[1:]).all()
    opposite = np.array([1, -1, 1, -1, 1, -1])[:, None, None] * np.ones((6, 10, 1)) * [1.0, 0.0, 0.0]
    assert np.isnan(squared_spread(opposite)[0])


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
