"""Sensitivity of similarity indices to what a representation can be used for (fact sheet of the stitching paper, E5).

A layer's representation is truncated to fewer and fewer directions; an index between it and the whole ought to fall
as the accuracy of a linear probe on it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from lib.data.loading import ImageData
from lib.models.low_rank import directions, ranks
from lib.stitching.index_specificity import INDICES, rank_correlation, unstitched
from lib.stitching.matchings import accuracy, direct_matching, residual, task_loss_matching
from lib.stitching.stitched_detection import Network


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


def truncations(network: Network, images: ImageData, generator: torch.Generator, *, epochs: int, learning_rate: float
                ) -> dict[str, Truncated]:
    """Every layer of a network at all its ranks: layer -> what is left.

    Directions, stitches (from the truncated layer into itself) and probes are those of the training images.
    """
    return {point: _layer(network, point, images, generator, epochs, learning_rate) for point in network.points}


def sensitivity(layers: Mapping[str, Truncated]) -> dict[str, float]:
    """Rank correlation of every index with the accuracy of the probe, over all ranks of all layers: index -> number."""
    probe = np.concatenate([layer.probe for layer in layers.values()])
    return {name: rank_correlation(np.concatenate([layer.likeness[name] for layer in layers.values()]), probe)
            for name in INDICES}


def probe_accuracy(train: torch.Tensor, train_labels: torch.Tensor, test: torch.Tensor, test_labels: torch.Tensor
                   ) -> float:
    """Share of test images that logistic regression on the mean over positions classifies rightly.

    Representations are [images, channels, rows, columns]; the penalty is scikit-learn's default.
    """
    pooled = [part.double().mean((2, 3)).numpy() for part in (train, test)]
    probe = LogisticRegression(max_iter=2000).fit(pooled[0], train_labels.numpy())
    return float(probe.score(pooled[1], test_labels.numpy()))


def _layer(network: Network, point: str, images: ImageData, generator: torch.Generator, epochs: int,
           learning_rate: float) -> Truncated:
    train, test, end = network.train[point], network.test[point], network.cut.end(point)
    main = directions(train)
    kept = ranks(train.shape[1])
    parts = [(main.truncated(train, rank), main.truncated(test, rank)) for rank in kept]
    trained = task_loss_matching([part.float() for part, _ in parts], end, train.shape[1:], images.train_labels,
                                 generator, epochs=epochs, learning_rate=learning_rate)
    rows = [_likeness(part, train, held_out, test, stitch, end, images.test_labels)
            for (part, held_out), stitch in zip(parts, trained)]
    probe = [probe_accuracy(part, images.train_labels, held_out, images.test_labels) for part, held_out in parts]
    return Truncated(kept, dict(zip(INDICES, np.array(rows).T)), np.array(probe))


@torch.no_grad()
def _likeness(part, train, held_out, test, trained, end, labels) -> tuple[float, ...]:
    """The INDICES between a truncated and the whole representation; `part` and `train` fit the direct stitch."""
    # Fitted in double precision: rounding would give the truncated representation further directions.
    fitted, low = direct_matching(part, train).float(), held_out.float()
    return (accuracy(trained, low, end, labels), accuracy(fitted, low, end, labels), 1 - residual(fitted(low), test),
            *unstitched(held_out, test))
