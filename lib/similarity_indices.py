"""Indices of how alike two representations are, beside CKA (fact sheet of the stitching paper, 4)."""

import numpy as np
import torch

from lib.stitching import check_same_images


def samples(x: torch.Tensor, y: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Two maps [images, channels, rows, columns] as matrices [samples, features], as the authors' code has them.

    Maps of one shape: every position is a sample, channels are features; otherwise means over positions.
    """
    check_same_images(x, y)
    if x.shape == y.shape:
        return tuple(part.movedim(1, -1).flatten(0, -2).double().numpy() for part in (x, y))
    return tuple(part.flatten(2).double().mean(2).numpy() for part in (x, y))


def normalised(x: np.ndarray) -> np.ndarray:
    """[samples, features] with every feature centred, then divided by its Frobenius norm.

    Raises:
        ValueError: a representation that is the same for all samples.
    """
    x = np.asarray(x, dtype=float)
    x = x - x.mean(0)
    norm = np.linalg.norm(x)
    if not norm > 0:
        raise ValueError("a representation is the same for all samples: it has no similarity to anything")
    return x / norm


def procrustes(x: np.ndarray, y: np.ndarray) -> float:
    """Orthogonal Procrustes distance of two normalised representations [samples, features]: from 0 to 2."""
    return float(2 - 2 * np.linalg.svd(normalised(x).T @ normalised(y), compute_uv=False).sum())


def canonical_correlations(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Canonical correlations [c] of [samples, features], largest first, and the variates of x [samples, c].

    Directions without variance (singular values below the rounding error) are dropped.
    """
    x, y = normalised(x), normalised(y)
    bases = []
    for part in (x, y):
        left, values, _ = np.linalg.svd(part, full_matrices=False)
        bases.append(left[:, values > values[0] * max(part.shape) * np.finfo(float).eps])
    left, correlations, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    return np.clip(correlations, 0, 1), bases[0] @ left


def mean_cca(x: np.ndarray, y: np.ndarray) -> float:
    """Mean canonical correlation, from 0 to 1."""
    return float(canonical_correlations(x, y)[0].mean())


def pwcca(x: np.ndarray, y: np.ndarray) -> float:
    """Projection-weighted CCA distance, from 0 to 1; x weighs, so that it is not symmetric (fact sheet 4)."""
    correlations, variates = canonical_correlations(x, y)
    weights = np.abs(variates.T @ normalised(x)).sum(1)
    return float(1 - weights @ correlations / weights.sum())
