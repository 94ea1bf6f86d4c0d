"""Indices of how alike two representations are (Balogh and Jelasity, AAAI 2025), and what each of them promises.

A distance or correlation is of matrices [samples, features]; `Index` takes representations of images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Real, Shaped

from lib.cka.estimators import linear_cka
from lib.models import doors
from lib.models.doors import Array

CKA, PWCCA, PROCRUSTES, MEAN_CCA = "CKA", "PWCCA", "Procrustes", "mean CCA"
# Kinds of linear maps of the features, each among those of the next.
PERMUTATIONS, ROTATIONS, INVERTIBLE = GROUPS = ("permutations", "rotations", "invertible maps")


@dataclass(frozen=True)
class Index:
    """A similarity index and its invariances; shifts and one scale for all features change none of them.

    Attributes:
        of: two matrices [samples, features] of the same samples -> number.
        first, second: which of GROUPS change nothing as maps of the features of the first, and of the second.
        furthest: the largest value of a distance; None of an index that is larger for what is more alike, 1 at most.
        by_position: whether positions of two maps of one shape are samples (`samples`) or, as others, features.
    """

    of: Callable[[np.ndarray, np.ndarray], float]
    first: str
    second: str
    furthest: float | None = None
    by_position: bool = True

    def between(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Of two representations [images, ...] of the same images."""
        x, y = doors.as_layer("x", x), doors.as_layer("y", y)
        return self.of(*(samples(x, y) if self.by_position else (_matrix(part.flatten(1)) for part in (x, y))))

    def likeness(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """The same, turned and scaled so that more is more alike and 1 is the same."""
        value = self.between(x, y)
        return value if self.furthest is None else 1 - value / self.furthest


def samples(
    x: Shaped[Array, "n ..."], y: Shaped[Array, "n ..."]
) -> tuple[Float64[np.ndarray, "samples _"], Float64[np.ndarray, "samples _"]]:
    """Two representations as float64 matrices [samples, features], as the authors' code has them.

    Maps [images, channels, rows, columns] of one shape: every position is a sample, channels are features; otherwise
    the means over positions.  Representations without positions, [images, features], stay as they are.

    Raises:
        ValueError: representations of another form, different numbers of images, or none.
    """
    x, y = doors.as_layer("x", x), doors.as_layer("y", y)
    doors.check_same_images(x, y)
    for part in (x, y):
        if part.ndim not in (2, 4):
            raise ValueError(
                f"a representation must be [images, channels, rows, columns] or [images, features], not "
                f"{list(part.shape)}"
            )
    if x.shape == y.shape:
        first, second = (part.movedim(1, -1).flatten(0, -2) for part in (x, y))
    else:
        first, second = (part.reshape(*part.shape[:2], -1).double().mean(2) for part in (x, y))
    return _matrix(first), _matrix(second)


def normalised(x: Real[np.ndarray, "n p"]) -> Float64[np.ndarray, "n p"]:
    """[samples, features] with every feature centred, then divided by its Frobenius norm.

    Raises:
        ValueError: no matrix, numbers that are not finite, or a representation that is the same for all samples.
    """
    x = _matrix(doors.as_layer("a representation", x))
    if x.ndim != 2:
        raise ValueError(f"a representation must be a matrix [samples, features], not {list(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError("a representation has numbers that are not finite")
    centred = x - x.mean(0)
    norm = np.linalg.norm(centred)
    # A constant's mean is not that constant to the last bit.
    if not norm > len(x) * np.finfo(float).eps * np.linalg.norm(x):
        raise ValueError("a representation is the same for all samples: it has no similarity to anything")
    return centred / norm


def procrustes_distance(x: Real[np.ndarray, "n p"], y: Real[np.ndarray, "n q"]) -> float:
    """Orthogonal Procrustes distance of two normalised representations [samples, features]: from 0 to 2.

    Raises:
        ValueError: different numbers of samples, or what `normalised` refuses; so do the indices below.
    """
    x, y = _normalised_pair(x, y)
    return float(max(0, 2 - 2 * np.linalg.svd(x.T @ y, compute_uv=False).sum()))


def canonical_variates(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Canonical correlations of two representations [samples, features], and the canonical variates of the first.

    Directions without variance (singular values below the rounding error) are dropped, which leaves ranks r and s.

    Returns:
        Correlations [min(r, s)], largest first, and variates of x [samples, r], orthonormal.  Those beyond the
        correlations have no partner in y; they are the principal directions of what is left of x.
    """
    x, y = _normalised_pair(x, y)
    bases = []
    for part in (x, y):
        left, values, _ = np.linalg.svd(part, full_matrices=False)
        bases.append(left[:, values > values[0] * max(part.shape) * np.finfo(float).eps])
    left, correlations, _ = np.linalg.svd(bases[0].T @ bases[1])
    variates = bases[0] @ left
    if len(correlations) < variates.shape[1]:
        alone = variates[:, len(correlations) :]
        variates[:, len(correlations) :] = alone @ np.linalg.svd(alone.T @ x, full_matrices=False)[0]
    return np.clip(correlations, 0, 1), variates


def cca(x: Real[np.ndarray, "n p"], y: Real[np.ndarray, "n q"]) -> Float64[np.ndarray, " k"]:
    """The canonical correlations of two representations [samples, features], largest first, from 0 to 1."""
    return canonical_variates(x, y)[0]


def mean_cca(x: Real[np.ndarray, "n p"], y: Real[np.ndarray, "n q"]) -> float:
    """Mean canonical correlation of two representations [samples, features], from 0 to 1."""
    return float(cca(x, y).mean())


def pwcca_distance(x: Real[np.ndarray, "n p"], y: Real[np.ndarray, "n q"]) -> float:
    """Projection-weighted CCA distance of two representations [samples, features]: from 0 to 1.

    x weighs, so that it is not symmetric.  As in the authors' code, directions of x that have no partner in y weigh
    too, with a correlation of 0.
    """
    correlations, variates = canonical_variates(x, y)
    weights = np.abs(variates.T @ normalised(x)).sum(1)
    return float(max(0, 1 - weights[: len(correlations)] @ correlations / weights.sum()))


def biased_cka(x: Real[np.ndarray, "n p"], y: Real[np.ndarray, "n q"]) -> float:
    """Linear CKA, biased, of two representations [samples, features]: from 0 to 1."""
    return linear_cka(x, y, unbiased=False)


SIMILARITY_INDICES = {
    CKA: Index(biased_cka, ROTATIONS, ROTATIONS, by_position=False),
    PWCCA: Index(pwcca_distance, PERMUTATIONS, INVERTIBLE, furthest=1),
    PROCRUSTES: Index(procrustes_distance, ROTATIONS, ROTATIONS, furthest=2),
    MEAN_CCA: Index(mean_cca, INVERTIBLE, INVERTIBLE),
}


def _normalised_pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = normalised(x), normalised(y)
    if len(x) != len(y):
        raise ValueError(f"both need the same samples, not {len(x)} and {len(y)}")
    return x, y


def _matrix(x: torch.Tensor) -> np.ndarray:
    return x.cpu().double().numpy()
