"""Gram matrices of all layers of a network on all images: what components and CKA need, without the activations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.cka.estimators import centred, gram, inner_products, normalised, of_images
from lib.models.representations import activations

FLOATS = 2.5e8  # activations held at a time, 1 GB, or those of a single layer where they are more


@dataclass(frozen=True, eq=False)
class LayerGrams:
    """Linear kernels of the layers of one network.

    Attributes:
        points: the layers.
        grams: [layers, n, n] float64, of features centred over all n images.
        squares: [layers, n] float64, squared lengths of the images' activations as they are, not centred.
    """

    points: tuple[str, ...]
    grams: torch.Tensor
    squares: np.ndarray

    def together(self, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The features of these layers ([layers] bool) behind one another: their Gram matrix [n, n] and lengths [n]."""
        return self.grams[torch.from_numpy(layers)].sum(0).numpy(), np.sqrt(self.squares[layers].sum(0))


def layer_grams(model: nn.Module, images: torch.Tensor, points: Sequence[str], *, device: str = "auto") -> LayerGrams:
    """Gram matrices and squared lengths of the layers `points` on [n, C, H, W], in eval mode.

    Raises:
        ValueError: as `lib.models.representations.activations`.
    """
    grams, squares = zip(*_by_layer(model, images, points, device))
    return LayerGrams(tuple(points), torch.stack(grams), np.stack(squares))


def gram_cka(grams: torch.Tensor, batches: Iterable[torch.Tensor],
             change: Callable[[np.ndarray], np.ndarray] | None = None, estimator: str = "unbiased") -> np.ndarray:
    """Minibatch CKA (fact sheet 3.2) from Gram matrices of all images: [layers, n, n] -> [layers, layers].

    Args:
        batches: the places of the images of each batch, as `lib.cka.estimators.batches` gives them.
        change: what is done to the Gram matrix [b, b] of every layer and batch, centred over the images of the batch.

    Raises:
        ValueError: a layer that is constant over the images.
    """
    def part(gram, places):
        cut = of_images(gram, places)
        return cut if change is None else torch.from_numpy(change(centred(cut, "biased").numpy()))

    return normalised(sum(inner_products((part(gram, places) for gram in grams), estimator) for places in batches))


def _by_layer(model, images, points, device) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
    for group in _groups(model, images, points, device):
        batches = list(activations(model, images, group, device=device))
        for point in group:
            layer = torch.cat([batch.pop(point).flatten(1) for batch in batches])
            yield gram(layer).cpu(), layer.square().sum(1, dtype=torch.float64).cpu().numpy()


def _groups(model, images, points, device) -> Iterator[list[str]]:
    """Neighbouring layers whose activations on all images are held at once."""
    (sizes,) = activations(model, images[:1], points, device=device)
    group, held = [], 0
    for point in points:
        floats = sizes[point].numel() * len(images)
        if group and held + floats > FLOATS:
            yield group
            group, held = [], 0
        group.append(point)
        held += floats
    yield group
