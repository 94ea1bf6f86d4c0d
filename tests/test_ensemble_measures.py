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


def test_a_probability_of_zero_is_a_large_loss_and_no_infinite_one():
    found = evaluate(np.ones((1, 1)), np.array([[[0.0, 3000.0]]]), np.array([0]))
    assert 700 < found["loss logits"][0] < np.inf


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda u, s, y: (u[:4], s[:4], y), "at least 5 networks, not 4"),
        (lambda u, s, y: (u[:5], s, y), "of the same networks and images"),
        (lambda u, s, y: (u, s[:, :9], y), "of the same networks and images"),
        (lambda u, s, y: (u, s[0], y), "of the same networks and images"),
        (lambda u, s, y: (u, s, y[:9]), "10 images need as many labels, not 9"),
        (lambda u, s, y: (u, s, y - 1), "labels must be from 0 to"),
        (lambda u, s, y: (u, s, y[:, None]), "labels must be class indices"),
        (lambda u, s, y: (2 * u, s, y), "must be rows of length 1"),
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
    with pytest.raises(ValueError, match="labels must be from 0 to 1, the model's classes, not -1 to 0"):
        evaluate(np.ones((1, 1)), np.zeros((1, 2, 2)), [0, -1])


def plain_calibration_error(confidence, correct, bins):
    """The definition of Guo et al. (2017), image by image."""
    total = 0.0
    for low in range(bins):
        inside = [i for i, value in enumerate(confidence) if low / bins < value <= (low + 1) / bins]
        if inside:
            accuracy = sum(correct[i] for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - sum(confidence[i] for i in inside) / len(inside))
    return total


def test_calibration_errors_worked_out_by_hand():
    # Two bins: (0, 0.5] holds 0.3 and 0.5 with accuracy 1/2, (0.5, 1] holds 0.7 and 0.9 with accuracy 1.
    found = expected_calibration_error([0.3, 0.5, 0.7, 0.9], [False, True, True, True], bins=2)
    assert found == pytest.approx(0.5 * abs(0.5 - 0.4) + 0.5 * abs(1 - 0.8))
    assert expected_calibration_error([0.8, 0.6], [1, 0], bins=1) == pytest.approx(0.2)
    assert expected_calibration_error([1.0, 1.0], [0, 0]) == pytest.approx(1)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_a_plain_loop_says_the_same_of_every_row(bins):
    rng = np.random.default_rng(0)
    confidence, correct = rng.uniform(0.1, 1, (3, 4, 50)), rng.random((3, 4, 50)) < 0.7
    found = expected_calibration_error(confidence, correct, bins)
    assert found.shape == (3, 4)
    for row in np.ndindex(3, 4):
        assert found[row] == pytest.approx(plain_calibration_error(confidence[row], correct[row], bins))


def test_who_is_right_as_often_as_they_believe_has_no_error_and_else_the_gap():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.1, 0.9, 200_000)
    assert expected_calibration_error(confidence, rng.random(200_000) < confidence) < 0.01
    timid = expected_calibration_error(confidence, rng.random(200_000) < confidence + 0.1)
    assert timid == pytest.approx(0.1, abs=0.01)
