"""Low-rank representations against numpy's singular value decomposition."""

import numpy as np
import pytest
import torch

from lib.models.low_rank import directions, ranks
from lib.stitching import direct_matching, residual

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
    assert residual(direct_matching(part, X)(part).detach(), X) == pytest.approx(float(lost), rel=1e-6)


def test_ranks_are_powers_of_two_up_to_all_channels():
    assert ranks(1) == [1] and ranks(8) == [1, 2, 4, 8] and ranks(12) == [1, 2, 4, 8, 12]


def test_other_ranks_are_refused():
    with pytest.raises(ValueError, match="^rank must be a whole number of at least 1, not 0$"):
        directions(X).truncated(X, 0)
    with pytest.raises(ValueError, match="^rank must be at most 6, the number of channels, not 7$"):
        directions(X).truncated(X, 7)
    with pytest.raises(ValueError, match="^channels must be a whole number of at least 1, not 0$"):
        ranks(0)
