"""Directions on the unit sphere in d dimensions: their geometry, the uniform and the von Mises-Fisher distribution."""

import numpy as np
from scipy.special import betainc, betaincc, gammaln, xlog1py

from lib.sphere.bessel import bessel_ratio, log_scaled_bessel

MOST_DIMENSIONS = 20_000  # of a von Mises-Fisher distribution: as far as it was compared with other computations
CONCENTRATION_STEPS = 12  # of `vmf_concentration`: each gains a digit or more, on the circle; fewer would do in 3-space


def uniform_pdf(t: np.ndarray, dim: int) -> np.ndarray:
    """Density of the cosine t between a fixed direction and a uniform one on the sphere in `dim` dimensions.

    P_origin of the salience paper's Fig. 8: proportional to (1 - t^2)^((dim - 3) / 2) (fact sheet 3.1).  At t = +-1 it
    takes its limit: infinite on the circle, 1/2 in three dimensions, 0 above; beyond them it is 0.
    """
    return np.exp(uniform_logpdf(t, dim))


def uniform_logpdf(t: np.ndarray, dim: int) -> np.ndarray:
    """Logarithm of `uniform_pdf`, where that would vanish too."""
    check_dimension(dim)
    t = np.asarray(t, dtype=float)
    log_constant = gammaln(dim / 2) - gammaln((dim - 1) / 2) - 0.5 * np.log(np.pi)
    inside, power = np.clip(t, -1, 1), 0.5 * (dim - 3)
    log_shape = xlog1py(power, inside) + xlog1py(power, -inside)  # 0 log 0 = 0, which keeps dim = 3 flat to its ends
    return np.where(np.abs(t) > 1, -np.inf, log_constant + log_shape)


def uniform_cdf(t: np.ndarray, dim: int) -> np.ndarray:
    """P(T <= t) of the same cosine; precise in its lower tail, as `cosine_tail` is in the upper."""
    return cosine_tail(-np.asarray(t, dtype=float), dim)


def cosine_tail(p: np.ndarray, dim: int) -> np.ndarray:
    """P(Z > p) for the cosine Z of two independent Gaussian vectors in `dim` dimensions (Fig. 22; fact sheet 3.8).

    Keeps its relative precision in the tail, down to the smallest positive numbers; beyond p = +-1 it is 0 or 1.
    """
    check_dimension(dim)
    p = np.clip(np.asarray(p, dtype=float), -1, 1)
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
    """Split directions u = t mu + sqrt(1 - t^2) mu_perp (Fig. 4b): -> t [n], mu_perp [n, dim] of unit length.

    Args:
        u: [n, dim] unit rows.
        mu: [dim], of unit length.

    Computed in float64.  mu_perp of a direction that equals +-mu is not defined: its row is zero.
    """
    u, mu = np.asarray(u, dtype=float), np.asarray(mu, dtype=float)
    t = u @ mu
    rest = u - t[:, None] * mu
    rest -= (rest @ mu)[:, None] * mu  # a float32 mu is a unit only to 1e-7: once more, or u = mu would leave +-mu here
    length = np.linalg.norm(rest, axis=1, keepdims=True)
    return t, np.divide(rest, length, where=length > 1e-12, out=np.zeros_like(rest))


def checked_cosines(t: np.ndarray) -> np.ndarray:
    """The values of t that are not NaN, [n], as a sample to fit a distribution to.

    A step of rounding beyond +-1 is set to +-1.  Raises ValueError for values further out, or fewer than 2.
    """
    t = np.ravel(np.asarray(t, dtype=float))
    t = t[~np.isnan(t)]
    if t.size and np.abs(t).max() > 1 + 1e-6:
        raise ValueError(f"cosines lie between -1 and 1, not at {t[np.abs(t).argmax()]:g}")
    if t.size < 2:
        raise ValueError(f"a fit needs at least 2 cosines that are not NaN, not {t.size}")
    return np.clip(t, -1, 1)


def vmf_mean_resultant(kappa: np.ndarray, dim: int) -> np.ndarray:
    """R = E[mu.u], the length of E[u], of the von Mises-Fisher distribution: I_(d/2)(kappa) / I_(d/2-1)(kappa).

    Raises ValueError for a negative or NaN kappa, or fewer than 2 or more than 20,000 dimensions (all `vmf_...` do).
    """
    return bessel_ratio(dim / 2 - 1, checked_concentration(kappa, dim))


def vmf_log_normaliser(kappa: np.ndarray, dim: int) -> np.ndarray:
    """log c of the density c exp(kappa mu.u) with respect to the surface of the sphere; at kappa = 0, -log(surface)."""
    kappa = checked_concentration(kappa, dim)
    return -0.5 * dim * np.log(2 * np.pi) - log_scaled_bessel(dim / 2 - 1, kappa)


def vmf_concentration(resultant: np.ndarray, dim: int) -> np.ndarray:
    """The kappa of maximum likelihood, at which R equals `resultant`; 0 for a resultant of 0 or below.

    Raises ValueError for a resultant of 1 or more, or NaN.
    """
    resultant = np.asarray(resultant, dtype=float)
    if not np.all(resultant < 1):
        raise ValueError(f"a mean resultant length must be below 1, not {np.max(resultant):g}")
    resultant = np.maximum(resultant, 0)
    kappa = resultant * (dim - resultant**2) / (1 - resultant**2)
    for _ in range(CONCENTRATION_STEPS):
        reached = vmf_mean_resultant(kappa, dim)
        # the slope of the start's formula: that of R, 1 - R^2 - (dim - 1) R / kappa, loses its digits near R = 1
        slope = (dim + (dim - 3) * reached**2 + reached**4) / (1 - reached**2) ** 2
        kappa = np.maximum(kappa + slope * (resultant - reached), 0)
    return kappa


def vmf_fit(directions: np.ndarray) -> tuple[np.ndarray, float]:
    """Von Mises-Fisher distribution of maximum likelihood: [n, dim] unit rows -> mu [dim], kappa.

    Few directions in many dimensions have a mean that is too long, and so a kappa that is too large: give
    `vmf_concentration` a corrected length instead (`lib.similarity.mean_directions.mean_resultant_length`).

    Raises ValueError for rows that are not of unit length, that cancel, or that are all the same.
    """
    directions = np.asarray(directions, dtype=float)
    if directions.ndim != 2 or not len(directions):
        raise ValueError(f"directions must be [n, dim], not of shape {directions.shape}")
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not np.all(np.abs(lengths - 1) < 1e-4):
        raise ValueError(f"directions must be rows of length 1, not {lengths.flat[np.abs(lengths - 1).argmax()]:g}")
    mean = (directions / lengths).mean(0)
    resultant = np.linalg.norm(mean)
    if not 1e-12 < resultant < 1 - 1e-12:  # 0 and 1 but for rounding
        raise ValueError(f"directions that {'cancel' if resultant < 0.5 else 'are all the same'} have no such fit")
    return mean / resultant, float(vmf_concentration(resultant, directions.shape[1]))


def checked_concentration(kappa: np.ndarray, dim: int) -> np.ndarray:
    """kappa as float64; raises ValueError if it, or the dimension, is none of a von Mises-Fisher distribution."""
    if not 2 <= dim <= MOST_DIMENSIONS:
        raise ValueError(f"a von Mises-Fisher distribution here has 2 to {MOST_DIMENSIONS} dimensions, not {dim!r}")
    kappa = np.asarray(kappa, dtype=float)
    if not np.all((kappa >= 0) & np.isfinite(kappa)):
        raise ValueError("a concentration kappa must be a finite number of 0 or more")
    return kappa


def check_dimension(dim: int) -> None:
    """Raises ValueError for fewer than 2 dimensions."""
    if dim < 2:
        raise ValueError(f"a sphere needs at least 2 dimensions, not {dim!r}")
