"""Out-of-distribution scores, linear probes and deleted blocks of a chapter, against scikit-learn layer by layer."""

import copy

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from torch import nn

from benchmarks.measuring import Case, Cases, largest
from lib import data, models
from lib.cka.probes import PENALTY, TOLERANCE, deletable, deletion_accuracies, probe_accuracies, residual_points, stages
from lib.data import ImageData
from lib.models.representations import representation
from lib.stitching.detectors import MahalanobisDetector

ROW = "scores, probes and deletions of a chapter"


def strangeness(own: torch.Tensor, labels: torch.Tensor, others: torch.Tensor) -> np.ndarray:
    """[images] squared Mahalanobis distance from the nearest class mean, by scikit-learn, a class at a time."""
    pooled, strange, classes = own.double().mean((2, 3)).numpy(), others.double().mean((2, 3)).numpy(), labels.numpy()
    means = {label: pooled[classes == label].mean(0) for label in np.unique(classes)}
    estimate = LedoitWolf(assume_centered=True).fit(np.stack([x - means[y] for x, y in zip(pooled, classes)]))
    distances = []
    for mean in means.values():
        estimate.location_ = mean
        distances.append(estimate.mahalanobis(strange))
    return np.min(distances, axis=0)


def scores(channels: int, count: int) -> Case:
    rng = torch.Generator().manual_seed(0)
    own, others = (torch.randn(count, channels, 4, 4, generator=rng) for _ in range(2))
    labels = torch.arange(count) % 10
    return Case(
        ROW,
        f"Mahalanobis scores of a layer, {channels} channels, {count} images",
        lambda: MahalanobisDetector(own, labels).score(others),
        {"scikit-learn": lambda: strangeness(own, labels, others)},
        None,
        largest,
        1e-8,
        goal=1,
    )


def probed(model: nn.Module, images: ImageData, points: tuple[str, ...]) -> np.ndarray:
    """[points] test accuracy of scikit-learn's logistic regression on all flattened features of a layer."""
    train, test = (representation(model, part, points) for part in (images.train_images, images.test_images))
    found = []
    for point in points:
        x, y = train[point].astype(float), test[point].astype(float)
        mean = x.mean(0)
        scale = np.sqrt(np.square(x - mean).sum() / len(x))
        probe = LogisticRegression(C=1 / (PENALTY * len(x)), tol=TOLERANCE, max_iter=10_000)
        probe.fit((x - mean) / scale, images.train_labels.numpy())
        found.append(probe.score((y - mean) / scale, images.test_labels.numpy()))
    return np.array(found)


def deleted(model: nn.Module, images: ImageData) -> np.ndarray:
    """[blocks] accuracy without each block and those behind it in its stage, a changed copy of the network for each."""
    names, found = [name for stage in stages(model) for name in stage], {}
    for stage in stages(model):
        for place, name in enumerate(stage):
            if name in deletable(model):
                shorter = copy.deepcopy(model)
                for block in stage[place:]:
                    parent, _, own = block.rpartition(".")
                    shorter.get_submodule(parent)[int(own)] = nn.Identity()
                with torch.no_grad():
                    logits = torch.cat([shorter(part) for part in images.test_images.split(256)])
                found[name] = float((logits.argmax(1) == images.test_labels).double().mean())
    return np.array([found.get(name, np.nan) for name in names])


def most(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two accuracies; both lack the same ones."""
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    return float(np.nanmax(np.abs(ours - theirs)))


def cases(quick: bool) -> Cases:
    yield scores(8, 100) if quick else scores(64, 5000)
    images = data.load("digits", n_train=100 if quick else 400, n_test=60 if quick else 300)
    model = models.build("resnet-14", 1 if quick else 2, in_channels=1, image_size=8)
    model = models.initialise(model, torch.Generator().manual_seed(0)).eval()
    points = residual_points(model)[0]
    size = f"ResNet-14, {len(images.train_labels)} digits to learn from, {len(images.test_labels)} to test"
    yield Case(
        ROW,
        f"probes of {len(points)} layers, {size}",
        lambda: probe_accuracies(model, images, points),
        {"scikit-learn": lambda: probed(model, images, points)},
        None,
        most,
        0.02,  # a few images near the border: solvers stop a little apart
        goal=1,
        repeats=2,
    )
    yield Case(
        ROW,
        f"deletion of blocks, {size}",
        lambda: deletion_accuracies(model, images.test_images, images.test_labels),
        {"a copy of the network for each": lambda: deleted(model, images)},
        None,
        most,
        1e-6,
        goal=1,
    )
