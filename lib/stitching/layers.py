"""How alike every layer of one network is to every layer of another: by both matchings and by similarity indices.

One network is the front, its layers the sources i; the other is the end, its layers the targets j.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.cka.estimators import MinibatchCKA
from lib.models.folding import folded
from lib.stitching.matchings import direct_match, hits, residual
from lib.stitching.similarity_indices import CKA, SIMILARITY_INDICES
from lib.stitching.task_loss import match_task_loss

TASK_LOSS, DIRECT, RESIDUAL = "task loss matching, accuracy", "direct matching, accuracy", "direct matching, residual"
MEASURES = (TASK_LOSS, DIRECT, RESIDUAL, *SIMILARITY_INDICES)
DISTANCES = (RESIDUAL, *(name for name, index in SIMILARITY_INDICES.items() if index.furthest is not None))


@dataclass(frozen=True)
class Matching:
    """How maps are matched.

    Attributes:
        fit_images: for direct matching; `fit_counts`: other numbers, for comparison.
        epochs, learning_rate: of task loss matching; `compared_epochs`: other moments of a training, for comparison.
    """

    fit_images: int = 100
    fit_counts: tuple[int, ...] = ()
    epochs: int = 30
    learning_rate: float = 1e-3
    compared_epochs: tuple[int, ...] = ()


class Layer(NamedTuple):
    """What a layer makes of the training and of the test images, [images, channels, rows, columns] each; or the labels."""

    train: torch.Tensor
    test: torch.Tensor


@dataclass(frozen=True, eq=False)
class LayerScores:
    """Scores of a front's layers against an end's.

    Attributes:
        task_loss_hits: [sources, targets, images] bool, which test images the stitched network classifies rightly.
        task_loss_residual: [sources, targets], residual (`lib.stitching.matchings.residual`) of these maps on the test images.
        hits_by_epochs: [sources, targets, images, compared epochs] bool, after other numbers of epochs.
        direct_hits, direct_residual: the same for direct matching.
        residual_by_count: [sources, targets, fit counts], for other numbers of images to fit.
        indices: name -> [sources, targets], the similarity indices on the test images.
        own_hits: [images], which the end network classifies rightly by itself.
    """

    task_loss_hits: np.ndarray
    task_loss_residual: np.ndarray
    hits_by_epochs: np.ndarray
    direct_hits: np.ndarray
    direct_residual: np.ndarray
    residual_by_count: np.ndarray
    indices: dict[str, np.ndarray]
    own_hits: np.ndarray

    @cached_property
    def measures(self) -> dict[str, np.ndarray]:
        """MEASURES as they are, [sources, targets] each, by name."""
        accuracies = {TASK_LOSS: self.task_loss_hits.mean(-1), DIRECT: self.direct_hits.mean(-1)}
        return accuracies | {RESIDUAL: self.direct_residual} | self.indices

    def likeness(self, name: str) -> np.ndarray:
        """[sources, targets] of one measure, turned so that more means more alike."""
        return -self.measures[name] if name in DISTANCES else self.measures[name]


TARGET_SCORES = tuple(field.name for field in fields(LayerScores) if field.name not in ("indices", "own_hits"))


def target_scores(
    sources: Sequence[Layer], target: Layer, end: nn.Module, labels: Layer, matching: Matching, seed: int
) -> dict[str, np.ndarray]:
    """Both matchings of every source with one target: attribute of `LayerScores` -> [sources, ...].

    Args:
        end: all after the target, frozen.
        labels: [images] each.
        seed: of the initial maps, of the order of their training images, and nothing else.
    """
    quick = folded(end)  # its rounding is that of the maps
    maps, generator = [source.train for source in sources], torch.Generator().manual_seed(seed)
    epochs, shape = {matching.epochs, *matching.compared_epochs}, target.train.shape[1:]
    rate = matching.learning_rate
    moments = match_task_loss(maps, quick, shape, labels.train, generator, epochs=epochs, learning_rate=rate)
    trained = moments[matching.epochs]
    fitted = {
        count: [direct_match(source.train[:count], target.train[:count]) for source in sources]
        for count in {matching.fit_images, *matching.fit_counts}
    }
    direct = fitted[matching.fit_images]

    def right(maps: Sequence[nn.Module]) -> np.ndarray:
        return np.stack([hits(one, source.test, quick, labels.test).numpy() for one, source in zip(maps, sources)])

    def missed(maps: Sequence[nn.Module]) -> np.ndarray:
        return np.array([residual(one(source.test), target.test) for one, source in zip(maps, sources)])

    by_count = [missed(fitted[count]) for count in matching.fit_counts]
    by_epochs = [right(moments[count]) for count in matching.compared_epochs]
    return {
        "task_loss_hits": right(trained),
        "task_loss_residual": missed(trained),
        "hits_by_epochs": _last_axis(by_epochs, (len(sources), len(labels.test))),
        "direct_hits": right(direct),
        "direct_residual": missed(direct),
        "residual_by_count": _last_axis(by_count, (len(sources),)),
    }


def _last_axis(parts: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Arrays of one shape side by side, [*shape, parts]; also if there are none."""
    return np.moveaxis(np.reshape(parts, (-1, *shape)), 0, -1)


def index_scores(front: Sequence[torch.Tensor], end: Sequence[torch.Tensor]) -> dict[str, np.ndarray]:
    """SIMILARITY_INDICES of all layers of two networks on the same images: name -> [sources, targets]."""
    one_by_one = {name: index for name, index in SIMILARITY_INDICES.items() if name != CKA}
    cka = MinibatchCKA(unbiased=False)
    cka.update(front, end)  # all layers at once: every Gram matrix is made once
    return {CKA: cka.result()} | {
        name: np.array([[index.between(x, y) for y in end] for x in front]) for name, index in one_by_one.items()
    }
