"""Two networks stitched at every two layers, and whether what the stitches make is strange to the end network.

A front makes a representation of the test images, a stitch maps it to a layer of the end, and a detector of that layer
tells it, or does not, from what the end makes of the same images itself (fact sheet of the stitching paper, 6).
Matrices are [source layers, target layers].
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.models.cut_networks import CutNetwork
from lib.stitching import foreign_images
from lib.stitching.matchings import AffineMap, accuracy, direct_matching, residual, task_loss_matching
from lib.stitching.ood_detectors import EnergyDetector, MahalanobisDetector, auroc, false_positives

MATCHINGS = "task loss", "direct"
DETECTORS = "Mahalanobis", "energy"
FOREIGN = "negatives", "noise"  # images that no detector was trained on
LEAST_PAIRS = 3

Stitches = Mapping[str, Sequence[Sequence[AffineMap]]]  # matching -> source -> target
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
    chosen = tuple(points[step - 1::step])
    if len(chosen) < 3:
        raise ValueError(f"must leave at least 3 of the {len(points)} layers to stitch at, and {step} leaves "
                         f"{len(chosen)}")
    return chosen


def disjoint_pairs(count: int) -> list[tuple[int, int]]:
    """Front and end of each pair, no network in two of them: (0, 1), (2, 3), ...; one left over is in none.

    Raises:
        ValueError: fewer than 3 pairs.
    """
    pairs = [(first, first + 1) for first in range(0, count - 1, 2)]
    if len(pairs) < LEAST_PAIRS:
        raise ValueError(f"intervals over pairs need at least {LEAST_PAIRS} pairs, {2 * LEAST_PAIRS} networks, not "
                         f"{count} networks")
    return pairs


def network(cut: CutNetwork, points: Sequence[str], images: ImageData) -> Network:
    """What the layers `points` make of the training and test images."""
    train, test = (cut.representations(part) for part in (images.train_images, images.test_images))
    return Network(cut, tuple(points), {point: train[point] for point in points},
                   {point: test[point] for point in points})


def stitches(front: Network, end: Network, labels: torch.Tensor, generator: torch.Generator, *, epochs: int,
             learning_rate: float) -> Stitches:
    """Both matchings from every layer of the front into every layer of the end, fitted on all training images."""
    sources = [front.train[point] for point in front.points]
    trained = [task_loss_matching(sources, end.cut.end(point), end.train[point].shape[1:], labels, generator,
                                  epochs=epochs, learning_rate=learning_rate) for point in end.points]
    fitted = [[direct_matching(source, end.train[point]) for point in end.points] for source in sources]
    return {"task loss": list(zip(*trained)), "direct": fitted}


def detectors(end: Network, images: ImageData, generator: torch.Generator, epochs: int
              ) -> dict[str, list[MahalanobisDetector | EnergyDetector]]:
    """Both detectors of every layer of the end; the energy's also learn from `foreign_images.auxiliary` images."""
    foreign = end.cut.representations(foreign_images.auxiliary(images.train_images, generator))
    labels = images.train_labels
    return {"Mahalanobis": [MahalanobisDetector(end.train[point], labels) for point in end.points],
            "energy": [EnergyDetector(end.train[point], labels, foreign[point], generator, epochs=epochs)
                       for point in end.points]}


@torch.no_grad()
def detect(front: Network, end: Network, found: Stitches, trained: Mapping[str, Sequence], images: ImageData,
           generator: torch.Generator) -> Detection:
    """Residuals and accuracies of all stitches of a pair, and how well each detector knows their activations."""
    places = list(product(MATCHINGS, range(len(front.points)), range(len(end.points))))
    shape = len(front.points), len(end.points)
    residuals, accuracies = ({name: np.empty(shape) for name in MATCHINGS} for _ in range(2))
    areas, passing = ({detector: {name: np.empty(shape) for name in MATCHINGS} for detector in DETECTORS}
                      for _ in range(2))
    own = {detector: [one.score(end.test[point]) for one, point in zip(trained[detector], end.points)]
           for detector in DETECTORS}
    for name, i, j in places:
        source, point, stitch = front.test[front.points[i]], end.points[j], found[name][i][j]
        mapped = stitch(source)
        residuals[name][i, j] = residual(mapped, end.test[point])
        accuracies[name][i, j] = accuracy(stitch, source, end.cut.end(point), images.test_labels)
        for detector in DETECTORS:
            scores = trained[detector][j].score(mapped)
            areas[detector][name][i, j] = auroc(own[detector][j], scores)
            passing[detector][name][i, j] = false_positives(own[detector][j], scores)
    seen = {detector: np.array([auroc(one.score(end.train[point]), scores) for one, point, scores
                                in zip(trained[detector], end.points, own[detector])]) for detector in DETECTORS}
    foreign = {detector: {} for detector in DETECTORS}
    for kind, detector, values in _foreign(end, trained, own, images, generator):
        foreign[detector][kind] = values
    return Detection(residuals, accuracies, areas, passing, seen, foreign)


def _foreign(end: Network, trained: Mapping[str, Sequence], own: Mapping[str, Sequence[np.ndarray]],
             images: ImageData, generator: torch.Generator) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind of images, detector, AUROC of the end's activations of them [targets]."""
    made = {"negatives": foreign_images.inverted(images.test_images, images.mean, images.std),
            "noise": foreign_images.noise(images.test_images, images.mean, images.std, generator)}
    for kind in FOREIGN:
        activations = end.cut.representations(made[kind])
        for detector in DETECTORS:
            yield kind, detector, np.array([auroc(scores, one.score(activations[point])) for one, point, scores
                                            in zip(trained[detector], end.points, own[detector])])
