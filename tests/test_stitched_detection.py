"""Detection of stitched activations on small networks that were not trained, whose self-match is known."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import network

from lib.models.cut_networks import CutNetwork
from lib.stitching import stitched_detection as detection
from lib.stitching.index_specificity import (
    INDICES,
    distance_correlation,
    identification,
    likenesses,
    rank_correlation,
    specificity,
)
from lib.stitching.rank_sensitivity import probe_accuracy, sensitivity, truncations

STEP = 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def cut():
    return CutNetwork(network(family="resnet-large").requires_grad_(True))


@pytest.fixture(scope="module")
def images(digits):
    """Of the 4 classes that the small networks know."""
    return replace(digits, train_labels=digits.train_labels % 4, test_labels=digits.test_labels % 4)


@pytest.fixture(scope="module")
def one(cut, images):
    return detection.network(cut, detection.every(cut.points, STEP), images)


@pytest.fixture(scope="module")
def self_match(one, images):
    """A network stitched to itself."""
    before = copy.deepcopy(one.cut.pieces["logits"].state_dict())
    stitches = detection.stitches(one, one, images.train_labels, generator(), epochs=1, learning_rate=0.01)
    found = detection.detect(one, one, stitches, detection.detectors(one, images, generator(), 1), images, generator())
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


def test_all_is_filled_in_and_within_bounds(self_match):
    for detector in detection.DETECTORS:
        tables = [*self_match.auroc[detector].values(), *self_match.false_positives[detector].values(),
                  self_match.own[detector], *self_match.foreign[detector].values()]
        assert [table.shape for table in tables] == 4 * [(4, 4)] + 3 * [(4,)]
        assert all((0 <= table).all() and (table <= 1).all() for table in tables)
    assert set(self_match.foreign["energy"]) == set(detection.FOREIGN)


def test_detection_trains_nothing_of_the_network(one, self_match):
    assert not any(parameter.requires_grad or parameter.grad is not None
                   for piece in one.cut.pieces.values() for parameter in piece.parameters())


def test_every_index_but_an_accuracy_knows_a_network_as_itself(one, self_match):
    found = likenesses(one, one, self_match)
    assert tuple(found) == INDICES
    for name in INDICES[2:]:
        assert np.diagonal(found[name]) == pytest.approx(1, abs=1e-6)
        assert specificity(found)["identification"][name] == 1
    np.testing.assert_allclose(found["CKA"], found["CKA"].T, atol=1e-6)


def test_an_index_that_falls_with_the_distance_is_specific_and_its_opposite_the_reverse():
    away = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    assert distance_correlation(-away**2.0) == pytest.approx(1) and identification(1.0 - away) == 1
    assert distance_correlation(away) == pytest.approx(-1) and identification(away) == 0
    assert distance_correlation(np.ones((4, 4))) == 0 and identification(np.ones((4, 4))) == 0.5
    noise = 1 + 1e-13 * np.random.default_rng(0).normal(size=(4, 4))  # rounding is no order
    assert distance_correlation(noise) == 0 and identification(noise) == 0.5
    with pytest.raises(ValueError, match=r"^corresponding layers need a square matrix, not shape \[3, 4\]$"):
        identification(np.ones((3, 4)))


def test_rank_correlations_by_hand():
    assert rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0


@pytest.fixture(scope="module")
def cut_down(one, images):
    return truncations(one, images, generator(), epochs=1, learning_rate=0.01)


def test_nothing_is_lost_at_full_rank(one, images, cut_down):
    for point, found in cut_down.items():
        assert found.ranks[-1] == one.train[point].shape[1]
        for name in INDICES[2:]:
            assert found.likeness[name][-1] == pytest.approx(1, abs=1e-5)
        assert found.probe[-1] == probe_accuracy(one.train[point], images.train_labels, one.test[point],
                                                 images.test_labels)


def test_less_is_left_at_lower_ranks_except_for_canonical_correlations(cut_down):
    for found in cut_down.values():
        assert np.all(np.diff(found.likeness["Procrustes"]) > -1e-9)
        assert found.likeness["PWCCA"] == pytest.approx(1, abs=1e-9)
    assert sensitivity(cut_down)["PWCCA"] == 0


def test_the_probe_reads_the_mean_over_positions():
    labels = torch.arange(200) % 2
    x = torch.randn(200, 3, 2, 2, generator=generator())
    centred = x - x.mean((2, 3), keepdim=True)
    assert probe_accuracy(centred, labels, centred, labels) == pytest.approx(0.5, abs=0.1)
    centred[:, 1] += 2.0 * labels[:, None, None]
    assert probe_accuracy(centred, labels, centred, labels) == 1
