"""Indices of how alike two representations are, beside CKA (fact sheet of the stitching paper, 4)."""

import numpy as np
import torch

from lib.stitching.matchings import check_same_images


def samples(x: torch.Tensor, y: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Two representations as matrices [samples, features], as the authors' code has them.

    Maps [images, channels, rows, columns] of one shape: every position is a sample, channels are features; otherwise
    the means over positions.  Representations without positions, [images, features], stay as they are.
    """
    check_same_images(x, y)
    if x.shape == y.shape:
        return tuple(part.movedim(1, -1).flatten(0, -2).double().numpy() for part in (x, y))
    return tuple(part.reshape(*part.shape[:2], -1).double().mean(2).numpy() for part in (x, y))


def normalised(x: np.ndarray) -> np.ndarray:
    """[samples, features] with every feature centred, then divided by its Frobenius norm.

    Raises:
        ValueError: a representation that is the same for all samples.
    """
    x = np.asarray(x, dtype=float)
    centred = x - x.mean(0)
    norm = np.linalg.norm(centred)
    # A constant's mean is not that constant to the last bit.
    if not norm > len(x) * np.finfo(float).eps * np.linalg.norm(x):
        raise ValueError("a representation is the same for all samples: it has no similarity to anything")
    return centred / norm


def procrustes(x: np.ndarray, y: np.ndarray) -> float:
    """Orthogonal Procrustes distance of two normalised representations [samples, features]: from 0 to 2."""
    x, y = _normalised_pair(x, y)
    return float(max(0, 2 - 2 * np.linalg.svd(x.T @ y, compute_uv=False).sum()))


def canonical_correlations(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
        alone = variates[:, len(correlations):]
        variates[:, len(correlations):] = alone @ np.linalg.svd(alone.T @ x, full_matrices=False)[0]
    return np.clip(correlations, 0, 1), variates


def mean_cca(x: np.ndarray, y: np.ndarray) -> float:
    """Mean canonical correlation, from 0 to 1."""
    return float(canonical_correlations(x, y)[0].mean())


def pwcca(x: np.ndarray, y: np.ndarray) -> float:
    """Projection-weighted CCA distance, from 0 to 1; x weighs, so that it is not symmetric (fact sheet 4).

    As in the authors' code, directions of x that have no partner in y weigh too, with a correlation of 0.
    """
    correlations, variates = canonical_correlations(x, y)
    weights = np.abs(variates.T @ normalised(x)).sum(1)
    return float(max(0, 1 - weights[:len(correlations)] @ correlations / weights.sum()))


def _normalised_pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(x) != len(y):
        raise ValueError(f"both need the same samples, not {len(x)} and {len(y)}")
    return normalised(x), normalised(y)
