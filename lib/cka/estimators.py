"""Centred kernel alignment of representations with linear kernels (fact sheet of the paper, 3.1 and 3.2).

Estimators of the Hilbert-Schmidt independence criterion: 'biased' (HSIC_0) and 'unbiased' (HSIC_1, Song et al.).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.models.representations import activations, check_points
from lib.runtime.checks import check_count
from lib.runtime.devices import find_device, on_device

ESTIMATORS = ("biased", "unbiased")
MEMORY = 2**30  # bytes of Gram matrices of all images held at once


@dataclass(frozen=True, eq=False)
class CKAMatrix:
    """CKA of every two layers of several networks.

    Attributes:
        values: [layers, layers] float64, the layers of all networks behind one another.
        layers: the layers of each network.
        estimator: of HSIC, 'biased' or 'unbiased'.
        batch_size: images a batch; passes: over `images` images, of which a pass takes as many whole batches as there
            are.
    """

    values: np.ndarray
    layers: tuple[tuple[str, ...], ...]
    estimator: str
    batch_size: int
    passes: int
    images: int

    def between(self, first: int, second: int) -> np.ndarray:
        """The part [layers of network `first`, layers of network `second`]."""
        ends = np.cumsum([0, *map(len, self.layers)])
        parts = list(map(slice, ends[:-1], ends[1:]))
        return self.values[parts[first], parts[second]]


def gram(x: torch.Tensor) -> torch.Tensor:
    """Linear Gram matrix of centred [n, ...] -> [n, n] float64, all but the first axis flattened.

    HSIC is the same with features that are not centred; centred, their products keep the digits that matter.
    """
    x = x.reshape(len(x), -1)
    x = x if x.dtype in (torch.float32, torch.float64) else x.double()
    x = x - x[0]  # leaves zeros of a constant, and not what rounding makes of its mean
    x -= x.mean(0)
    return (x @ x.T).double()


def of_images(k: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The rows and columns [b] of a Gram matrix [n, n] -> [b, b]."""
    return k.index_select(0, places).index_select(1, places)  # both at once takes three times as long


def centred(k: torch.Tensor, estimator: str) -> torch.Tensor:
    """Gram matrices [..., n, n] centred so that the inner product of two is HSIC up to a factor of n alone.

    'biased': H K H; 'unbiased': U-centring (Szekely and Rizzo), with a zero diagonal.

    Raises:
        ValueError: an unknown estimator, or fewer than 4 samples.
    """
    check_estimator(estimator)
    n = k.shape[-1]
    if n < 4:
        raise ValueError(f"HSIC needs at least 4 samples, not {n}")
    if estimator == "biased":
        return k - k.mean(-1, keepdim=True) - k.mean(-2, keepdim=True) + k.mean((-2, -1), keepdim=True)
    k = k.clone()
    k.diagonal(dim1=-2, dim2=-1).zero_()
    means = k.sum(-1, keepdim=True) / (n - 2)
    means -= means.sum(-2, keepdim=True) / (2 * (n - 1))
    k -= means
    k -= means.transpose(-2, -1)
    k.diagonal(dim1=-2, dim2=-1).zero_()
    return k


def hsic(k: torch.Tensor, l: torch.Tensor, estimator: str) -> float:
    """HSIC of two Gram matrices [n, n]: divided by (n - 1)^2 if 'biased', by n (n - 3) if 'unbiased'."""
    n = len(k)
    product = (centred(k, estimator) * centred(l, estimator)).sum().item()
    return product / ((n - 1) ** 2 if estimator == "biased" else n * (n - 3))


def linear_cka(x: torch.Tensor, y: torch.Tensor, estimator: str) -> float:
    """CKA of two representations [n, ...] of the same n images, all at once.

    Raises:
        ValueError: fewer than 4 images, different numbers of them, an unknown estimator, or a representation that is
            constant or not finite.
    """
    if len(x) != len(y):
        raise ValueError(f"both representations need the same images, not {len(x)} and {len(y)}")
    grams = [gram(torch.as_tensor(x)), gram(torch.as_tensor(y))]
    return float(normalised(inner_products(grams, estimator), "xy")[0, 1])


def minibatch_cka(models: Sequence[nn.Module], images: torch.Tensor, points: Sequence[Sequence[str]], *,
                  estimator: str = "unbiased", batch_size: int = 256, passes: int = 10,
                  generator: torch.Generator, device: str = "auto") -> CKAMatrix:
    """Minibatch CKA (fact sheet 3.2) of every two layers of all networks, from the same passes over the images.

    HSIC of every pair is summed over the batches in float64 and divided once.  Every pass takes the images in a new
    order from `generator`, the same whatever the networks are.  What does not fill the last batch is left out of that
    pass: of a smaller batch HSIC is as unbiased, but less certain.  With 'biased' the value depends on the batch size.

    Args:
        points: the layers of each network, as `lib.models.representations.activations` takes them.

    Raises:
        ValueError: no network, or not as many lists of layers; a batch size below 4 or above the number of images; an
            unknown estimator or layer; a layer that is constant over the images or not finite.
    """
    check_estimator(estimator)
    check_batches(batch_size, passes, len(images))
    if not models or len(models) != len(points):
        raise ValueError(f"every network needs its list of points, not {len(points)} lists for {len(models)} networks")
    for model, chosen in zip(models, points):
        check_points(model, chosen)
    device = find_device(device)
    models = [on_device(model, device) for model in models]
    orders = list(batches(len(images), batch_size, passes, generator))
    sums = sum(inner_products(grams, estimator) for grams in _grams_of(orders, models, images, points, device))
    names = [f"{point} of network {place}" for place, chosen in enumerate(points) for point in chosen]
    return CKAMatrix(normalised(sums, names), tuple(map(tuple, points)), estimator, batch_size, passes, len(images))


def batches(images: int, batch_size: int, passes: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The places of the images of every batch of every pass, each [batch_size], in orders from `generator`."""
    for _ in range(passes):
        order = torch.randperm(images, generator=generator)
        yield from order[:images - images % batch_size].split(batch_size)


def check_batches(batch_size: int, passes: int, images: int) -> None:
    """Raises ValueError for batches below 4 images or above all of them, and for no pass."""
    check_count("batch_size", batch_size, 4)
    check_count("passes", passes)
    if batch_size > images:
        raise ValueError(f"batches of {batch_size} need as many images, and there are {images}")


def inner_products(grams: Iterable[torch.Tensor], estimator: str) -> np.ndarray:
    """Inner products [layers, layers] of the Gram matrices [n, n] of all layers, centred: one product for all pairs."""
    vectors = torch.stack([centred(k, estimator).flatten() for k in grams])
    return (vectors @ vectors.T).cpu().numpy()


def normalised(products: np.ndarray, layers: Sequence[str] | None = None) -> np.ndarray:
    """CKA [layers, layers] from inner products [layers, layers], of one batch or summed over batches.

    layers: what an error calls them; by default their numbers from 0.

    Raises:
        ValueError: a layer that is constant over the images, or not finite.
    """
    norms = np.diagonal(products)
    for layer, norm in zip(range(len(norms)) if layers is None else layers, norms, strict=True):
        if not np.isfinite(norm):
            raise ValueError(f"layer {layer} has values that are not finite, or too large to multiply")
        if norm <= 0:
            raise ValueError(f"layer {layer} is the same for all images: it has no CKA")
    return products / np.sqrt(norms[:, None] * norms)


def check_estimator(estimator: str) -> None:
    """Raises ValueError, naming the estimators there are, for any other."""
    if estimator not in ESTIMATORS:
        raise ValueError(f"unknown estimator {estimator!r}; the estimators are {', '.join(ESTIMATORS)}")


def _grams_of(orders: Sequence[torch.Tensor], models: Sequence[nn.Module], images: torch.Tensor,
              points: Sequence[Sequence[str]], device: str) -> Iterator[Iterable[torch.Tensor]]:
    """The Gram matrices [n, n] of all layers of all networks for the images of each of `orders`.

    Where the batches together hold more pairs of images than there are, the matrices of all images are less work: a
    batch is then cut out of them.  They are centred over all images, which HSIC does not see.
    """
    count = len(images)
    if sum(len(order) ** 2 for order in orders) < count**2 or 8 * count**2 * sum(map(len, points)) > MEMORY:
        yield from (_grams(models, images[order], points, device) for order in orders)
        return
    whole = list(_grams(models, images, points, device))
    yield from ((of_images(k, order) for k in whole) for order in (order.to(device) for order in orders))


def _grams(models: Sequence[nn.Module], images: torch.Tensor, points: Sequence[Sequence[str]],
           device: str) -> Iterator[torch.Tensor]:
    """Gram matrices [n, n] of all layers of all networks; no more than one activation is held at a time."""
    for model, chosen in zip(models, points):
        yield from next(activations(model, images, chosen, of=gram, batch_size=len(images), device=device)).values()
