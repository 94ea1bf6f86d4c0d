"""Probes are logistic regressions on all features, the network stays frozen, and what is planted is found."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from lib import models
from lib.cka import linear_probes
from lib.cka.linear_probes import PENALTY, probe_accuracies, probe_accuracy, residual_points, span_coordinates
from lib.models.representations import representation


def clusters(features, images=120, noise=1.0, classes=4, seed=0):
    """Training and test rows around a random centre a class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(2 * images) % classes
    rows = rng.standard_normal((classes, features))[labels] + noise * rng.standard_normal((2 * images, features))
    rows = torch.as_tensor(rows * np.linspace(0.2, 2, features))
    return rows[:images], labels[:images], rows[images:], labels[images:]


@pytest.fixture
def network():
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
    assert probe_accuracy(train * weights, labels, test * weights, test_labels) != probe_accuracy(train, labels, test,
                                                                                                  test_labels)


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
    np.testing.assert_allclose(test_coordinates @ coordinates.T,
                               (test - train.mean(0)).numpy() @ centred.T / scale, atol=1e-9)


def test_the_points_are_the_stem_and_both_sides_of_every_addition(network):
    after, before = residual_points(network)
    assert after == ("stem", *(f"stage{stage}.{block}.add" for stage in (1, 2, 3) for block in (0, 1)))
    assert before == tuple(f"stage{stage}.{block}.bn2" for stage in (1, 2, 3) for block in (0, 1))


@pytest.mark.parametrize("pool", [1, 2, 3, 100])
def test_a_probe_sees_the_flattened_activations_of_its_layer(network, digits, pool):
    points = ["stem", "stage2.1.add", "stage3.0.bn2"]
    found = probe_accuracies(network, digits, points, pool=pool)
    for point, value in zip(points, found):
        side = {"stem": 8, "stage2.1.add": 4, "stage3.0.bn2": 2}[point]
        train, test = (torch.as_tensor(representation(network, part, [point])[point]).unflatten(1, (-1, side, side))
                       for part in (digits.train_images, digits.test_images))
        rows = [torch.stack([part[..., y:y + pool, x:x + pool].amax((-2, -1)) for y in range(0, side, pool)
                             for x in range(0, side, pool)], -1).flatten(1) for part in (train, test)]
        assert value == probe_accuracy(rows[0], digits.train_labels.numpy(), rows[1], digits.test_labels.numpy())


def test_little_memory_changes_nothing(network, digits, monkeypatch):
    points = [*residual_points(network)[0]]
    whole = probe_accuracies(network, digits, points)
    monkeypatch.setattr(linear_probes, "MEMORY", 700_000)  # two points of stage 1 together need more
    groups = list(linear_probes._groups(network, digits, points, 1))
    assert 1 < len(groups) < len(points) and sum(groups, []) == points
    np.testing.assert_array_equal(probe_accuracies(network, digits, points), whole)


def test_the_network_stays_frozen(network, digits):
    def digest():
        return hashlib.sha256(b"".join(value.numpy().tobytes() for value in network.state_dict().values())).hexdigest()
    before = digest()
    network.train()
    probe_accuracies(network, digits, ["stem", "stage1.0.add"])
    assert digest() == before and network.training and all(weight.grad is None for weight in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_branch_that_adds_nothing_gains_nothing(network, digits):
    torch.nn.init.zeros_(network.stage1[1].bn2.weight)
    torch.nn.init.zeros_(network.stage1[1].bn2.bias)
    before, after, branch = probe_accuracies(network, digits, ["stage1.0.relu2", "stage1.1.add", "stage1.1.bn2"])
    assert after == before > branch
    assert branch <= np.bincount(digits.test_labels).max() / len(digits.test_labels)


def test_what_cannot_be_probed_is_refused_in_a_sentence(network, digits):
    plain = models.build("plain-14", 1, in_channels=1, image_size=8)
    with pytest.raises(ValueError, match="^CifarResNet has no residual additions to probe before and after$"):
        residual_points(plain)
    with pytest.raises(ValueError, match="^CNN has no residual additions"):
        residual_points(models.build("cnn-small", 1))
    with pytest.raises(ValueError, match="^a probe needs training images of at least 2 classes$"):
        probe_accuracy(torch.eye(3), np.zeros(3), torch.eye(3), np.zeros(3))
    with pytest.raises(ValueError, match="pool must be a whole number of at least 1, not 0"):
        probe_accuracies(network, digits, ["stem"], pool=0)
    with pytest.raises(ValueError, match="no layer 'stage1.7.add'"):
        probe_accuracies(network, digits, ["stage1.7.add"])
