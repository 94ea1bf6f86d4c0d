"""The images that dominate a first component: how few carry it, how large they are, and CKA without them.

The follow-up of the paper traces the block structure to few images with very large activations (fact sheet 9).
Coefficients are [n], one an image, of unit length.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import norm, rankdata

from lib.cka.estimators import batches
from lib.cka.layer_grams import gram_cka

TOP = 10  # images that are called dominant


class Dropped(NamedTuple):
    """Mean CKA of pairs of layers, on all images, without the dominant ones, and without as many random ones."""

    none: float
    dominant: float
    random: float


def dominant(coefficients: np.ndarray, count: int = TOP) -> np.ndarray:
    """The places [count] of the images with the largest coefficients in absolute value, the largest first."""
    return np.argsort(-np.abs(coefficients), kind="stable")[:count]


def carried(coefficients: np.ndarray) -> np.ndarray:
    """Share of the sum of squares that the 1, 2, ... n images with the largest coefficients have: -> [n]."""
    squares = np.sort(np.square(coefficients))[::-1]
    return np.cumsum(squares) / squares.sum()


def normal_carried(images: int) -> np.ndarray:
    """`carried` for coefficients that follow a normal law of mean 0, as their quantiles tell: -> [images]."""
    return carried(norm.ppf(0.5 + (np.arange(images) + 0.5) / (2 * images)))


def one_percent(images: int) -> int:
    """How many images 1 % of them are, one at least."""
    return max(1, round(images / 100))


def excess_carried(coefficients: np.ndarray) -> float:
    """What the 1 % of images with the largest coefficients carry, less what they carry under a normal law."""
    count = one_percent(len(coefficients))
    return float((carried(coefficients) - normal_carried(len(coefficients)))[count - 1])


def norm_rank(coefficients: np.ndarray, norms: np.ndarray) -> float:
    """Mean rank of the dominant images' activations among those of all images by their length, from 0 to 1.

    One half where length and coefficient have nothing to do with each other.
    """
    return float(((rankdata(norms) - 0.5) / len(norms))[dominant(coefficients)].mean())


def shared(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the TOP images with the largest values in absolute value of `first` that are also among those of
    `second`, each [n]; two unrelated orders share TOP / n on average."""
    count = min(TOP, len(first))
    return len(np.intersect1d(dominant(first), dominant(second))) / count


def mean_shared(rows: Sequence[np.ndarray]) -> float:
    """Mean of `shared` over all pairs of networks: [networks, n] coefficients.

    Raises:
        ValueError: fewer than 2 networks.
    """
    if len(rows) < 2:
        raise ValueError(f"networks are compared in pairs, and there are {len(rows)}")
    return float(np.mean([shared(rows[i], rows[j]) for i in range(len(rows)) for j in range(i)]))


def dropped_cka(grams: torch.Tensor, coefficients: np.ndarray, count: int, draws: int, batch_size: int, passes: int,
                generator: torch.Generator) -> Dropped:
    """Mean CKA between different layers [layers, n, n] without `count` images: the dominant ones, and random ones.

    The value for random ones is a mean over `draws` choices.  Every choice leaves as many images, and they are put in
    the same order of places for minibatch CKA.

    Raises:
        ValueError: fewer than 2 layers, or batches larger than what is left.
    """
    images = len(coefficients)
    if len(grams) < 2 or not 4 <= batch_size <= images - count:
        raise ValueError(f"needs 2 layers and batches of 4 to {images - count} images, what is left of {images}; not "
                         f"{len(grams)} and {batch_size}")
    places = list(batches(images - count, batch_size, passes, generator))

    def mean_cka(left_out):
        left = torch.from_numpy(np.setdiff1d(np.arange(images), left_out))
        cka = gram_cka(grams, [left[batch] for batch in places])
        return float(cka[np.triu_indices(len(cka), 1)].mean())

    random = [mean_cka(torch.randperm(images, generator=generator)[:count].numpy()) for _ in range(draws)]
    whole = gram_cka(grams, batches(images, batch_size, passes, generator))
    return Dropped(float(whole[np.triu_indices(len(whole), 1)].mean()), mean_cka(dominant(coefficients, count)),
                   float(np.mean(random)))
