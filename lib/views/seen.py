"""What measures of similarity see of a network: its input gradients, its predictions, what every block makes of images."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from lib.cka.estimators import gram
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.salience.extraction import directions, input_gradients
from lib.stitching.layers import Layer


@dataclass(frozen=True, eq=False)
class Seen:
    """One network on images that all networks share.

    Attributes:
        model: the network itself, in eval mode.
        images: [n, C, H, W].
        directions: [n, d] of its input gradients; predicted: [n] classes.
        layers: what each block makes of the images that maps are fitted to (`train`) and of the images (`test`), from
            the first block to the last; ends: all that comes after each of them.
        labels: of the same images.
        place: the block that measures of representations compare, counted as Python does.
    """

    model: nn.Module
    images: torch.Tensor
    directions: np.ndarray
    predicted: np.ndarray
    layers: tuple[Layer, ...]
    ends: tuple[nn.Module, ...]
    labels: Layer
    place: int = -1

    @property
    def layer(self) -> Layer:
        """The block that measures of representations compare."""
        return self.layers[self.place]

    @property
    def end(self) -> nn.Module:
        """All that comes after it."""
        return self.ends[self.place]

    @cached_property
    def moment_ranks(self) -> np.ndarray:
        """[pairs of images] ranks of the inner products of what the block makes of two different images, centred."""
        return rankdata(gram(self.layer.test).numpy()[np.triu_indices(len(self.images), 1)])

    def at(self, place: int) -> "Seen":
        """The same network, compared at another block."""
        return replace(self, place=place)


def look(
    models: Iterable[nn.Module],
    images: torch.Tensor,
    labels: torch.Tensor,
    fitting: tuple[torch.Tensor, torch.Tensor],
    *,
    output: str = "logit",
    grid: int | None = 8,
) -> list[Seen]:
    """What measures see of networks that can be cut (`lib.models.cut_networks`).

    Args:
        images, labels: [n, C, H, W] and [n] that all networks are seen on.
        fitting: images and labels that maps between networks are fitted to.

    Raises:
        ValueError: a network without a gradient at any image, whose direction nobody could compare.
    """
    found = []
    for model in models:
        cut, gradients = CutNetwork(model), input_gradients(model, images, labels, output=output)
        rows = directions(gradients, grid=grid).numpy()
        if not rows.any():
            raise ValueError("a network has no gradient at any image; ask for more epochs or leave its group out")
        fitted, shown = cut.representations(fitting[0]), cut.representations(images)
        layers = tuple(Layer(fitted[point], shown[point]) for point in cut.points)
        ends, predicted = tuple(map(cut.end, cut.points)), shown[LOGITS].argmax(1).numpy()
        found.append(Seen(model, images, rows, predicted, layers, ends, Layer(fitting[1], labels)))
    return found
