"""Low-rank representations against numpy's singular value decomposition, and what indices make of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import network

from lib.models.cut_networks import CutNetwork
from lib.stitching import detection
from lib.stitching.sensitivity import directions, ranks, sensitivity, truncations

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


def test_other_ranks_are_refused():
    with pytest.raises(ValueError, match="^rank must be a whole number of at least 1, not 0$"):
        directions(X).truncated(X, 0)
    with pytest.raises(ValueError, match="^rank must be at most 6, the number of channels, not 7$"):
        directions(X).truncated(X, 7)
    with pytest.raises(ValueError, match="^channels must be a whole number of at least 1, not 0$"):
        ranks(0)


@pytest.fixture(scope="module")
def images(digits):
    """Of the 4 classes that the small networks know."""
    return replace(digits, train_labels=digits.train_labels % 4, test_labels=digits.test_labels % 4)


@pytest.fixture(scope="module")
def one(images):
    cut = CutNetwork(network(family="resnet-large"))
    return detection.network(cut, detection.every(cut.points, 2), images)


def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def cut_down(one, images):
    return truncations(one, images, generator(), epochs=1, learning_rate=0.01)


def test_less_is_left_at_lower_ranks_except_for_canonical_correlations(cut_down):
    for found in cut_down.values():
        assert np.all(np.diff(found.likeness["Procrustes"]) > -1e-9)
        assert found.likeness["PWCCA"] == pytest.approx(1, abs=1e-9)
    assert sensitivity(cut_down)["PWCCA"] == 0
