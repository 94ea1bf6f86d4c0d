"""Stitching (Balogh and Jelasity, AAAI 2025): an affine map from a layer of one network to a layer of another.

The map resizes the source's channels to the target's height and width and sends every position's vector through one
affine map.  Direct matching fits it to the target's representation, task loss matching (`lib.stitching.task_loss`) to
the labels through the target's end.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Integer, Shaped
from torch import nn
from torch.nn import functional as F

from lib.models import doors
from lib.models.class_scores import class_scores, complaints
from lib.models.doors import Array
from lib.runtime.checks import check_count
from lib.runtime.devices import evaluating


class AffineMap(nn.Module):
    """Bilinear resizing, then a 1x1 convolution with bias.

    [images, source channels, rows, columns] -> [images, target channels, rows and columns of `size`]

    A smaller map is resized after the convolution, which is quicker and, as bilinear weights sum to 1, the same.
    """

    def __init__(self, weight: Float[torch.Tensor, "to of"], bias: Float[torch.Tensor, " to"], size: Sequence[int]):
        """weight: [target channels, source channels]; bias: [target channels]; size: the target's rows, columns."""
        super().__init__()
        self.weight, self.bias, self.size = nn.Parameter(weight), nn.Parameter(bias), tuple(size)

    def forward(self, x: Float[torch.Tensor, "n of _ _"]) -> Float[torch.Tensor, "n to rows columns"]:
        x = shrunk(x.to(self.weight), self.size)  # also of maps in half precision
        return resized(F.conv2d(x, self.weight[:, :, None, None], self.bias), self.size)


def shrunk(x: Float[torch.Tensor, "n C _ _"], size: Sequence[int]) -> Float[torch.Tensor, "n C _ _"]:
    """Maps with `size` rows and columns, unless they have fewer pixels."""
    return x if x.shape[2:].numel() < math.prod(size) else resized(x, size)


def resized(x: Float[torch.Tensor, "n C _ _"], size: Sequence[int]) -> Float[torch.Tensor, "n C {size[0]} {size[1]}"]:
    """Maps [images, channels, rows, columns] with `size` rows and columns, bilinear where they have others."""
    return x if x.shape[2:] == tuple(size) else F.interpolate(x, size=tuple(size), mode="bilinear")


def direct_match(source: Float[Array, "n _ _ _"] | list, target: Float[Array, "n _ _ _"] | list) -> AffineMap:
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
def residual(mapped: Shaped[Array, "n ..."], target: Shaped[Array, "n ..."]) -> float:
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


@torch.no_grad()
def hits(
    stitch: nn.Module,
    source: Float[Array, "n _ _ _"] | list,
    end: nn.Module,
    labels: Integer[Array, " n"] | list,
    batch_size: int = 256,
) -> Bool[torch.Tensor, " n"]:
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


def accuracy(
    stitch: nn.Module, source: Float[Array, "n _ _ _"] | list, end: nn.Module, labels: Integer[Array, " n"] | list
) -> float:
    """Share of the images that `end` classifies rightly from the stitched representation of a source."""
    return float(hits(stitch, source, end, labels).double().mean())


def _stitched(stitch: nn.Module, part: torch.Tensor) -> torch.Tensor:
    with complaints(type(stitch).__name__, part):
        return stitch(part)


def _rows(x: torch.Tensor) -> torch.Tensor:
    """[images, channels, rows, columns] -> [images * rows * columns, channels] float64."""
    return x.movedim(1, -1).flatten(0, 2).double()
