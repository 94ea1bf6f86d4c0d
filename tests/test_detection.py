"""Detection of stitched activations on small networks that were not trained, whose self-match is known."""

import copy

import numpy as np
import pytest
import torch
from small_networks import network

from lib.models.cut_networks import CutNetwork
from lib.stitching import detection
from lib.stitching.detection import INDICES, likenesses
from lib.stitching.identification import specificity

STEP = 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def cut():
    return CutNetwork(network(family="resnet-large").requires_grad_(True))


@pytest.fixture(scope="module")
def one(cut, four_classes):
    return detection.network(cut, detection.every(cut.points, STEP), four_classes)


@pytest.fixture(scope="module")
def self_match(one, four_classes):
    """A network stitched to itself."""
    before = copy.deepcopy(one.cut.pieces["logits"].state_dict())
    stitches = detection.stitches(one, one, four_classes.train_labels, generator(), epochs=1, learning_rate=0.01)
    found = detection.detect(
        one, one, stitches, detection.detectors(one, four_classes, generator(), 1), four_classes, generator()
    )
    for name, value in one.cut.pieces["logits"].state_dict().items():
        assert torch.equal(value, before[name])
    return found


def test_the_last_of_every_few_layers_is_chosen():
    assert detection.every("abcdefgh", 2) == ("b", "d", "f", "h") and detection.every("abc", 1) == ("a", "b", "c")
    with pytest.raises(ValueError, match="^must leave at least 3 of the 8 layers to stitch at, and 3 leaves 2$"):
        detection.every("abcdefgh", 3)


def test_no_network_is_in_two_pairs():
    assert detection.disjoint_pairs(7) == [(0, 1), (2, 3), (4, 5)]
    with pytest.raises(ValueError, match="^intervals over pairs need at least 3 pairs, 6 networks, not 5 networks$"):
        detection.disjoint_pairs(5)


def test_direct_matching_of_a_network_with_itself_cannot_be_told(self_match):
    assert np.diagonal(self_match.residual["direct"]) == pytest.approx(0, abs=1e-6)
    for detector in detection.DETECTORS:
        assert np.diagonal(self_match.auroc[detector]["direct"]) == pytest.approx(0.5, abs=0.01)
        assert np.diagonal(self_match.false_positives[detector]["direct"]) == pytest.approx(0.95, abs=0.1)


def test_detection_trains_nothing_of_the_network(one, self_match):
    assert not any(
        parameter.requires_grad or parameter.grad is not None
        for piece in one.cut.pieces.values()
        for parameter in piece.parameters()
    )


def test_every_index_but_an_accuracy_knows_a_network_as_itself(one, self_match):
    found = likenesses(one, one, self_match)
    assert tuple(found) == INDICES
    for name in INDICES[2:]:
        assert np.diagonal(found[name]) == pytest.approx(1, abs=1e-6)
        assert specificity(found)["identification"][name] == 1
    np.testing.assert_allclose(found["CKA"], found["CKA"].T, atol=1e-6)
