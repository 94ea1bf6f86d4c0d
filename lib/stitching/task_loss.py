"""Task loss matching: affine maps into one frozen end, trained on the labels (Balogh and Jelasity, AAAI 2025)."""

import copy
from collections.abc import Collection, Sequence
from typing import overload

import torch
from jaxtyping import Float, Integer
from torch import nn
from torch.nn import functional as F

from lib.models import doors
from lib.models.class_scores import class_scores
from lib.models.doors import Array
from lib.models.folding import folded
from lib.runtime.checks import check_count
from lib.stitching.matchings import AffineMap, shrunk


@overload
def match_task_loss(
    sources: Sequence[Float[Array, "n _ _ _"] | list],
    end: nn.Module,
    target_shape: Sequence[int],
    labels: Integer[Array, " n"] | list,
    generator: torch.Generator | None = None,
    *,
    epochs: int = 30,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    batch_size: int = 256,
) -> list[AffineMap]: ...


@overload
def match_task_loss(
    sources: Sequence[Float[Array, "n _ _ _"] | list],
    end: nn.Module,
    target_shape: Sequence[int],
    labels: Integer[Array, " n"] | list,
    generator: torch.Generator | None = None,
    *,
    epochs: Collection[int],
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    batch_size: int = 256,
) -> dict[int, list[AffineMap]]: ...


@torch.enable_grad()
@torch.inference_mode(False)
def match_task_loss(
    sources: Sequence[Float[Array, "n _ _ _"] | list],
    end: nn.Module,
    target_shape: Sequence[int],
    labels: Integer[Array, " n"] | list,
    generator: torch.Generator | None = None,
    *,
    epochs: int | Collection[int] = 30,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    batch_size: int = 256,
) -> list[AffineMap] | dict[int, list[AffineMap]]:
    """An affine map from each source into the same frozen `end`, trained on the labels, by Adam.

    All maps are trained together on the same batches, which go through the end side by side: none feels another, and
    up to rounding the map of a source is the same whatever others there are.  Those of equally many channels start
    alike.

    Args:
        sources: representations [images, channels, rows, columns] of the same images, channels as they like.
        end: [images, channels, rows, columns] -> logits; a frozen copy of it is used.
        target_shape: channels, rows, columns of the layer that is replaced.
        labels: [images].
        generator: of the initial weights and the order of the images; by default one with the seed 0.
        epochs: a number, or several moments of one training: then number of epochs -> a map from each source.

    Raises:
        ValueError: no sources, no maps, different numbers of images, labels that are no class indices of the end,
            no epochs, epochs or a batch size below 1.
        lib.models.ModelError: a ValueError: the end cannot take the maps, or returns no class scores.
    """
    if isinstance(sources, torch.Tensor) or not len(sources):
        raise ValueError("there is no source to match; sources are a list, [source] for a single one")
    moments = epochs if isinstance(epochs, Collection) else [epochs]
    check_count("epochs", min(moments, default=0))
    check_count("batch_size", batch_size)
    taken = [doors.as_maps("source", source) for source in sources]
    for source in taken:
        doors.check_same_images(taken[0], source)
    labels = doors.as_labels(labels, len(taken[0])).to(taken[0].device)
    doors.check_network(end, "end")
    end = class_scores(folded(end))
    with torch.no_grad():  # a mistake is told before any work
        doors.check_classes(labels, end(taken[0].new_zeros(1, *target_shape)).shape[1])
    generator = generator or torch.Generator().manual_seed(0)
    weights_seed, order_seed = torch.randint(2**62, (2,), generator=generator).tolist()
    maps = [_random_map(source, target_shape, weights_seed) for source in taken]
    order = torch.Generator().manual_seed(order_seed)
    taken = [shrunk(source.to(one.weight), one.size) for one, source in zip(maps, taken)]  # once, not every step
    weights = [part for one in maps for part in one.parameters()]
    optimiser = torch.optim.Adam(weights, lr=learning_rate, weight_decay=weight_decay)
    found = {}
    for epoch in range(1, max(moments) + 1):
        for batch in torch.randperm(len(labels), generator=order).split(batch_size):
            logits = end(torch.cat([one(source[batch]) for one, source in zip(maps, taken)]))
            losses = F.cross_entropy(logits, labels[batch].repeat(len(maps)), reduction="none")
            optimiser.zero_grad()
            # The sum over maps of mean losses: each map sees the gradient of its own.
            (losses.sum() / len(batch)).backward()
            optimiser.step()
        if epoch in moments:
            found[epoch] = [copy.deepcopy(one).requires_grad_(False) for one in maps]
    return found if isinstance(epochs, Collection) else found[epochs]


def _random_map(source: torch.Tensor, target_shape: Sequence[int], seed: int) -> AffineMap:
    """PyTorch's initial weights of a 1x1 convolution."""
    generator, bound = torch.Generator().manual_seed(seed), source.shape[1] ** -0.5
    weight, bias = (
        torch.empty(shape).uniform_(-bound, bound, generator=generator).to(source)
        for shape in ((target_shape[0], source.shape[1]), (target_shape[0],))
    )
    return AffineMap(weight, bias, target_shape[1:])
