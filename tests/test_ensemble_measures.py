"""Ensembles: a slow twin, networks left out, what is averaged, and how far confidence is from accuracy."""

from itertools import combinations

import numpy as np
import pytest
from planted_ensembles import OPPOSITE, planted, scored

from lib import ensembles
from lib.ensembles import ensemble_sizes, evaluate, measure
from lib.ensembles.measures import expected_calibration_error


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
    assert [ensemble_sizes(count) for count in (5, 6, 9, 10, 20)] == [
        (1, 2),
        (1, 2, 4),
        (1, 2, 4),
        (1, 2, 4, 8),
        (1, 2, 4, 8, 16),
    ]


def test_members_are_compared_with_the_others_only_also_without_a_network():
    rng = np.random.default_rng(0)
    directions, (scores, labels) = planted(6, 70, rng), scored(6, 70, rng)
    found = measure(directions, scores, labels, rng)
    assert found.sizes == (1, 2, 4) and (found.networks, found.images) == (6, 70)
    np.testing.assert_allclose(found.values["t"][0], [slow_cosine(directions, size) for size in found.sizes])
    assert list(found.values) == list(ensembles.MEASURES)
    assert {values.shape for values in found.values.values()} == {(7, 3)}
    for network in range(6):
        others = np.delete(directions, network, axis=0)
        np.testing.assert_allclose(found.values["t"][1 + network], [slow_cosine(others, size) for size in found.sizes])
        alone = measure(others, np.delete(scores, network, axis=0), labels, rng)  # sizes 1 and 2
        for name in ensembles.MEASURES:
            np.testing.assert_allclose(found.values[name][1 + network, :2], alone.values[name][0], err_msg=name)


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


def test_a_population_without_a_mean_direction_has_no_t():
    found = measure(OPPOSITE, np.zeros((6, 10, 2)), np.zeros(10, int), np.random.default_rng(0))
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


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda u, s, y: (u[:4], s[:4], y), "at least 5 networks, not 4"),
        (lambda u, s, y: (u[:5], s, y), "of the same networks and images"),
        (lambda u, s, y: (u, s[:, :9], y), "of the same networks and images"),
        (lambda u, s, y: (u, s, y[:9]), "of the same networks and images"),
        (lambda u, s, y: (u * np.nan, s, y), "must be finite"),
        (lambda u, s, y: (u, s * np.inf, y), "must be finite"),
    ],
)
def test_what_makes_no_ensembles_is_refused(change, message):
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match=message):
        measure(*change(planted(6, 10, rng), *scored(6, 10, rng)), rng)
    with pytest.raises(ValueError, match="splits must be a whole number of at least 1"):
        measure(planted(6, 10, rng), *scored(6, 10, rng), rng, splits=0)


def test_who_is_right_as_often_as_they_believe_has_no_error_and_else_the_gap():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.1, 0.9, 200_000)
    assert expected_calibration_error(confidence, rng.random(200_000) < confidence) < 0.01
    timid = expected_calibration_error(confidence, rng.random(200_000) < confidence + 0.1)
    assert timid == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    "confidence, correct, bins, message",
    [
        ([0.5, 0.5], [1], 15, "must be of one shape"),
        ([], [], 15, "at least one image"),
        ([1.2], [1], 15, "from 0 to 1"),
        ([-0.1], [1], 15, "from 0 to 1"),
        ([np.nan], [1], 15, "from 0 to 1"),
        ([0.5], [1], 0, "bins must be a whole number"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, correct, bins, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(confidence, correct, bins)
