"""Training sets within one another, networks that start alike under every setting, planted changes per doubling."""

import math

import numpy as np
import pytest
import torch
from small_networks import assert_start_alike_and_end_apart

from lib import data
from lib.effects import scale
from lib.effects.paired import Measures
from lib.effects.scale import (
    EPOCHS,
    IMAGES,
    Setting,
    doublings_to,
    effects,
    lines,
    similarity_factors,
    similarity_slopes,
    sizes,
    with_fewer,
)
from lib.runtime import tasks
from lib.similarity.paired_similarity import paired_similarities

FOUND = lines([600, 150, 300, 1200], [40, 5, 10, 20], 1200, 20)
SETTINGS = tuple(dict.fromkeys(setting for line in FOUND.values() for setting in line))


def test_lines_double_one_thing_and_share_a_setting():
    assert sizes(IMAGES, FOUND[IMAGES]) == [150, 300, 600, 1200] and sizes(EPOCHS, FOUND[EPOCHS]) == [5, 10, 20, 40]
    assert {setting.epochs for setting in FOUND[IMAGES]} == {20}
    assert {setting.n_train for setting in FOUND[EPOCHS]} == {1200}
    assert set(FOUND[IMAGES]) & set(FOUND[EPOCHS]) == {Setting(1200, 20)} and len(SETTINGS) == 7
    assert [setting.steps() for setting in FOUND[IMAGES]] == [40, 60, 100, 200]  # 128 a batch, the last what is left
    assert [setting.steps() for setting in FOUND[EPOCHS]] == [50, 100, 200, 400]


def rows(images):
    return {row.numpy().tobytes() for row in images.train_images}


@pytest.mark.parametrize("n_train", [None, 600])
def test_a_smaller_training_set_is_a_balanced_part_of_a_larger_one_and_the_test_images_stay(n_train):
    whole = data.load("digits", n_train=n_train, n_test=50)
    parts = [with_fewer(whole, count) for count in (40, 150, 300)] + [whole]
    for smaller, larger in zip(parts, parts[1:]):
        assert rows(smaller) < rows(larger)
        assert torch.equal(smaller.test_images, larger.test_images)
        assert torch.equal(smaller.test_labels, larger.test_labels)
    assert [len(part.train_labels) for part in parts[:3]] == [40, 150, 300]
    assert all(
        set(torch.bincount(part.train_labels).tolist()) == {count // 10} for part, count in zip(parts, (40, 150, 300))
    )


def test_all_images_are_the_images_themselves(digits):
    assert with_fewer(digits, len(digits.train_labels)) is digits
    with pytest.raises(ValueError, match="n_train for 'digits' must be a whole number from 10"):
        with_fewer(digits, 9)


def test_networks_of_a_seed_start_alike_under_every_setting_and_end_apart(digits, artifacts, inline, monkeypatch):
    monkeypatch.setattr(tasks, "local_executor", lambda *_: inline)
    found = scale.scaled_populations(digits, "cnn-small", [2], 3, lines([20, 60], [1, 2], 60, 1))
    assert [setting for *_, setting in found] == [Setting(20, 1), Setting(60, 1), Setting(60, 2)]
    for (family, width, setting), population in found.items():
        specification = population.specification
        assert (family, width) == ("cnn-small", 2) and [network.seed for network in population.networks] == [0, 1, 2]
        assert (specification.n_train, specification.epochs) == (setting.n_train, setting.epochs)
    first, *others = found.values()
    for other in others:
        assert_start_alike_and_end_apart(first, other)


def directions(rho, rng, seeds=8, images=100, dims=400):
    """Unit vectors with the expected cosine `rho` between networks: a common direction and one of a network's own."""
    own = rng.standard_normal((seeds, images, dims))
    own[..., 0] = 0
    own *= math.sqrt(1 - rho) / np.linalg.norm(own, axis=-1, keepdims=True)
    own[..., 0] = math.sqrt(rho)
    return own


def planted(rho, rng, hits=None):
    """Measures of populations with rho(k, k) as given, rows of [settings]; accuracy 0 unless given, loss 0."""
    groups = [[directions(value, rng) for value in row] for row in rho]
    zeros = [np.zeros((8, 100, len(SETTINGS)))] * len(groups)
    return Measures(SETTINGS, paired_similarities(groups, rng, 60), zeros, hits or zeros)


@pytest.fixture(scope="module")
def doubling():
    """Two widths: rho doubles with the images, 0.04 to 0.32 and 0.08 to 0.64; with the epochs it gains 0.05 each."""
    at = {setting: 0.04 * setting.n_train / 150 for setting in FOUND[IMAGES]}
    at |= {setting: 0.32 + 0.05 * (math.log2(setting.epochs / 20)) for setting in FOUND[EPOCHS]}
    first = np.array([at[setting] for setting in SETTINGS])
    second = np.where([setting.epochs == 20 for setting in SETTINGS], 2 * first, first + 0.32)
    return planted([first, second], np.random.default_rng(0))


def test_similarity_that_doubles_with_the_images_has_the_factor_two(doubling):
    estimate, low, high = similarity_factors(doubling, FOUND, IMAGES)
    assert estimate.shape == (3,) and estimate == pytest.approx([2] * 3, abs=0.06)
    assert (low < 2).all() and (2 < high).all() and (low > 1.7).all()
    assert estimate[2] == pytest.approx(math.sqrt(estimate[0] * estimate[1]))


def test_similarity_that_gains_as_much_with_every_doubling_of_the_epochs_has_that_slope(doubling):
    estimate, low, high = similarity_slopes(doubling, FOUND, EPOCHS)
    assert estimate == pytest.approx([0.05, 0.05], abs=0.01) and (low < 0.05).all() and (0.05 < high).all()
    found = effects(doubling, FOUND)
    assert found[EPOCHS]["similarity"][0] == pytest.approx(estimate.mean())
    images = np.mean(similarity_slopes(doubling, FOUND, IMAGES)[0])
    difference = found[f"{EPOCHS} − {IMAGES}"]["similarity"]
    assert difference[0] == pytest.approx(estimate.mean() - images) and difference[2] < 0


def test_accuracy_has_its_slope_along_both_lines():
    rng = np.random.default_rng(0)
    values = np.array(
        [0.1 * math.log2(setting.n_train / 150) + 0.02 * math.log2(setting.epochs / 20) for setting in SETTINGS]
    )
    hits = [np.tile(values, (8, 100, 1)) + 0.01 * rng.standard_normal((8, 100, 1))] * 2  # an offset changes no slope
    found = effects(planted(np.full((2, len(SETTINGS)), 0.2), rng, hits), FOUND)
    assert found[IMAGES]["test accuracy"][0] == pytest.approx(0.1)
    assert found[EPOCHS]["test accuracy"][0] == pytest.approx(0.02)


def test_a_similarity_that_is_not_positive_has_no_factor():
    measures = planted(np.full((2, len(SETTINGS)), 0.3), np.random.default_rng(0))
    measures.similarity[0].values.setflags(write=True)
    measures.similarity[0].values[0] = -0.01
    estimate, low, high = similarity_factors(measures, FOUND, IMAGES)
    assert np.isnan(estimate[[0, 2]]).all() and estimate[1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "start, target, factor, expected",
    [
        (0.1, 0.4, (2, math.sqrt(2), 4), (2, 1, 4)),  # the faster end comes there sooner
        (0.4, 0.1, (0.5, 0.25, math.sqrt(0.5)), (2, 1, 4)),
        (0.4, 0.1, (2, math.sqrt(2), 4), (-2, -4, -1)),  # leads away
        (0.3, 0.3, (2, 1.5, 3), (0, 0, 0)),
        (0.1, 0.4, (1.2, 0.9, 1.6), None),
        (0.1, 0.4, (math.nan,) * 3, None),
        (0.1, 0.4, (1.2, 1, 1.6), None),
    ],
)
def test_doublings_to_a_target(start, target, factor, expected):
    found = doublings_to(target, start, factor)
    assert found is None if expected is None else found == pytest.approx(expected)
