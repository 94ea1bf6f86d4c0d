"""Centred kernel alignment of representations with linear kernels (fact sheet of the paper, 3.1 and 3.2).

Estimators of the Hilbert-Schmidt independence criterion: 'biased' (HSIC_0) and 'unbiased' (HSIC_1, Song et al.).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.models import check_count
from lib.representations import activations, check_points

ESTIMATORS = ("biased", "unbiased")


@dataclass(frozen=True, eq=False)
class CKAMatrix:
    """CKA of every two layers of several networks.

    Attributes:
        values: [layers, layers] float64, the layers of all networks behind one another.
        layers: the layers of each network.
        estimator: which HSIC; batch_size, passes: how its sums were made; images: how many.
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
        return self.values[ends[first]:ends[first + 1], ends[second]:ends[second + 1]]


def gram(x: torch.Tensor) -> torch.Tensor:
    """Linear Gram matrix of [n, ...] -> [n, n] float64, all but the first axis flattened."""
    x = x.flatten(1)
    # The Gram matrix of centred features is what HSIC sees; centring first keeps the digits of what matters.
    x = x - x.mean(0)
    return (x @ x.T).double()


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
    diagonal = torch.eye(n, dtype=torch.bool, device=k.device)
    k = k.masked_fill(diagonal, 0)
    means = k.sum(-1, keepdim=True) / (n - 2)
    means = means - means.sum(-2, keepdim=True) / (2 * (n - 1))
    return (k - means - means.transpose(-2, -1)).masked_fill(diagonal, 0)


def hsic(k: torch.Tensor, l: torch.Tensor, estimator: str) -> float:
    """HSIC of two Gram matrices [n, n]: divided by (n - 1)^2 if 'biased', by n (n - 3) if 'unbiased'."""
    n = len(k)
    product = (centred(k, estimator) * centred(l, estimator)).sum().item()
    return product / ((n - 1) ** 2 if estimator == "biased" else n * (n - 3))


def linear_cka(x: torch.Tensor, y: torch.Tensor, estimator: str) -> float:
    """CKA of two representations [n, ...] of the same n images, all at once.

    Raises:
        ValueError: fewer than 4 images, different numbers of them, an unknown estimator, or a constant representation.
    """
    if len(x) != len(y):
        raise ValueError(f"both representations need the same images, not {len(x)} and {len(y)}")
    grams = torch.stack([gram(torch.as_tensor(x)), gram(torch.as_tensor(y))])
    return float(normalised(inner_products(grams, estimator))[0, 1])


def minibatch_cka(models: Sequence[nn.Module], images: torch.Tensor, points: Sequence[Sequence[str]], *,
                  estimator: str = "unbiased", batch_size: int = 256, passes: int = 10,
                  generator: torch.Generator, device: str = "auto") -> CKAMatrix:
    """Minibatch CKA (fact sheet 3.2) of every two layers of all networks, from the same passes over the images.

    HSIC of every pair is summed over the batches in float64 and divided once.  Every pass takes the images in a new
    order from `generator`; images that do not fill the last batch are left out of that pass.  The same order whatever
    the networks are.

    Args:
        points: the layers of each network, as `lib.representations.activations` takes them.

    Raises:
        ValueError: a batch size below 4 or above the number of images, an unknown estimator or layer, or a layer that
            is constant over the images.
    """
    check_estimator(estimator)
    check_count("batch_size", batch_size, 4)
    check_count("passes", passes)
    if batch_size > len(images):
        raise ValueError(f"batches of {batch_size} need as many images, and there are {len(images)}")
    for model, chosen in zip(models, points, strict=True):
        check_points(model, chosen)
    sums = sum(inner_products(torch.stack([gram(layer) for model, chosen in zip(models, points)
                                           for layer in _layers(model, images[order], chosen, device)]), estimator)
               for order in batches(len(images), batch_size, passes, generator))
    return CKAMatrix(normalised(sums), tuple(map(tuple, points)), estimator, batch_size, passes, len(images))


def check_estimator(estimator: str) -> None:
    """Raises ValueError, naming the estimators there are, for any other."""
    if estimator not in ESTIMATORS:
        raise ValueError(f"unknown estimator {estimator!r}; the estimators are {', '.join(ESTIMATORS)}")


def _layers(model, images, points, device) -> Iterator[torch.Tensor]:
    yield from next(activations(model, images, points, batch_size=len(images), device=device)).values()


def batches(images: int, batch_size: int, passes: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The places of the images of every batch of every pass, each [batch_size]."""
    for _ in range(passes):
        order = torch.randperm(images, generator=generator)
        yield from order[:images - images % batch_size].split(batch_size)


def inner_products(grams: torch.Tensor, estimator: str) -> np.ndarray:
    """Inner products [layers, layers] of the Gram matrices [layers, n, n], centred: one product for all pairs."""
    vectors = centred(grams, estimator).flatten(1)
    return (vectors @ vectors.T).cpu().numpy()


def normalised(products: np.ndarray) -> np.ndarray:
    """CKA from sums of `inner_products` over batches: [layers, layers].

    Raises:
        ValueError: a layer that is constant over the images.
    """
    norms = np.diagonal(products)
    if not (norms > 0).all():
        raise ValueError(f"layer {int(np.argmin(norms))} is the same for all images: it has no CKA")
    return products / np.sqrt(norms[:, None] * norms)
