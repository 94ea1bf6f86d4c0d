"""Residual networks of growing depth and of growing width, as populations of trained networks."""

from collections.abc import Iterable
from dataclasses import dataclass

from lib.data.loading import ImageData
from lib.training.populations import Population, three_or_more
from lib.training.specification import specify


@dataclass(frozen=True, order=True)
class Architecture:
    """A network of `lib.models.cifar_resnets`: depth 6n + 2, width multiplier, with residual connections or without."""

    depth: int
    width: int = 1
    residual: bool = True

    @property
    def family(self) -> str:
        return f"{'resnet' if self.residual else 'plain'}-{self.depth}"

    def __str__(self) -> str:
        return f"{'ResNet' if self.residual else 'plain'}-{self.depth} ({self.width}×)"


def architecture_populations(
    images: ImageData, architectures: Iterable[Architecture], seeds: int, **recipe
) -> dict[Architecture, Population]:
    """Networks 0 to seeds - 1 of every architecture on the same images; what is missing is trained now.

    Args:
        recipe: fields of `lib.training.specification.Specification`, RECIPE by default.

    Raises:
        ValueError: fewer than 3 networks of an architecture kept a finite loss.
    """
    wanted = {one: specify(images, one.family, one.width, **{**RECIPE, **recipe}) for one in architectures}
    found = three_or_more({specification: range(seeds) for specification in wanted.values()})
    return {architecture: found[specification] for architecture, specification in wanted.items()}


def grid(depths: Iterable[int], wide_depth: int, widths: Iterable[int], residual: bool = True) -> list[Architecture]:
    """All depths at width 1 and all widths at `wide_depth`, each architecture once."""
    return list(
        dict.fromkeys(
            [
                *(Architecture(depth, 1, residual) for depth in depths),
                *(Architecture(wide_depth, width, residual) for width in widths),
            ]
        )
    )


# Fact sheet 2.1 but for the batch, 128 there: small batches make more steps of few images.
RECIPE = {"schedule": "cosine", "momentum": 0.9, "weight_decay": 2e-4, "learning_rate": 0.01, "batch_size": 32}
