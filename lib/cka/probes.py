"""What the layers of a residual network tell of the classes: linear probes, and the accuracy without some blocks.

A probe is the multinomial logistic regression with the least sum of mean cross entropy and `PENALTY` / 2 times the
squared weights, on activations scaled together so that their mean squared distance from their mean is 1.  Its weights
lie in the span of the training images, which n coordinates describe whatever the number of features: what is found
there is the solution on all flattened features, not an approximation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

from lib.cka.grams import MEMORY, within_memory
from lib.data.loading import ImageData
from lib.models import doors
from lib.models.channel_axes import FIRST, channel_places
from lib.models.cifar_resnets import ResidualBlock
from lib.models.doors import Array
from lib.models.representations import activations
from lib.runtime.checks import check_count
from lib.runtime.devices import evaluating, find_device
from lib.salience.extraction import logits

PENALTY = 1e-4  # weak: the paper's probes have none and stop early instead
TOLERANCE = 1e-6  # of the gradient; at 1e-5 about one of 600 test images is still classified otherwise
ROUNDING = 1e-12  # share of the largest eigenvalue below which one is an error of rounding


def stages(model: nn.Module) -> list[list[str]]:
    """The names of the residual blocks, a list a stage, in the order of the forward pass.

    Raises:
        ValueError: a network without residual connections.
    """
    found: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, ResidualBlock) and module.residual:
            found.setdefault(name.rpartition(".")[0], []).append(name)
    if not found:
        lacks = "no addition to probe before and after, and nothing would carry the images past a deleted block"
        raise ValueError(f"{type(model).__name__} has no residual connections: {lacks}")
    return list(found.values())


def residual_points(model: nn.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to probe: the stem and after every residual addition, [layers]; before every addition, [layers - 1]."""
    blocks = [name for stage in stages(model) for name in stage]
    return ("stem", *(f"{name}.add" for name in blocks)), tuple(f"{name}.bn2" for name in blocks)


def probe_accuracies(
    model: nn.Module, images: ImageData, points: Sequence[str], *, pool: int = 1
) -> Float[np.ndarray, " {len(points)}"]:
    """Test accuracy of a probe at each of the named layers, learnt on the training images: [points].

    The network stays as it is (`lib.models.representations.activations`).

    Args:
        pool: side of the squares of which only the largest value is kept (the paper's option is 2); 1 keeps all
            values, and a smaller map becomes one pixel.

    Raises:
        ValueError: an unknown point, a `pool` below 1, or one above 1 where a layer puts out no maps [images, channels,
            rows, columns].
    """
    check_count("pool", pool)
    if pool > 1:
        _check_maps(model, images.test_images[:1], points)
    train_labels, test_labels = images.train_labels.numpy(), images.test_labels.numpy()
    count = len(train_labels) + len(test_labels)
    sizes = {point: one.nbytes * count for point, one in _features(model, images.test_images[:1], points, pool).items()}
    found = {}
    for group in within_memory(sizes, MEMORY):
        train, test = (_features(model, part, group, pool) for part in (images.train_images, images.test_images))
        for point in group:
            found[point] = probe_accuracy(train.pop(point), train_labels, test.pop(point), test_labels)
    return np.array([found[point] for point in points])


def probe_accuracy(train: torch.Tensor, train_labels: np.ndarray, test: torch.Tensor, test_labels: np.ndarray) -> float:
    """Share of the test rows that the probe of the training rows, [images, features] each, classifies rightly.

    Raises:
        ValueError: training rows of fewer than 2 classes.
    """
    if len(np.unique(train_labels)) < 2:
        raise ValueError("a probe needs training images of at least 2 classes")
    coordinates, test_coordinates = span_coordinates(train, test)
    probe = LogisticRegression(C=1 / (PENALTY * len(coordinates)), tol=TOLERANCE, max_iter=10_000)
    return float(probe.fit(coordinates, train_labels).score(test_coordinates, test_labels))


def span_coordinates(train: torch.Tensor, test: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of rows [images, features] in the span of the centred training rows: [images, rank] float64 each.

    Their inner products are those of the training rows less their mean, divided by the mean squared length of these;
    of a test row, that of its part in the span.  One coordinate 0 where all training rows are the same.
    """
    train, test = train.double(), test.double()
    train, test = train - train.mean(0), test - train.mean(0)
    squares, directions = torch.linalg.eigh(train @ train.T)
    if not squares[-1] > 0:
        return np.zeros((len(train), 1)), np.zeros((len(test), 1))
    kept = squares > ROUNDING * squares[-1]
    lengths, directions = squares[kept].sqrt(), directions[:, kept]
    scale = (squares[kept].sum() / len(train)).sqrt()
    found = directions * lengths / scale, (test @ train.T) @ directions / lengths / scale
    return tuple(part.cpu().numpy() for part in found)


def deletable(model: nn.Module) -> list[str]:
    """The blocks with an identity as shortcut: all but the first ones of stages 2 and 3, which change the shape."""
    modules = dict(model.named_modules())
    blocks = [name for stage in stages(model) for name in stage]
    return [name for name in blocks if isinstance(modules[name].shortcut, nn.Identity) and modules[name].stride == 1]


@torch.no_grad()
def deletion_accuracies(
    model: nn.Module,
    images: Float[Array, "n C H W"] | list,
    labels: Integer[Array, " n"] | list,
    *,
    batch_size: int = 256,
) -> Float[np.ndarray, " blocks"]:
    """Accuracy without a block and all blocks behind it in its stage, the other stages whole: [blocks].

    A deleted block hands on what it gets.  That has passed a ReLU, so that its own last one would change nothing.
    NaN for blocks that cannot be deleted.  No weight or running statistic is changed.

    Raises:
        ValueError: a network without residual connections.
    """
    images = doors.as_images(images)
    labels = doors.as_labels(labels, len(images))
    check_count("batch_size", batch_size)
    allowed = deletable(model)
    names = [name for stage in stages(model) for name in stage]
    device = find_device("auto")
    with evaluating(model, device) as running:
        parts = zip(images.split(batch_size), labels.split(batch_size))
        hits = sum(_hits_without(running, *(part.to(device) for part in batch)) for batch in parts)
    return np.where([name in allowed for name in names], hits / len(labels), np.nan)


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the images that the network classifies rightly."""
    return float((logits(model, images).argmax(1) == labels).float().mean())


def _hits_without(model: Any, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """How many images are classified rightly without a block and all behind it in its stage: [blocks].

    0 for blocks that cannot be deleted.
    """
    allowed, found = deletable(model), []
    x = model.stem(images)
    for number, stage in enumerate(stages(model), 1):
        for name in stage:
            # What comes to this block is what the stage hands on without it and all behind it.
            found.append((model.after_stage(number, x).argmax(1) == labels).sum().item() if name in allowed else 0)
            x = model.get_submodule(name)(x)
    return np.array(found)


def _features(model: nn.Module, images: torch.Tensor, points: Sequence[str], pool: int) -> dict[str, torch.Tensor]:
    """point -> [images, features], on the device of the network."""
    batches = [
        {point: _pooled(maps, pool).flatten(1) for point, maps in batch.items()}
        for batch in activations(model, images, points)
    ]
    return {point: torch.cat([batch[point] for batch in batches]) for point in points}


def _check_maps(model: nn.Module, images: torch.Tensor, points: Sequence[str]) -> None:
    (shown,), places = activations(model, images, points), channel_places(model, images, points)
    for point, output in shown.items():
        if output.ndim != 4 or places[point] != FIRST:
            raise ValueError(
                f"pool needs maps [images, channels, rows, columns], and the layer {point!r} puts out "
                f"{list(output.shape)} of which {type(model).__name__} does not tell that they are; pool=1 takes any layer"
            )


def _pooled(maps: torch.Tensor, pool: int) -> torch.Tensor:
    return maps if pool == 1 else F.max_pool2d(maps, min(pool, maps.shape[-1]), ceil_mode=True)
