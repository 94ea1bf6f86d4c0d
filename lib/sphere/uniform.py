"""Directions on the unit sphere in `dim` dimensions, and the law of their cosines where they have nothing in common."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincc, gammaln, xlog1py

from lib.runtime.checks import real_numbers, shown


def uniform_pdf(t: ArrayLike, dim: int) -> np.ndarray:
    """Density of the cosine t between a fixed direction and a uniform one on the sphere in `dim` dimensions.

    P_origin of the salience paper's Fig. 8: proportional to (1 - t^2)^((dim - 3) / 2).  At t = +-1 it
    takes its limit: infinite on the circle, 1/2 in three dimensions, 0 above; beyond them it is 0.  Raises ValueError
    for fewer than 2 dimensions, as everything here does.
    """
    return np.exp(uniform_logpdf(t, dim))


def uniform_logpdf(t: ArrayLike, dim: int) -> np.ndarray:
    """Logarithm of `uniform_pdf`, where that would vanish too."""
    check_dimension(dim)
    t = real_numbers("cosines", t).astype(float, copy=False)
    log_constant = gammaln(dim / 2) - gammaln((dim - 1) / 2) - 0.5 * np.log(np.pi)
    inside, power = np.clip(t, -1, 1), 0.5 * (dim - 3)
    log_shape = xlog1py(power, inside) + xlog1py(power, -inside)  # 0 log 0 = 0, which keeps dim = 3 flat to its ends
    return np.where(np.abs(t) > 1, -np.inf, log_constant + log_shape)


def cosine_tail(p: ArrayLike, dim: int) -> np.ndarray:
    """P(Z > p) for the cosine Z of two independent Gaussian vectors in `dim` dimensions (Fig. 22).

    Keeps its relative precision in the tail, down to the smallest positive numbers; beyond p = +-1 it is 0 or 1.
    """
    check_dimension(dim)
    p = np.clip(real_numbers("cosines", p).astype(float, copy=False), -1, 1)
    size, half = np.abs(p), (dim - 1) / 2
    # Two forms of one integral: 1 - p^2 loses the digits of a small p, and p^2 those of a p near 1.
    upper = 0.5 * np.where(size < 0.7, betaincc(0.5, half, size**2), betainc(half, 0.5, (1 - size) * (1 + size)))
    return np.where(p >= 0, upper, 1 - upper)


def uniform_directions(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    """[count, dim] independent directions, uniform on the unit sphere."""
    check_dimension(dim)
    gaussian = rng.standard_normal((count, dim))
    return gaussian / np.linalg.norm(gaussian, axis=1, keepdims=True)


def tangent_normal(u: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split directions u = t mu + sqrt(1 - t^2) mu_perp (Fig. 4b): -> t [n], mu_perp [n, dim] of unit length, float64.

    Args:
        u: [n, dim] unit rows; mu: [dim], of unit length.  mu_perp of a row that equals +-mu is not defined: zero.
    """
    u, mu = (real_numbers("directions", part).astype(float, copy=False) for part in (u, mu))
    if u.ndim != 2 or mu.shape != u.shape[1:]:
        raise ValueError(f"directions [n, dim] need a mean direction [dim], not of shapes {u.shape} and {mu.shape}")
    if not np.allclose([*np.linalg.norm(u, axis=1), np.linalg.norm(mu)], 1, atol=1e-3):
        raise ValueError("directions and their mean direction must be of length 1")
    t = u @ mu
    rest = u - t[:, None] * mu
    rest -= (rest @ mu)[:, None] * mu  # a float32 mu is a unit only to 1e-7: once more, or u = mu would leave +-mu here
    length = np.linalg.norm(rest, axis=1, keepdims=True)
    return t, np.divide(rest, length, where=length > 1e-12, out=np.zeros_like(rest))


def check_dimension(dim: int) -> None:
    """Raises ValueError for fewer than 2 dimensions."""
    if not dim >= 2:
        raise ValueError(f"a sphere needs at least 2 dimensions, not {shown(dim)}")
