"""What two networks do alike, against scikit-learn, plain loops and cases that are known."""

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from small_networks import network, random_images

from lib.attacks.one_step import decay_ratio, fgsm, true_class_scores
from lib.salience import input_gradients
from lib.views import outcomes

IMAGES, LABELS = random_images(16)
NETWORKS = [network(seed, "resnet-small") for seed in range(3)]


def test_agreement_is_the_share_of_equal_classes():
    predicted = np.array([[0, 1, 2, 3], [0, 1, 1, 3], [1, 0, 1, 2]])
    np.testing.assert_allclose(outcomes.agreement(predicted), [[1, 0.75, 0], [0.75, 1, 0.25], [0, 0.25, 1]])


def test_error_consistency_is_cohen_s_kappa_of_being_right():
    right = np.random.default_rng(0).random((4, 200)) < np.array([0.6, 0.7, 0.9, 0.95])[:, None]
    found = outcomes.error_consistency(right)
    for i in range(4):
        for j in range(4):
            assert found[i, j] == pytest.approx(cohen_kappa_score(right[i], right[j]))


def test_independent_errors_are_consistent_by_chance_alone_whatever_the_accuracies():
    right = np.random.default_rng(1).random((20, 20000)) < np.linspace(0.5, 0.97, 20)[:, None]
    found = outcomes.error_consistency(right)[np.triu_indices(20, 1)]
    assert abs(found.mean()) < 0.003 and abs(found).max() < 0.04
    assert outcomes.agreement(right)[np.triu_indices(20, 1)].max() > 0.9


def test_networks_without_errors_have_none_in_common():
    right = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    found = outcomes.error_consistency(right)
    np.testing.assert_allclose(found[[0, 0, 0, 3], [1, 2, 3, 3]], 0)
    assert found[1, 1] == 1


def test_transfer_is_a_plain_loop_over_sources_and_targets():
    found = outcomes.transfer(NETWORKS, IMAGES, LABELS, 0.25)
    for i, source in enumerate(NETWORKS):
        attacked = fgsm(IMAGES, input_gradients(source, IMAGES, LABELS, output="probability"), eps=0.25)
        for j, target in enumerate(NETWORKS):
            before, after = (
                np.exp(true_class_scores(target, shown, LABELS).log_probability) for shown in (IMAGES, attacked)
            )
            assert found[i, j] == pytest.approx(1 - after.sum() / before.sum(), abs=1e-5)
    np.testing.assert_allclose(outcomes.weakness(NETWORKS, IMAGES, LABELS, 0.25), np.diagonal(found), atol=1e-6)
    assert (np.diagonal(found) > 0).all()  # the network's own gradient lowers its probability


def test_of_one_image_transfer_is_one_less_the_decay_ratio():
    image, label = IMAGES[:1], LABELS[:1]
    attacked = fgsm(image, input_gradients(NETWORKS[0], image, label, output="probability"), eps=0.1)
    found = outcomes.transfer(NETWORKS[:2], image, label, 0.1)
    assert found[0, 1] == pytest.approx(1 - decay_ratio(NETWORKS[1], image, attacked, label), abs=1e-5)


def test_no_step_takes_nothing_and_networks_are_left_as_they_were():
    before = [parameter.clone() for model in NETWORKS for parameter in model.state_dict().values()]
    np.testing.assert_allclose(outcomes.transfer(NETWORKS, IMAGES, LABELS, 0.0), 0, atol=1e-6)
    after = [parameter for model in NETWORKS for parameter in model.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after))
