"""Ensembles: a slow twin, networks left out, what is averaged, and both readings of an ensemble's salience."""

import copy
from itertools import combinations

import numpy as np
import pytest
import torch

from lib import ensembles, salience
from lib.ensembles import Ensembles, cosines, ensemble_sizes, evaluate, measure
from lib.similarity import expected
from lib.similarity.mean_directions import planted_population
from lib.sphere import vmf_concentration
from lib.sphere.saw import von_mises_fisher
from lib.training.populations import Population, train_or_load


def planted(networks, images, rng, truth=0.5, dim=32):
    return planted_population(von_mises_fisher(float(vmf_concentration(truth, dim)), dim), networks, images, rng)


def scored(networks, images, rng):
    """Scores and labels of networks of different skill that are right more often than not."""
    labels = rng.integers(0, 4, images)
    skill = rng.uniform(1, 3, (networks, 1, 1))
    return rng.standard_normal((networks, images, 4)) + skill * np.eye(4)[labels], labels


def slow_cosine(directions, size):
    """t of every set of `size` networks against each network that is no member, over sqrt(rho): plain loops."""
    networks = range(len(directions))
    rho = np.mean([(directions[i] * directions[j]).sum(1).mean() for i, j in combinations(networks, 2)])
    found = []
    for members in combinations(networks, size):
        mean = directions[list(members)].mean(0)
        unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        found += [(unit * directions[j]).sum(1).mean() for j in networks if j not in members]
    return np.mean(found) / np.sqrt(rho)


def test_sizes_double_and_leave_two_networks():
    assert [ensemble_sizes(count) for count in (5, 6, 9, 10, 20)] == [(1, 2), (1, 2, 4), (1, 2, 4),
                                                                     (1, 2, 4, 8), (1, 2, 4, 8, 16)]


def test_members_are_compared_with_the_others_only_also_without_a_network():
    rng = np.random.default_rng(0)
    directions, (scores, labels) = planted(6, 70, rng), scored(6, 70, rng)
    found = measure(directions, scores, labels, rng)
    assert found.sizes == (1, 2, 4) and (found.networks, found.images) == (6, 70)
    np.testing.assert_allclose(found.values["t"][0], [slow_cosine(directions, size) for size in found.sizes])
    for network in range(6):
        others = np.delete(directions, network, axis=0)
        np.testing.assert_allclose(found.values["t"][1 + network], [slow_cosine(others, size) for size in found.sizes])
        alone = measure(others, np.delete(scores, network, axis=0), labels, rng)  # sizes 1 and 2
        for name in ensembles.MEASURES:
            np.testing.assert_allclose(found.values[name][1 + network, :2], alone.values[name][0], err_msg=name)


def test_few_circles_of_networks_come_close_to_all_sets():
    rng = np.random.default_rng(1)
    directions, (scores, labels) = planted(9, 100, rng), scored(9, 100, rng)
    few, everything = (measure(directions, scores, labels, rng, splits) for splits in (1, 100))
    np.testing.assert_allclose(everything.values["t"][0, 2], slow_cosine(directions, 4))
    np.testing.assert_allclose(few.values["t"], everything.values["t"], atol=0.02)
    np.testing.assert_allclose(few.values["loss logits"], everything.values["loss logits"], atol=0.02)
    for values in (few.values["loss logits"], few.values["t"]):  # each network is a member equally often
        np.testing.assert_allclose(values[1:, 0].mean(), values[0, 0], rtol=0.002)


def test_gradients_that_vanish_do_not_count():
    rng = np.random.default_rng(4)
    directions, (scores, labels) = planted(5, 60, rng), scored(5, 60, rng)
    gone = directions.copy()
    gone[:, 50:] = 0
    found = measure(gone, scores, labels, np.random.default_rng(0)).values["t"]
    shorter = measure(directions[:, :50], scores[:, :50], labels[:50], np.random.default_rng(0)).values["t"]
    np.testing.assert_allclose(found, shorter)


def test_a_network_without_any_gradient_is_in_no_ensemble():
    rng = np.random.default_rng(4)
    directions, (scores, labels) = planted(6, 30, rng), scored(6, 30, rng)
    directions[2] = 0
    with pytest.warns(UserWarning, match="1 of 6 networks have no gradient at any image and are in no ensemble"):
        found = measure(directions, scores, labels, np.random.default_rng(0))
    without = measure(np.delete(directions, 2, axis=0), np.delete(scores, 2, axis=0), labels, np.random.default_rng(0))
    assert found.networks == 5
    for name in ensembles.MEASURES:
        np.testing.assert_array_equal(found.values[name], without.values[name])


def test_identical_networks_are_one_network():
    rng = np.random.default_rng(5)
    direction, (scores, labels) = planted(1, 80, rng), scored(1, 80, rng)
    found = measure(np.repeat(direction, 6, axis=0), np.repeat(scores, 6, axis=0), labels, rng)
    single = evaluate(np.eye(1), scores, labels)
    np.testing.assert_allclose(found.values["t"], 1)
    for name, (value,) in single.items():
        np.testing.assert_allclose(found.values[name], value, err_msg=name)
    np.testing.assert_allclose(found.values["spread"], 0, atol=1e-12)


def test_a_population_without_a_mean_direction_has_no_t():
    opposite = np.array([1, -1, 1, -1, 1, -1])[:, None, None] * np.ones((6, 10, 1)) * [1.0, 0.0, 0.0]
    found = measure(opposite, np.zeros((6, 10, 2)), np.zeros(10, int), np.random.default_rng(0))
    assert np.isnan(found.values["t"][0]).all() and np.isfinite(found.values["loss logits"]).all()


def test_both_averages_on_numbers_worked_out_by_hand():
    scores = np.log([[[9.0, 1.0]], [[1.0, 1.0]]])  # probabilities 0.9 and 0.5; mean logit difference log 3
    found = evaluate(np.array([[1.0, 1.0], [1.0, 0.0]]), scores, np.array([0]))
    np.testing.assert_allclose(found["loss probabilities"], [-np.log(0.7), -np.log(0.9)])
    np.testing.assert_allclose(found["loss logits"], [-np.log(0.75), -np.log(0.9)])
    np.testing.assert_allclose(found["ece probabilities"], [0.3, 0.1])
    np.testing.assert_allclose(found["confidence logits"], [0.75, 0.9])
    # Two that are rather wrong (0.12 each) and one that is very right (0.998): the averages disagree on the class.
    split = np.array([[[0.0, 2.0]], [[0.0, 2.0]], [[6.0, 0.0]]])
    found = evaluate(np.ones((1, 3)), split, np.array([0]))
    assert found["accuracy logits"] == 1 and found["accuracy probabilities"] == 0


def test_a_probability_of_zero_is_a_large_loss_and_no_infinite_one():
    found = evaluate(np.ones((1, 1)), np.array([[[0.0, 3000.0]]]), np.array([0]))
    assert 700 < found["loss logits"][0] < np.inf


@pytest.mark.parametrize("change, message", [
    (lambda u, s, y: (u[:4], s[:4], y), "at least 5 networks, not 4"),
    (lambda u, s, y: (u[:5], s, y), "of the same networks and images"),
    (lambda u, s, y: (u, s[:, :9], y), "of the same networks and images"),
    (lambda u, s, y: (u, s, y[:9]), "of the same networks and images"),
    (lambda u, s, y: (u * np.nan, s, y), "must be finite"), (lambda u, s, y: (u, s * np.inf, y), "must be finite"),
])
def test_what_makes_no_ensembles_is_refused(change, message):
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match=message):
        measure(*change(planted(6, 10, rng), *scored(6, 10, rng)), rng)


def test_no_split_at_all_is_refused():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="splits must be a whole number of at least 1"):
        measure(planted(6, 10, rng), *scored(6, 10, rng), rng, splits=0)


@pytest.fixture
def trained(tiny, artifacts, inline):
    return train_or_load({tiny: range(5)}, inline)[tiny]


def of(population, digits):
    return salience.population_directions({"tiny": population}, digits)["tiny"]


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
def test_the_gradient_of_averaged_logits_is_the_mean_of_the_gradients(trained, digits):
    networks = list(trained.models())
    ensemble = cosines.AveragedLogits(networks)
    images, labels = digits.test_images, digits.test_labels
    each = torch.stack([salience.input_gradients(network, images, labels) for network in networks])
    torch.testing.assert_close(salience.input_gradients(ensemble, images, labels), each.mean(0))
    same = Population(trained.specification, trained.networks[:1] * 5)
    found = cosines.cosines_by_reading(same, of(same, digits), digits)
    assert found.pop("members") == 2
    np.testing.assert_allclose(list(found.values()), [1, 1], rtol=1e-5)


def test_the_first_networks_are_compared_with_the_others(trained, digits):
    """Planted directions in place of the networks' own: t of two of them about the other three, by hand."""
    directions = planted(5, 20, np.random.default_rng(10), dim=64)
    mean = directions[0] + directions[1]
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    rho = np.mean([(directions[i] * directions[j]).sum(1).mean() for i, j in combinations(range(5), 2)])
    found = cosines.cosines_by_reading(trained, directions, digits)
    assert found["mean unit gradient"] == pytest.approx((unit * directions[2:].mean(0)).sum(1).mean() / rho**0.5)
    assert abs(found["averaged logits"]) < 0.2  # the networks' own gradients know nothing of what was planted


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
@pytest.mark.parametrize("output, grid", [("logit", 8), ("probability", 8), ("log-probability", 4)])
def test_the_averaged_logits_are_differentiated_as_the_networks_were(trained, digits, output, grid):
    directions = salience.population_directions({"tiny": trained}, digits, output=output, grid=grid)["tiny"]
    ensemble = cosines.AveragedLogits(list(trained.models())[:2])
    gradients = salience.input_gradients(ensemble, digits.test_images, digits.test_labels, output=output)
    own = salience.directions(gradients, grid=grid).numpy()
    known = own.any(1) & directions[2:].any(2)  # [3, images]
    cosine = np.mean([(own[at] * one[at]).sum(1).mean() for one, at in zip(directions[2:], known)])
    found = cosines.cosines_by_reading(trained, directions, digits, output=output, grid=grid)
    assert found["averaged logits"] == pytest.approx(cosine / expected(directions) ** 0.5, rel=1e-4)


@pytest.mark.filterwarnings("ignore:.*gradients are zero")
def test_a_dead_network_keeps_its_place_until_the_ensembles_leave_it_out(trained, digits):
    dead = copy.deepcopy(trained.networks[1])
    for weights in dead.state.values():
        weights.zero_()
    population = Population(trained.specification, (*trained.networks[:1], dead, *trained.networks[2:]))
    directions = salience.population_directions({"tiny": population}, digits, keep_dead=True)["tiny"]
    assert len(directions) == 5 and not directions[1].any() and directions[2].any()
    found = cosines.cosines_by_reading(population, directions, digits)
    assert found["members"] == 2 and np.isfinite(list(found.values())).all()


def test_directions_of_other_networks_are_refused(trained, digits):
    with pytest.raises(ValueError, match="directions of 4 networks do not belong to a population of 5"):
        cosines.cosines_by_reading(trained, of(trained, digits)[:4], digits)


def test_values_have_a_row_for_all_networks_and_one_without_each():
    rng = np.random.default_rng(9)
    found = measure(planted(7, 10, rng), *scored(7, 10, rng), rng)
    assert isinstance(found, Ensembles) and set(found.values) == set(ensembles.MEASURES)
    assert {values.shape for values in found.values.values()} == {(8, 3)}
