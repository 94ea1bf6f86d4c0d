"""Detectors of activations that a network would not make itself, and images that it was not trained on.

A detector of a layer, by distance or by energy, learns from the network's own activations of its training images, and
scores the more the stranger.  Images are normalised, [images, channels, rows, columns].
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn
from torch.nn import functional as F

from lib.models import doors
from lib.models.architectures import initialise
from lib.runtime.checks import check_count

HIDDEN = 128  # units of each of two hidden layers
SIDE = 8  # larger maps are averaged to this many rows and columns first
BATCH = 128
ADAM: dict[str, Any] = {"lr": 1e-3, "weight_decay": 1e-5}
INSIDE, OUTSIDE, WEIGHT = -25.0, -7.0, 0.1  # m_in, m_out and the weight of the energy loss


class MahalanobisDetector:
    """Distance from the nearest class mean, by one covariance of all classes (Ledoit and Wolf's shrinkage).

    Of activations [images, channels, rows, columns] it sees the mean over positions.
    """

    def __init__(self, own: torch.Tensor, labels: torch.Tensor):
        """own: activations of training images; labels: [images].

        Raises:
            ValueError: different numbers of images, none, or labels that are no class indices.
        """
        pooled, labels = _pooled(own), doors.as_labels(labels, len(own)).numpy()
        classes = np.unique(labels)
        self.means = np.stack([pooled[labels == label].mean(0) for label in classes])  # [classes, channels]
        rest = pooled - self.means[np.searchsorted(classes, labels)]
        self.precision = LedoitWolf(assume_centered=True).fit(rest).get_precision()

    def score(self, activations: torch.Tensor) -> np.ndarray:
        """Squared distance from the nearest mean: [images]."""
        away = _pooled(activations)[:, None] - self.means
        return (away @ self.precision * away).sum(-1).min(1)


class EnergyDetector:
    """Energy of a small classifier of activations, fine-tuned to be low on a network's own and high on others
    (Liu et al. 2020).

    The classifier has two hidden layers and takes every channel in units of its own standard deviation.  It is trained
    on the labels first, then as long with the energy loss, at a tenth of the learning rate in the second half.
    """

    def __init__(
        self,
        own: torch.Tensor,
        labels: torch.Tensor,
        foreign: torch.Tensor,
        generator: torch.Generator,
        epochs: int = 20,
    ):
        """own: activations of training images; labels: [images]; foreign: activations of as many other images.

        Raises:
            ValueError: different numbers of images, none, labels that are no class indices, or epochs below 1.
        """
        labels = doors.as_labels(labels, len(own))
        doors.check_same_images(own, foreign)
        check_count("epochs", epochs)
        self.classifier = _classifier(own, int(labels.max()) + 1, generator)
        optimiser = torch.optim.Adam(self.classifier.parameters(), **ADAM)
        for batch in _batches(len(own), epochs, generator):
            _step(optimiser, F.cross_entropy(self.classifier(own[batch]), labels[batch]))
        optimiser = torch.optim.Adam(self.classifier.parameters(), **ADAM)
        slower = torch.optim.lr_scheduler.MultiStepLR(optimiser, [epochs // 2 * -(-len(own) // BATCH)])
        for batch in _batches(len(own), epochs, generator):
            inside, outside = self.classifier(torch.cat([own[batch], foreign[batch]])).chunk(2)
            strange = energy_loss(energy(inside), energy(outside))
            _step(optimiser, F.cross_entropy(inside, labels[batch]) + WEIGHT * strange)
            slower.step()
        self.classifier.eval().requires_grad_(False)

    def score(self, activations: torch.Tensor) -> np.ndarray:
        """Energy: [images]."""
        return energy(self.classifier(activations)).numpy()


def energy(logits: torch.Tensor) -> torch.Tensor:
    """-log sum exp of the logits: [images, classes] -> [images]."""
    return -logits.logsumexp(1)


def energy_loss(own: torch.Tensor, foreign: torch.Tensor) -> torch.Tensor:
    """Mean of max(0, E - m_in)^2 over energies of own activations, plus of max(0, m_out - E)^2 over foreign ones."""
    return (own - INSIDE).clamp(min=0).square().mean() + (OUTSIDE - foreign).clamp(min=0).square().mean()


def auroc(own: np.ndarray, others: np.ndarray) -> float:
    """Chance that one of the others scores above one of a network's own, ties half: scores [n], [m] -> 0 to 1."""
    return float(roc_auc_score(_is_other(own, others), np.concatenate([own, others])))


def false_positives(own: np.ndarray, others: np.ndarray, accepted: float = 0.95) -> float:
    """Share of the others that pass for a network's own where `accepted` of its own do (FPR at 95 % TPR)."""
    false, true, _ = roc_curve(1 - _is_other(own, others), -np.concatenate([own, others]), drop_intermediate=False)
    return float(false[np.argmax(true >= accepted)])


def auxiliary(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What detectors are trained to refuse: every other image with its pixels shuffled, the others blended with noise."""
    found = images.clone()
    found[::2] = _shuffled(images[::2], generator)
    found[1::2] = (images[1::2] + torch.randn(images[1::2].shape, generator=generator)) / 2
    return found


def negatives(images: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """1 - pixel; mean, std: of each channel, of pixels from 0 to 1, as the images were normalised by."""
    mean, std = _by_channel(mean), _by_channel(std)
    return (1 - 2 * mean) / std - images


def noise(
    images: torch.Tensor, mean: Sequence[float], std: Sequence[float], generator: torch.Generator
) -> torch.Tensor:
    """As many images of the same shape, every pixel uniform from 0 to 1 before it is normalised."""
    return (torch.rand(images.shape, generator=generator) - _by_channel(mean)) / _by_channel(std)


def _shuffled(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The pixels of every image in an order of its own, its channels together."""
    orders = torch.rand(len(images), 1, images[0, 0].numel(), generator=generator).argsort(-1)
    return images.flatten(2).gather(2, orders.expand(-1, images.shape[1], -1)).view_as(images)


def _by_channel(numbers: Sequence[float]) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None]


def _is_other(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.repeat([0, 1], [len(own), len(others)])


def _pooled(x: torch.Tensor) -> np.ndarray:
    """[images, channels, rows, columns] -> [images, channels] float64."""
    return x.double().mean((2, 3)).numpy()


class _Standardised(nn.Module):
    """Every channel of [images, channels, rows, columns] less its mean, over its standard deviation."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, x: torch.Tensor):
        super().__init__()
        deviation = x.std((0, 2, 3), keepdim=True)
        self.register_buffer("mean", x.mean((0, 2, 3), keepdim=True))
        # A channel that is never active in training has no unit: the mean one is taken.
        self.register_buffer("scale", torch.where(deviation > 0, deviation, deviation.mean()).clamp(min=1e-12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.scale


def _classifier(own: torch.Tensor, classes: int, generator: torch.Generator) -> nn.Module:
    _, channels, rows, columns = own.shape
    rows, columns = min(rows, SIDE), min(columns, SIDE)
    hidden = [nn.Linear(channels * rows * columns, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()]
    layers = [nn.AdaptiveAvgPool2d((rows, columns)), nn.Flatten(), *hidden, nn.Linear(HIDDEN, classes)]
    return nn.Sequential(_Standardised(own), initialise(nn.Sequential(*layers), generator))


def _batches(count: int, epochs: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    for _ in range(epochs):
        yield from torch.randperm(count, generator=generator).split(BATCH)


def _step(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
