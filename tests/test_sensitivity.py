"""Low-rank representations against numpy's singular value decomposition, and what indices make of them."""

import numpy as np
import pytest
import torch
from small_networks import network

from lib.models.cut_networks import CutNetwork
from lib.stitching import detection, direct_match, residual
from lib.stitching.detection import INDICES
from lib.stitching.sensitivity import directions, probe_accuracy, ranks, sensitivity, truncations

X = torch.randn(9, 6, 3, 2, generator=torch.Generator().manual_seed(3)) + torch.arange(6.0)[:, None, None]


def rows(x):
    return x.movedim(1, -1).flatten(0, 2).double().numpy()


@pytest.mark.parametrize("rank", [1, 2, 4, 6])
def test_a_truncation_is_the_best_of_its_rank(rank):
    mean = rows(X).mean(0)
    left, values, right = np.linalg.svd(rows(X) - mean, full_matrices=False)
    found = directions(X).truncated(X, rank)
    assert found.shape == X.shape and found.dtype == torch.float64
    np.testing.assert_allclose(rows(found), (left[:, :rank] * values[:rank]) @ right[:rank] + mean, atol=1e-10)
    assert np.linalg.matrix_rank(rows(found) - mean, tol=1e-9) == rank
    np.testing.assert_allclose(directions(X).values, values, rtol=1e-9)


def test_the_full_rank_is_the_representation():
    torch.testing.assert_close(directions(X).truncated(X, 6), X.double(), atol=1e-12, rtol=0)


def test_directions_of_one_set_of_images_project_others():
    found = directions(X)
    others = torch.randn(4, 6, 2, 2)
    once = found.truncated(others, 2)
    torch.testing.assert_close(found.truncated(once, 2), once)
    assert np.linalg.matrix_rank(rows(once) - found.mean.numpy(), tol=1e-9) == 2


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_direct_matching_can_give_back_no_more_than_was_kept(rank):
    found = directions(X)
    part = found.truncated(X, rank)
    lost = found.values[rank:].square().sum() / X.double().square().sum()
    assert residual(direct_match(part, X)(part).detach(), X) == pytest.approx(float(lost), rel=1e-6)


def test_ranks_are_powers_of_two_up_to_all_channels():
    assert ranks(1) == [1] and ranks(8) == [1, 2, 4, 8] and ranks(12) == [1, 2, 4, 8, 12]


def test_other_ranks_are_refused():
    with pytest.raises(ValueError, match="^rank must be a whole number of at least 1, not 0$"):
        directions(X).truncated(X, 0)
    with pytest.raises(ValueError, match="^rank must be at most 6, the number of channels, not 7$"):
        directions(X).truncated(X, 7)
    with pytest.raises(ValueError, match="^channels must be a whole number of at least 1, not 0$"):
        ranks(0)


@pytest.fixture(scope="module")
def one(four_classes):
    cut = CutNetwork(network(family="resnet-large"))
    return detection.network(cut, detection.every(cut.points, 2), four_classes)


def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def cut_down(one, four_classes):
    return truncations(one, four_classes, generator(), epochs=1, learning_rate=0.01)


def test_nothing_is_lost_at_full_rank(one, four_classes, cut_down):
    for point, found in cut_down.items():
        assert found.ranks[-1] == one.train[point].shape[1]
        for name in INDICES[2:]:
            assert found.likeness[name][-1] == pytest.approx(1, abs=1e-5)
        assert found.probe[-1] == probe_accuracy(
            one.train[point], four_classes.train_labels, one.test[point], four_classes.test_labels
        )


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
