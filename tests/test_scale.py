"""Training sets within one another, networks that start alike under every setting, planted changes per doubling."""

import math

import numpy as np
import pytest
import torch

from lib.effects import scale
from lib.effects.paired import Measures
from lib.effects.scale import EPOCHS, IMAGES, Setting, effects, lines, similarity_factors, similarity_slopes, sizes
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
        for ours, theirs in zip(first.untrained_models(), other.untrained_models()):
            assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))
        for ours, theirs in zip(first.networks, other.networks):
            assert not all(map(torch.equal, ours.state.values(), theirs.state.values()))


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
