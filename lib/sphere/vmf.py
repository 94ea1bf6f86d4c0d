"""The von Mises-Fisher distribution, density c exp(kappa mu.u) of directions u, in 2 to 20,000 dimensions.

Its constants are modified Bessel functions at orders and arguments where they overflow or vanish.  Debye's expansion,
uniform in x (DLMF 10.41), is exact to rounding at an order of 64 or more; below, the recurrence of I_(nu-1), I_nu,
I_(nu+1), run downwards, where it is stable, leads to the order asked for.
"""

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from lib.runtime.checks import real_numbers, shown

MOST_DIMENSIONS = 20_000  # as far as it was compared with other computations
STEPS = 12  # of `vmf_concentration`: each gains a digit or more, on the circle; fewer would do in 3-space
LARGE_ORDER = 64.0
TERMS = 10


def vmf_mean_resultant(kappa: ArrayLike, dim: int) -> np.ndarray:
    """R = E[mu.u], the length of E[u], of the von Mises-Fisher distribution: I_(d/2)(kappa) / I_(d/2-1)(kappa).

    Raises ValueError for a negative or NaN kappa, or fewer than 2 or more than 20,000 dimensions (all `vmf_...` do).
    """
    return _bessel(dim / 2 - 1, checked_concentration(kappa, dim))[0]


def vmf_log_normaliser(kappa: ArrayLike, dim: int) -> np.ndarray:
    """log c of the density c exp(kappa mu.u) with respect to the surface of the sphere; at kappa = 0, -log(surface)."""
    kappa = checked_concentration(kappa, dim)
    return -0.5 * dim * np.log(2 * np.pi) - _bessel(dim / 2 - 1, kappa)[1]


def vmf_concentration(resultant: ArrayLike, dim: int) -> np.ndarray:
    """The kappa of maximum likelihood, at which R equals `resultant`; 0 for a resultant of 0 or below.

    Raises ValueError for a resultant of 1 or more, or NaN.
    """
    resultant = real_numbers("mean resultant lengths", resultant).astype(float, copy=False)
    if not np.all(resultant < 1):
        raise ValueError(f"a mean resultant length must be below 1, not {np.max(resultant):g}")
    resultant = np.maximum(resultant, 0)
    kappa = resultant * (dim - resultant**2) / (1 - resultant**2)
    for _ in range(STEPS):
        reached = vmf_mean_resultant(kappa, dim)
        # the slope of the start's formula: that of R, 1 - R^2 - (dim - 1) R / kappa, loses its digits near R = 1
        slope = (dim + (dim - 3) * reached**2 + reached**4) / (1 - reached**2) ** 2
        kappa = np.maximum(kappa + slope * (resultant - reached), 0)
    return kappa


def checked_concentration(kappa: ArrayLike, dim: int) -> np.ndarray:
    """kappa as float64; raises ValueError if it, or the dimension, is none of a von Mises-Fisher distribution."""
    if not 2 <= dim <= MOST_DIMENSIONS:
        raise ValueError(
            f"a von Mises-Fisher distribution here has 2 to {MOST_DIMENSIONS} dimensions, not {shown(dim)}"
        )
    kappa = real_numbers("concentrations", kappa).astype(float, copy=False)
    if not np.all((kappa >= 0) & np.isfinite(kappa)):
        raise ValueError("a concentration kappa must be a finite number of 0 or more")
    return kappa


def _bessel(order: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """I_(order+1)(x) / I_order(x) and log(I_order(x) / x^order), for x >= 0 and order >= 0, finite with x = 0."""
    steps = max(0, int(np.ceil(LARGE_ORDER - order)))
    ratio, log_scaled = _debye(order + steps, x)
    for step in reversed(range(steps)):
        denominator = 2 * (order + step + 1) + x * ratio  # = x I_nu / I_(nu+1)
        log_scaled = log_scaled + np.log(denominator)
        ratio = x / denominator
    return ratio, log_scaled


def _debye_polynomials() -> list[Polynomial]:
    """u_0 ... u_(TERMS-1) of the expansion, from their recurrence (DLMF 10.41.9)."""
    polynomials = [Polynomial([1.0])]
    for _ in range(TERMS - 1):
        u = polynomials[-1]
        polynomials.append(Polynomial([0, 0, 0.5, 0, -0.5]) * u.deriv() + (Polynomial([0.125, 0, -0.625]) * u).integ())
    return polynomials


U = _debye_polynomials()
# Those of the derivative I' are v_k = u_k - t (1 - t^2) W_(k-1) (DLMF 10.41.11).
W = [u / 2 + Polynomial([0, 1]) * u.deriv() for u in U]


def _debye(order: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`_bessel` at a large order."""
    z = x / order
    root = np.hypot(1, z)
    t = 1 / root
    series = sum(u(t) / order**k for k, u in enumerate(U))
    # I_(nu+1) / I_nu = I' / I - nu / x; the parts of I' that are those of I, and 1 / z, cancel on paper
    ratio = z / (1 + root) - z * t**2 * sum(w(t) / order ** (k + 1) for k, w in enumerate(W)) / series
    log_scaled = order * (root - np.log(order * (1 + root))) - 0.5 * np.log(2 * np.pi * order * root) + np.log(series)
    return ratio, log_scaled
