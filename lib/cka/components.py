"""Principal components of a representation over the images, CKA in terms of them, and the images that dominate one.

Features are centred over the images: X = U S V^T with one row an image.  Component i has the variance
lambda_i = s_i^2 and one coefficient an image, the i-th column of U.  Nguyen et al. (2022) trace the block structure to
the few images with the largest coefficients of the first component.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import eigsh
from scipy.stats import norm, rankdata

from lib.statistics.intervals import Interval
from lib.statistics.pairs import over_pairs

TOP = 10  # images that are called dominant


class Components(NamedTuple):
    """The lambda_i [components] above 0, the largest first, and the u_i [n, components], of unit length."""

    variances: np.ndarray
    vectors: np.ndarray


class FirstComponent(NamedTuple):
    """lambda_1, its share of the sum of all lambda, and u_1 [n] of unit length, its largest entry in size positive."""

    variance: float
    share: float
    coefficients: np.ndarray


def components(x: np.ndarray) -> Components:
    """All components of [n, ...] in float64, from the Gram matrix or from the covariance, whichever is smaller.

    Raises:
        ValueError: fewer than 2 images, what is not finite, or a representation that is the same for all images.
    """
    x = np.asarray(x, dtype=float).reshape(len(x), -1)
    if len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"components need finite features of at least 2 images, not of shape {x.shape}")
    whole = np.linalg.norm(x)
    x = x - x.mean(0)
    if np.linalg.norm(x) <= len(x) * np.finfo(float).eps * whole:  # rounding alone
        raise ValueError("a representation that is the same for all images has no components")
    wide = x.shape[1] > len(x)
    variances, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = np.flatnonzero(variances > max(x.shape) * np.finfo(float).eps * variances[-1])[::-1]
    variances, vectors = variances[kept], vectors[:, kept]
    return Components(variances, vectors if wide else x @ vectors / np.sqrt(variances))


def component_cka(x: Components, y: Components) -> float:
    """Biased linear CKA of two representations as a weighted sum of squared cosines of their components.

    sum_ij lambda_i lambda'_j <u_i, u'_j>^2 / (sqrt(sum_i lambda_i^2) sqrt(sum_j lambda'_j^2)).

    Raises:
        ValueError: components over different numbers of images.
    """
    if len(x.vectors) != len(y.vectors):
        raise ValueError(f"both need the same images, not {len(x.vectors)} and {len(y.vectors)}")
    cosines = (x.vectors.T @ y.vectors) ** 2
    return float(x.variances @ cosines @ y.variances / np.linalg.norm(x.variances) / np.linalg.norm(y.variances))


def first_component(gram: np.ndarray) -> FirstComponent:
    """The first component from the centred Gram matrix [n, n], float64.

    Raises:
        ValueError: a matrix that is not square or finite, of fewer than 3 images, or without any variance.
    """
    gram = np.asarray(gram, dtype=float)
    if gram.ndim != 2 or len(gram) < 3 or gram.shape[0] != gram.shape[1] or not np.isfinite(gram).all():
        raise ValueError(f"a Gram matrix must be finite, [n, n] of at least 3 images, not of shape {gram.shape}")
    if not (whole := np.trace(gram)) > 0:
        raise ValueError("a representation that is the same for all images has no first component")
    # A start of its own each time: the same matrix always gives the same digits.
    (variance,), vectors = eigsh(gram, 1, which="LA", v0=np.random.default_rng(0).standard_normal(len(gram)))
    vector = vectors[:, 0]
    return FirstComponent(float(variance), float(variance / whole), vector * np.sign(vector[np.abs(vector).argmax()]))


def without_first(gram: np.ndarray) -> np.ndarray:
    """The centred Gram matrix [n, n] of X - s_1 u_1 v_1^T: all other components stay as they are."""
    first = first_component(gram)
    return gram - first.variance * np.outer(first.coefficients, first.coefficients)


def squared_cosines(vectors: np.ndarray) -> np.ndarray:
    """<u_a, u_b>^2 of unit vectors [layers, n] -> [layers, layers]."""
    return (vectors @ vectors.T) ** 2


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
    """Share of the TOP images with the largest absolute values of `first` that are among those of `second`, each [n].

    Two unrelated orders share TOP / n on average.
    """
    count = min(TOP, len(first))
    return len(np.intersect1d(dominant(first), dominant(second))) / count


def shared_interval(rows: Sequence[np.ndarray], level: float = 0.95) -> Interval:
    """Mean of `shared` over all pairs of networks, [networks, n] coefficients, with its interval over networks."""
    values = np.full((len(rows),) * 2, np.nan)
    for first, second in combinations(range(len(rows)), 2):
        values[first, second] = shared(rows[first], rows[second])
    return tuple(map(float, over_pairs(values).interval(level=level)))
