"""Two networks stitched at every two layers, and whether what the stitches make is strange to the end network.

A front makes a representation of the test images, a stitch maps it to a layer of the end, and a detector of that layer
tells it, or does not, from what the end makes of the same images itself.
Matrices are [source layers, target layers].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.models.cut_networks import CutNetwork
from lib.stitching.detectors import (
    EnergyDetector,
    MahalanobisDetector,
    auroc,
    auxiliary,
    false_positives,
    negatives,
    noise,
)
from lib.stitching.matchings import AffineMap, accuracy, direct_match, residual
from lib.stitching.similarity_indices import CKA, PROCRUSTES, PWCCA, SIMILARITY_INDICES
from lib.stitching.task_loss import match_task_loss

MATCHINGS = "task loss", "direct"
DETECTORS = "Mahalanobis", "energy"
FOREIGN = "negatives", "noise"  # images that no detector was trained on
LEAST_PAIRS = 3
WITHOUT_STITCH = CKA, PROCRUSTES, PWCCA
INDICES = "task loss accuracy", "direct accuracy", "direct residual", *WITHOUT_STITCH

Stitches = Mapping[str, Sequence[Sequence[AffineMap]]]  # matching -> source -> target
Detector = MahalanobisDetector | EnergyDetector
Detectors = Mapping[str, Sequence[Detector]]  # detector -> target
Scored = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Network:
    """A frozen network and what the chosen layers make of all images: layer -> [images, channels, rows, columns]."""

    cut: CutNetwork
    points: tuple[str, ...]
    train: Mapping[str, torch.Tensor]
    test: Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Detection:
    """What stitches of one pair of networks do, on test images.

    Attributes:
        residual, accuracy: matching -> [sources, targets].
        auroc, false_positives: detector -> matching -> [sources, targets]; 1 and 0 where the detector tells all
            stitched activations from the end's own, 0.5 and 0.95 where it tells none.
        own: detector -> [targets], AUROC of the end's own activations of test images against training images.
        foreign: detector -> kind of images -> [targets], AUROC of the end's own activations of foreign images.
    """

    residual: Mapping[str, np.ndarray]
    accuracy: Mapping[str, np.ndarray]
    auroc: Scored
    false_positives: Scored
    own: Mapping[str, np.ndarray]
    foreign: Scored


def every(points: Sequence[str], step: int) -> tuple[str, ...]:
    """The last of every `step` layers.

    Raises:
        ValueError: fewer than 3 are left, too few for distances to differ.
    """
    chosen = tuple(points[step - 1 :: step])
    if len(chosen) < 3:
        raise ValueError(
            f"must leave at least 3 of the {len(points)} layers to stitch at, and {step} leaves {len(chosen)}"
        )
    return chosen


def disjoint_pairs(count: int) -> list[tuple[int, int]]:
    """Front and end of each pair, no network in two of them: (0, 1), (2, 3), ...; one left over is in none.

    Raises:
        ValueError: fewer than 3 pairs.
    """
    pairs = [(first, first + 1) for first in range(0, count - 1, 2)]
    if len(pairs) < LEAST_PAIRS:
        raise ValueError(
            f"intervals over pairs need at least {LEAST_PAIRS} pairs, {2 * LEAST_PAIRS} networks, not {count} networks"
        )
    return pairs


def network(cut: CutNetwork, points: Sequence[str], images: ImageData) -> Network:
    """What the layers `points` make of the training and test images."""
    found = (cut.representations(part) for part in (images.train_images, images.test_images))
    return Network(cut, tuple(points), *({point: maps[point] for point in points} for maps in found))


def stitches(
    front: Network, end: Network, labels: torch.Tensor, generator: torch.Generator, **training: Any
) -> Stitches:
    """Both matchings from every layer of the front into every layer of the end, fitted on all training images.

    training: keywords of `lib.stitching.task_loss.match_task_loss`.
    """
    sources = [front.train[point] for point in front.points]
    trained = [
        match_task_loss(sources, end.cut.end(point), end.train[point].shape[1:], labels, generator, **training)
        for point in end.points
    ]
    fitted = [[direct_match(source, end.train[point]) for point in end.points] for source in sources]
    return {"task loss": list(zip(*trained)), "direct": fitted}


def detectors(end: Network, images: ImageData, generator: torch.Generator, epochs: int) -> Detectors:
    """Both detectors of every layer of the end; the energy's also learn from `lib.stitching.detectors.auxiliary` images."""
    foreign = end.cut.representations(auxiliary(images.train_images, generator))
    labels, points = images.train_labels, end.points
    near = [MahalanobisDetector(end.train[point], labels) for point in points]
    low = [EnergyDetector(end.train[point], labels, foreign[point], generator, epochs=epochs) for point in points]
    return dict(zip(DETECTORS, (near, low)))


@torch.no_grad()
def detect(
    front: Network, end: Network, found: Stitches, trained: Detectors, images: ImageData, generator: torch.Generator
) -> Detection:
    """Residuals and accuracies of all stitches of a pair, and how well each detector knows their activations."""
    own = {name: _scores(detector, end.points, end.test) for name, detector in trained.items()}

    def cell(name: str, i: int, j: int) -> list[float]:
        source, point, stitch = front.test[front.points[i]], end.points[j], found[name][i][j]
        mapped = stitch(source)
        scores = [(own[detector][j], trained[detector][j].score(mapped)) for detector in DETECTORS]
        return [
            residual(mapped, end.test[point]),
            accuracy(stitch, source, end.cut.end(point), images.test_labels),
            *(auroc(*both) for both in scores),
            *(false_positives(*both) for both in scores),
        ]

    sources, targets = (range(len(network.points)) for network in (front, end))
    numbers = {name: np.array([[cell(name, i, j) for j in targets] for i in sources]) for name in MATCHINGS}
    residuals, accuracies, *scored = (
        {name: cells[..., place] for name, cells in numbers.items()} for place in range(2 + 2 * len(DETECTORS))
    )
    areas, passing = (dict(zip(DETECTORS, scored[place:])) for place in (0, len(DETECTORS)))
    seen = {name: _areas(_scores(detector, end.points, end.train), own[name]) for name, detector in trained.items()}
    foreign: dict[str, dict[str, np.ndarray]] = {name: {} for name in DETECTORS}
    pixels = images.test_images, images.mean, images.std
    for kind, shown in zip(FOREIGN, (negatives(*pixels), noise(*pixels, generator))):
        maps = end.cut.representations(shown)
        for name, detector in trained.items():
            foreign[name][kind] = _areas(own[name], _scores(detector, end.points, maps))
    return Detection(residuals, accuracies, areas, passing, seen, foreign)


def _scores(detector: Sequence[Detector], points: Sequence[str], maps: Mapping[str, torch.Tensor]) -> list[np.ndarray]:
    """Of every layer [images]."""
    return [one.score(maps[point]) for one, point in zip(detector, points)]


def _areas(own: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([auroc(*both) for both in zip(own, others)])


def unstitched(x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Likeness of two representations [images, channels, rows, columns] by the indices WITHOUT_STITCH, x weighing."""
    return [SIMILARITY_INDICES[name].likeness(x, y) for name in WITHOUT_STITCH]


def likenesses(front: Network, end: Network, found: Detection) -> dict[str, np.ndarray]:
    """Every one of INDICES between all layers of two networks: name -> [sources, targets], 1 for what is the same.

    'direct residual' is 1 - residual.
    """
    indices = np.array([[unstitched(front.test[i], end.test[j]) for j in end.points] for i in front.points])
    stitched = found.accuracy["task loss"], found.accuracy["direct"], 1 - found.residual["direct"]
    return dict(zip(INDICES, (*stitched, *np.moveaxis(indices, -1, 0))))
