"""Geometry of directions: the unit sphere in d dimensions."""

import numpy as np
from scipy.special import betainc, gammaln


def uniform_pdf(t: np.ndarray, dim: int) -> np.ndarray:
    """Density of the cosine t between a fixed direction and a uniform one on the sphere in `dim` dimensions.

    P_origin of the salience paper's Fig. 8: proportional to (1 - t^2)^((dim - 3) / 2) (fact sheet 3.1).
    """
    _check_dimension(dim)
    t = np.asarray(t, dtype=float)
    log_constant = gammaln(dim / 2) - gammaln((dim - 1) / 2) - 0.5 * np.log(np.pi)
    inside = np.abs(t) < 1
    log_shape = 0.5 * (dim - 3) * np.log1p(-np.square(t, where=inside, out=np.zeros_like(t)))
    return np.where(inside, np.exp(log_constant + log_shape), 0.0)


def cosine_tail(p: np.ndarray, dim: int) -> np.ndarray:
    """P(Z > p) for the cosine Z of two independent Gaussian vectors in `dim` dimensions (Fig. 22; fact sheet 3.8).

    Keeps its relative precision in the tail, down to the smallest positive numbers.
    """
    _check_dimension(dim)
    p = np.asarray(p, dtype=float)
    upper = 0.5 * betainc((dim - 1) / 2, 0.5, 1 - np.square(p))
    return np.where(p >= 0, upper, 1 - upper)


def uniform_directions(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    """[count, dim] independent directions, uniform on the unit sphere."""
    _check_dimension(dim)
    gaussian = rng.standard_normal((count, dim))
    return gaussian / np.linalg.norm(gaussian, axis=1, keepdims=True)


def tangent_normal(u: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split directions u = t mu + sqrt(1 - t^2) mu_perp (Fig. 4b): -> t [n], mu_perp [n, dim] of unit length.

    Args:
        u: [n, dim] unit rows.
        mu: [dim], of unit length.

    mu_perp of a direction that equals +-mu is not defined: its row is zero.
    """
    t = u @ mu
    rest = u - t[:, None] * mu
    length = np.linalg.norm(rest, axis=1, keepdims=True)
    return t, np.divide(rest, length, where=length > 1e-12, out=np.zeros_like(rest))


def _check_dimension(dim: int) -> None:
    if dim < 2:
        raise ValueError(f"a sphere needs at least 2 dimensions, not {dim!r}")
