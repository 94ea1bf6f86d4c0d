"""What two networks do alike, against scikit-learn, plain loops and cases that are known."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from small_networks import network, random_images

from lib.attacks.one_step import fgsm, true_class_scores
from lib.salience import input_gradients
from lib.views import outcomes

IMAGES, LABELS = random_images(16)
NETWORKS = [network(seed, "resnet-small") for seed in range(3)]


def test_error_consistency_is_cohen_s_kappa_of_being_right():
    right = np.random.default_rng(0).random((4, 200)) < np.array([0.6, 0.7, 0.9, 0.95])[:, None]
    found = outcomes.error_consistency(right)
    for i in range(4):
        for j in range(4):
            assert found[i, j] == pytest.approx(cohen_kappa_score(right[i], right[j]))


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
