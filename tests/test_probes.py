"""Probes are logistic regressions on all features; a deleted block hands its input on; the network stays frozen."""

import copy

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from small_networks import fingerprint, random_images
from small_networks import network as small_network

from lib import models
from lib.cka import probes
from lib.cka.probes import (
    PENALTY,
    accuracy,
    deletable,
    deletion_accuracies,
    probe_accuracies,
    probe_accuracy,
    residual_points,
    span_coordinates,
    stages,
)
from lib.models.representations import representation
from lib.salience.extraction import logits

IMAGES, LABELS = random_images(40, seed=1)
NAMES = [f"stage{stage}.{block}" for stage in (1, 2, 3) for block in range(3)]


def clusters(features, images=120, noise=1.0, classes=4, seed=0):
    """Training and test rows around a random centre a class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(2 * images) % classes
    rows = rng.standard_normal((classes, features))[labels] + noise * rng.standard_normal((2 * images, features))
    rows = torch.as_tensor(rows * np.linspace(0.2, 2, features))
    return rows[:images], labels[:images], rows[images:], labels[images:]


@pytest.fixture
def resnet14():
    """ResNet-14 on digits, untrained."""
    model = models.build("resnet-14", 1, in_channels=1, image_size=8)
    return models.initialise(model, torch.Generator().manual_seed(0)).eval()


@pytest.mark.parametrize("features", [5, 300])
def test_separable_features_are_read_perfectly(features):
    assert probe_accuracy(*clusters(features, noise=0.02)) == 1


@pytest.mark.parametrize("features, noise", [(6, 1.0), (6, 2.0), (40, 2.5), (400, 5.0)])
def test_a_probe_is_scikit_learn_s_logistic_regression_of_all_features(features, noise):
    train, labels, test, test_labels = clusters(features, noise=noise)
    scale = (train - train.mean(0)).square().sum(1).mean().sqrt()
    direct = LogisticRegression(C=1 / (PENALTY * len(train)), tol=1e-9, max_iter=100_000).fit(train / scale, labels)
    expected = direct.score(test / scale, test_labels)
    assert 0.3 < expected < 0.99
    assert probe_accuracy(train, labels, test, test_labels) == pytest.approx(expected, abs=1e-9)


def test_shift_rotation_and_scale_of_the_features_change_nothing():
    train, labels, test, test_labels = clusters(20, noise=2)
    rotation = torch.linalg.qr(torch.randn(20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    moved = [37 * part @ rotation + 5 for part in (train, test)]
    assert probe_accuracy(moved[0], labels, moved[1], test_labels) == probe_accuracy(train, labels, test, test_labels)


def test_the_weight_that_a_feature_has_matters():
    train, labels, test, test_labels = clusters(300, noise=4)
    weights = torch.logspace(-4, 0, 300)
    assert probe_accuracy(train * weights, labels, test * weights, test_labels) != probe_accuracy(
        train, labels, test, test_labels
    )


def test_features_that_know_nothing_of_the_classes_are_at_chance():
    rng = np.random.default_rng(0)
    train, test = torch.as_tensor(rng.standard_normal((2, 1000, 30)))
    labels = rng.integers(0, 4, (2, 1000))
    assert abs(probe_accuracy(train, labels[0], test, labels[1]) - 0.25) < 4 * (0.25 * 0.75 / 1000) ** 0.5


def test_the_same_features_for_all_images_give_one_answer_to_all():
    labels = np.array([0, 1, 1, 2] * 5)
    assert probe_accuracy(torch.ones(20, 9), labels, torch.ones(20, 9), labels) == 0.5


@pytest.mark.parametrize("features", [5, 60])
def test_coordinates_have_the_inner_products_of_the_centred_rows(features):
    train, _, test, _ = clusters(features, images=30)
    coordinates, test_coordinates = span_coordinates(train, test)
    centred = (train - train.mean(0)).numpy()
    assert coordinates.shape[1] == np.linalg.matrix_rank(centred) == min(features, 29)
    scale = (centred**2).sum() / 30
    np.testing.assert_allclose(coordinates @ coordinates.T, centred @ centred.T / scale, atol=1e-9)
    np.testing.assert_allclose(
        test_coordinates @ coordinates.T, (test - train.mean(0)).numpy() @ centred.T / scale, atol=1e-9
    )


def test_the_points_are_the_stem_and_both_sides_of_every_addition(resnet14):
    after, before = residual_points(resnet14)
    assert after == ("stem", *(f"stage{stage}.{block}.add" for stage in (1, 2, 3) for block in (0, 1)))
    assert before == tuple(f"stage{stage}.{block}.bn2" for stage in (1, 2, 3) for block in (0, 1))


@pytest.mark.parametrize("pool", [1, 2, 3, 100])
def test_a_probe_sees_the_flattened_activations_of_its_layer(resnet14, digits, pool):
    points = ["stem", "stage2.1.add", "stage3.0.bn2"]
    found = probe_accuracies(resnet14, digits, points, pool=pool)
    for point, value in zip(points, found):
        side = {"stem": 8, "stage2.1.add": 4, "stage3.0.bn2": 2}[point]
        train, test = (
            torch.as_tensor(representation(resnet14, part, [point])[point]).unflatten(1, (-1, side, side))
            for part in (digits.train_images, digits.test_images)
        )
        rows = [
            torch.stack(
                [
                    part[..., y : y + pool, x : x + pool].amax((-2, -1))
                    for y in range(0, side, pool)
                    for x in range(0, side, pool)
                ],
                -1,
            ).flatten(1)
            for part in (train, test)
        ]
        assert value == probe_accuracy(rows[0], digits.train_labels.numpy(), rows[1], digits.test_labels.numpy())


def test_little_memory_changes_nothing(resnet14, digits, monkeypatch):
    points, groups, original = [*residual_points(resnet14)[0]], [], probes.within_memory

    def watched(sizes, memory):
        groups.extend(original(sizes, memory))
        return groups

    whole = probe_accuracies(resnet14, digits, points)
    monkeypatch.setattr(probes, "MEMORY", 700_000)  # two points of stage 1 together need more
    monkeypatch.setattr(probes, "within_memory", watched)
    np.testing.assert_array_equal(probe_accuracies(resnet14, digits, points), whole)
    assert 1 < len(groups) < len(points) and sum(groups, []) == points


def test_the_network_stays_frozen(resnet14, digits):
    before = fingerprint(resnet14)
    resnet14.train()
    probe_accuracies(resnet14, digits, ["stem", "stage1.0.add"])
    assert (
        fingerprint(resnet14) == before
        and resnet14.training
        and all(weight.grad is None for weight in resnet14.parameters())
    )
    assert not any(module._forward_hooks for module in resnet14.modules())


def test_a_branch_that_adds_nothing_gains_nothing(resnet14, digits):
    torch.nn.init.zeros_(resnet14.stage1[1].bn2.weight)
    torch.nn.init.zeros_(resnet14.stage1[1].bn2.bias)
    before, after, branch = probe_accuracies(resnet14, digits, ["stage1.0.relu2", "stage1.1.add", "stage1.1.bn2"])
    assert after == before > branch
    assert branch <= np.bincount(digits.test_labels).max() / len(digits.test_labels)


def test_what_cannot_be_probed_is_refused_in_a_sentence(resnet14, digits):
    with pytest.raises(ValueError, match="^a probe needs training images of at least 2 classes$"):
        probe_accuracy(torch.eye(3), np.zeros(3), torch.eye(3), np.zeros(3))
    with pytest.raises(ValueError, match="pool must be a whole number of at least 1, not 0"):
        probe_accuracies(resnet14, digits, ["stem"], pool=0)
    with pytest.raises(ValueError, match="no layer 'stage1.7.add'"):
        probe_accuracies(resnet14, digits, ["stage1.7.add"])


@pytest.fixture
def resnet():
    return small_network(family="resnet-20")


def bypassed(model, names):
    """The slow twin: hooks in a copy that put a block's input in the place of its output."""
    twin = copy.deepcopy(model)
    for name in names:
        twin.get_submodule(name).register_forward_hook(lambda module, inputs, output: inputs[0])
    return twin


def test_blocks_are_found_stage_by_stage_and_the_first_of_stages_2_and_3_must_stay(resnet):
    assert stages(resnet) == [NAMES[:3], NAMES[3:6], NAMES[6:]]
    assert deletable(resnet) == [name for name in NAMES if name not in ("stage2.0", "stage3.0")]
    pixel = models.build("resnet-20", 2, image_size=1)  # nothing is halved there, but channels still double
    assert deletable(pixel) == deletable(resnet)


@pytest.mark.parametrize("name", ["stage1.2", "stage2.2", "stage3.2"])
def test_a_last_block_whose_branch_is_zero_is_not_missed(resnet, name):
    block = resnet.get_submodule(name)
    torch.nn.init.zeros_(block.bn2.weight)
    torch.nn.init.zeros_(block.bn2.bias)
    assert deletion_accuracies(resnet, IMAGES, LABELS)[NAMES.index(name)] == accuracy(resnet, IMAGES, LABELS)


def test_the_network_itself_stays_as_it_was(resnet):
    before, modules = fingerprint(resnet), list(map(id, resnet.modules()))
    deletion_accuracies(resnet.train(), IMAGES, LABELS)
    assert fingerprint(resnet) == before and list(map(id, resnet.modules())) == modules and resnet.training


@pytest.mark.parametrize("batch_size", [7, 256])
def test_accuracies_are_those_without_a_block_and_all_behind_it_in_its_stage(resnet, batch_size):
    said = logits(bypassed(resnet, NAMES[1:3]), IMAGES).argmax(1)  # so that not all networks are as wrong
    found = deletion_accuracies(resnet, IMAGES, said, batch_size=batch_size)
    assert np.isnan(found).tolist() == [name in ("stage2.0", "stage3.0") for name in NAMES]
    for place in np.flatnonzero(np.isfinite(found)):
        stage = place // 3
        shortened = bypassed(resnet, NAMES[place : 3 * stage + 3])
        assert found[place] == pytest.approx(accuracy(shortened, IMAGES, said), abs=1e-6)
    assert found[1] == 1 and np.nanmin(found) < 1


def test_accuracy_is_the_share_that_is_right(resnet):
    said = logits(resnet, IMAGES).argmax(1)
    assert accuracy(resnet, IMAGES, said) == 1 and accuracy(resnet, IMAGES, (said + 1) % 4) == 0
    half = torch.where(torch.arange(40) < 10, said, (said + 1) % 4)
    assert accuracy(resnet, IMAGES, half) == 0.25


@pytest.mark.parametrize("family, kind", [("plain-20", "CifarResNet"), ("cnn-small", "CNN")])
def test_a_network_without_residual_connections_is_refused_in_a_sentence(family, kind):
    model = models.build(family, 2)
    for call in (deletable, residual_points, lambda model: deletion_accuracies(model, IMAGES, LABELS)):
        with pytest.raises(ValueError, match=f"^{kind} has no residual connections: no addition to probe before and"):
            call(model)
