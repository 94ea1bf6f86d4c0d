"""Stitching (Balogh and Jelasity, AAAI 2025): an affine map from a layer of one network to a layer of another.

The map resizes the source's channels to the target's height and width and sends every position's vector through one
affine map.  Direct matching fits it to the target's representation, task loss matching to the labels through the
target's end.
"""

import copy
import math
from collections.abc import Collection, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from lib.models import doors
from lib.models.class_scores import class_scores, complaints
from lib.models.folding import folded
from lib.runtime.checks import check_count
from lib.runtime.devices import evaluating


class AffineMap(nn.Module):
    """Bilinear resizing, then a 1x1 convolution with bias.

    [images, source channels, rows, columns] -> [images, target channels, rows and columns of `size`]

    A smaller map is resized after the convolution, which is quicker and, as bilinear weights sum to 1, the same.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, size: tuple[int, int]):
        """weight: [target channels, source channels]; bias: [target channels]; size: the target's rows, columns."""
        super().__init__()
        self.weight, self.bias, self.size = nn.Parameter(weight), nn.Parameter(bias), tuple(size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(self.weight)  # also of maps in half precision
        x = x if x.shape[2:].numel() < math.prod(self.size) else resized(x, self.size)
        return resized(F.conv2d(x, self.weight[:, :, None, None], self.bias), self.size)


def resized(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Maps [images, channels, rows, columns] with `size` rows and columns, bilinear where they have others."""
    return x if x.shape[2:] == tuple(size) else F.interpolate(x, size=tuple(size), mode="bilinear")


def direct_match(source: torch.Tensor, target: torch.Tensor) -> AffineMap:
    """The affine map that sends one representation nearest to another, summed over images and positions.

    Least squares in double precision by singular values: of several best maps, as with fewer rows than unknowns, the
    one of least norm.  Directions of the source that are no larger than its numbers' rounding count as none: channels
    that follow from others up to rounding would get weights of millions.

    Args:
        source, target: [images, channels, rows, columns] of the same images.

    Raises:
        ValueError: different numbers of images, or none, no maps, or numbers that are whole or not finite.
    """
    given, source, target = source, doors.as_maps("source", source), doors.as_maps("target", target)
    rounding = torch.finfo(doors.as_tensor("source", given).dtype).eps  # of half precision it is the larger one
    doors.check_same_images(source, target)
    size = target.shape[2:]
    rows = _rows(resized(source, size))
    unknowns = torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)
    smallest = max(rounding, torch.finfo(torch.float64).eps * max(unknowns.shape))
    fitted = torch.linalg.lstsq(unknowns.cpu(), _rows(target).cpu(), rcond=smallest, driver="gelsd")
    solution = fitted.solution.to(source)  # [source channels + 1, target channels]
    return AffineMap(solution[:-1].T.contiguous(), solution[-1], size)


@torch.no_grad()
def residual(mapped: torch.Tensor, target: torch.Tensor) -> float:
    """Squared distance of two representations of the same images over the squared norm of the target (not centred).

    Raises:
        ValueError: different shapes, numbers that are not finite, or a target that is zero everywhere.
    """
    both = ("mapped representation", mapped), ("target", target)
    mapped, target = (doors.finite(f"the {name}", doors.as_layer(name, part)) for name, part in both)
    if mapped.shape != target.shape:
        raise ValueError(f"both need one shape, not {list(mapped.shape)} and {list(target.shape)}")
    norm = target.double().square().sum()
    if norm == 0:
        raise ValueError("the target is zero everywhere: a residual has no scale")
    return float((mapped.double() - target.double()).square().sum() / norm)


def match_task_loss(
    sources: Sequence[torch.Tensor],
    end: nn.Module,
    target_shape: Sequence[int],
    labels: torch.Tensor,
    generator: torch.Generator | None = None,
    *,
    epochs: int = 30,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    batch_size: int = 256,
) -> list[AffineMap]:
    """An affine map from each source into the same frozen `end`, trained on the labels, by Adam.

    As `task_loss_snapshots`, after one number of epochs.
    """
    training = {"learning_rate": learning_rate, "weight_decay": weight_decay, "batch_size": batch_size}
    return task_loss_snapshots(sources, end, target_shape, labels, generator, epochs=[epochs], **training)[epochs]


def task_loss_snapshots(
    sources: Sequence[torch.Tensor],
    end: nn.Module,
    target_shape: Sequence[int],
    labels: torch.Tensor,
    generator: torch.Generator | None = None,
    *,
    epochs: Collection[int],
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    batch_size: int = 256,
) -> dict[int, list[AffineMap]]:
    """Task loss matching at several moments of one training: number of epochs -> a map from each source.

    All maps are trained together on the same batches, which go through the end side by side: none feels another, and
    up to rounding the map of a source is the same whatever others there are.  Those of equally many channels start
    alike.

    Args:
        sources: representations [images, channels, rows, columns] of the same images, channels as they like.
        end: [images, channels, rows, columns] -> logits; a frozen copy of it is used.
        target_shape: channels, rows, columns of the layer that is replaced.
        labels: [images].
        generator: of the initial weights and the order of the images; by default one with the seed 0.

    Raises:
        ValueError: no sources, no maps, different numbers of images, labels that are no class indices of the end,
            no epochs, epochs or a batch size below 1.
        lib.models.ModelError: a ValueError: the end cannot take the maps, or returns no class scores.
    """
    if isinstance(sources, torch.Tensor) or not len(sources):
        raise ValueError("there is no source to match; sources are a list, [source] for a single one")
    check_count("epochs", min(epochs, default=0))
    check_count("batch_size", batch_size)
    sources = [doors.as_maps("source", source) for source in sources]
    for source in sources:
        doors.check_same_images(sources[0], source)
    labels = doors.as_labels(labels, len(sources[0])).to(sources[0].device)
    doors.check_network(end, "end")
    end = class_scores(folded(end))
    with torch.no_grad():  # a mistake is told before any work
        doors.check_classes(labels, end(sources[0].new_zeros(1, *target_shape)).shape[1])
    generator = generator or torch.Generator().manual_seed(0)
    weights_seed, order_seed = torch.randint(2**62, (2,), generator=generator).tolist()
    maps = [_random_map(source, target_shape, weights_seed) for source in sources]
    order = torch.Generator().manual_seed(order_seed)
    weights = [part for one in maps for part in one.parameters()]
    optimiser = torch.optim.Adam(weights, lr=learning_rate, weight_decay=weight_decay)
    found = {}
    for epoch in range(1, max(epochs) + 1):
        for batch in torch.randperm(len(labels), generator=order).split(batch_size):
            logits = end(torch.cat([one(source[batch]) for one, source in zip(maps, sources)]))
            losses = F.cross_entropy(logits, labels[batch].repeat(len(maps)), reduction="none")
            optimiser.zero_grad()
            # The sum over maps of mean losses: each map sees the gradient of its own.
            (losses.sum() / len(batch)).backward()
            optimiser.step()
        if epoch in epochs:
            found[epoch] = [copy.deepcopy(one).requires_grad_(False) for one in maps]
    return found


@torch.no_grad()
def hits(
    stitch: nn.Module, source: torch.Tensor, end: nn.Module, labels: torch.Tensor, batch_size: int = 256
) -> torch.Tensor:
    """Which images [images] `end` classifies rightly from the stitched representation of a source.

    Stitch and end are in eval mode meanwhile, and left as they were.

    Raises:
        ValueError: no maps, labels that are no class indices or not as many, or a batch size below 1.
        lib.models.ModelError: a ValueError: the end cannot take the maps, or returns no class scores.
    """
    doors.check_network(stitch, "stitch")
    source = doors.as_maps("source", source)
    labels = doors.as_labels(labels, len(source))
    check_count("batch_size", batch_size)
    kind = source.device.type
    with evaluating(stitch, kind) as stitch, evaluating(class_scores(end), kind) as end:
        found = [end(_stitched(stitch, part)).argmax(1).cpu() for part in source.split(int(batch_size))]
    return torch.cat(found) == labels


def accuracy(stitch: nn.Module, source: torch.Tensor, end: nn.Module, labels: torch.Tensor) -> float:
    """Share of the images that `end` classifies rightly from the stitched representation of a source."""
    return float(hits(stitch, source, end, labels).double().mean())


def _stitched(stitch: nn.Module, part: torch.Tensor) -> torch.Tensor:
    with complaints(type(stitch).__name__, part):
        return stitch(part)


def _random_map(source: torch.Tensor, target_shape: Sequence[int], seed: int) -> AffineMap:
    """PyTorch's initial weights of a 1x1 convolution."""
    generator, bound = torch.Generator().manual_seed(seed), source.shape[1] ** -0.5
    weight, bias = (
        torch.empty(shape).uniform_(-bound, bound, generator=generator).to(source)
        for shape in ((target_shape[0], source.shape[1]), (target_shape[0],))
    )
    return AffineMap(weight, bias, target_shape[1:])


def _rows(x: torch.Tensor) -> torch.Tensor:
    """[images, channels, rows, columns] -> [images * rows * columns, channels] float64."""
    return x.movedim(1, -1).flatten(0, 2).double()
