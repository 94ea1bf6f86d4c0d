"""Sensitivity of similarity indices to what a representation can be used for (Balogh and Jelasity, AAAI 2025).

A layer's representation is truncated to fewer and fewer directions; an index between it and the whole ought to fall
as the accuracy of a linear probe on it does.  Every position is a sample and channels are features: the mean is taken
off, what lies along the largest singular vectors is kept, and the mean is put back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from lib.data.loading import ImageData
from lib.runtime.checks import check_count
from lib.stitching.detection import INDICES, Network, unstitched
from lib.stitching.identification import rank_correlation
from lib.stitching.matchings import accuracy, direct_match, residual
from lib.stitching.task_loss import match_task_loss


@dataclass(frozen=True, eq=False)
class Directions:
    """The right singular vectors of a representation, of the largest singular value first.

    Attributes:
        mean: [channels] float64.
        vectors: [channels, channels] float64, a direction a row.
        values: [channels] float64, the singular values.
    """

    mean: torch.Tensor
    vectors: torch.Tensor
    values: torch.Tensor

    def truncated(self, x: torch.Tensor, rank: int) -> torch.Tensor:
        """[images, channels, rows, columns] with what lies along the first `rank` directions alone, float64.

        Raises:
            ValueError: a rank that is no whole number from 1 to the number of channels.
        """
        check_count("rank", rank)
        if rank > len(self.mean):
            raise ValueError(f"rank must be at most {len(self.mean)}, the number of channels, not {rank}")
        kept = self.vectors[:rank]
        return ((x.movedim(1, -1).double() - self.mean) @ kept.T @ kept + self.mean).movedim(-1, 1)


def directions(x: torch.Tensor) -> Directions:
    """The directions of a representation [images, channels, rows, columns]."""
    rows = x.movedim(1, -1).flatten(0, -2).double()
    mean = rows.mean(0)
    # By the scatter matrix [channels, channels]: a singular value decomposition of all positions costs far more.
    squares, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean))
    return Directions(mean, vectors.T.flip(0), squares.clamp(min=0).sqrt().flip(0))


def ranks(channels: int) -> list[int]:
    """Powers of two below the number of channels, and that number: 1, 2, 4, ..., channels."""
    check_count("channels", channels)
    return [2**power for power in range((channels - 1).bit_length())] + [channels]


@dataclass(frozen=True, eq=False)
class Truncated:
    """One layer at several ranks.

    Attributes:
        ranks: [ranks], rising; the last one is the number of channels.
        likeness: index -> [ranks], between the truncated and the whole representation of the test images.
        probe: [ranks], test accuracy of a linear probe on the truncated one.
    """

    ranks: list[int]
    likeness: Mapping[str, np.ndarray]
    probe: np.ndarray


def truncations(
    network: Network, images: ImageData, generator: torch.Generator, **training: float
) -> dict[str, Truncated]:
    """Every layer of a network at all its ranks: layer -> what is left.

    Directions, stitches (from the truncated layer into itself) and probes are those of the training images.

    training: keywords of `lib.stitching.task_loss.match_task_loss`.
    """
    return {point: _layer(network, point, images, generator, training) for point in network.points}


def sensitivity(layers: Mapping[str, Truncated]) -> dict[str, float]:
    """Rank correlation of every index with the accuracy of the probe, over all ranks of all layers: index -> number."""
    probe = np.concatenate([layer.probe for layer in layers.values()])
    return {
        name: rank_correlation(np.concatenate([layer.likeness[name] for layer in layers.values()]), probe)
        for name in INDICES
    }


def probe_accuracy(train: torch.Tensor, labels: torch.Tensor, test: torch.Tensor, test_labels: torch.Tensor) -> float:
    """Test accuracy of logistic regression, with its default penalty, on the mean over positions of [n, C, H, W]."""
    pooled = [part.double().mean((2, 3)).numpy() for part in (train, test)]
    probe = LogisticRegression(max_iter=2000).fit(pooled[0], labels.numpy())
    return float(probe.score(pooled[1], test_labels.numpy()))


def _layer(
    network: Network, point: str, images: ImageData, generator: torch.Generator, training: Mapping[str, Any]
) -> Truncated:
    labels = images.train_labels
    train, test, end = network.train[point], network.test[point], network.cut.end(point)
    main = directions(train)
    kept = ranks(train.shape[1])
    parts = [(main.truncated(train, rank), main.truncated(test, rank)) for rank in kept]
    sources = [part.float() for part, _ in parts]
    trained = match_task_loss(sources, end, train.shape[1:], labels, generator, **training)
    rows = [
        _likeness(part, train, held_out, test, stitch, end, images.test_labels)
        for (part, held_out), stitch in zip(parts, trained)
    ]
    probe = [probe_accuracy(part, labels, held_out, images.test_labels) for part, held_out in parts]
    return Truncated(kept, dict(zip(INDICES, np.array(rows).T)), np.array(probe))


@torch.no_grad()
def _likeness(part, train, held_out, test, trained, end, labels) -> tuple[float, ...]:
    """The INDICES between a truncated and the whole representation; `part` and `train` fit the direct stitch."""
    # Fitted in double precision: rounding would give the truncated representation further directions.
    fitted, low = direct_match(part, train).float(), held_out.float()
    right = [accuracy(stitch, low, end, labels) for stitch in (trained, fitted)]
    return (*right, 1 - residual(fitted(low), test), *unstitched(held_out, test))
