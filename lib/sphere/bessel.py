"""Modified Bessel functions of the first kind I_nu(x) at orders and arguments where they overflow or vanish.

Debye's expansion, uniform in x (DLMF 10.41), is exact to rounding at an order of 64 or more; below, the recurrence of
I_(nu-1), I_nu, I_(nu+1), run downwards, where it is stable, leads to the order asked for.
"""

import numpy as np
from numpy.polynomial import Polynomial

LARGE_ORDER = 64.0
TERMS = 10


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


def bessel_ratio(order: float, x: np.ndarray) -> np.ndarray:
    """I_(order+1)(x) / I_order(x) for x >= 0 and order >= 0."""
    return _from_large_order(order, x)[0]


def log_scaled_bessel(order: float, x: np.ndarray) -> np.ndarray:
    """log(I_order(x) / x^order) for order >= 0, finite for every x >= 0, with x = 0."""
    return _from_large_order(order, x)[1]


def _from_large_order(order: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-> I_(order+1) / I_order, log(I_order / x^order)."""
    x = np.asarray(x, dtype=float)
    steps = max(0, int(np.ceil(LARGE_ORDER - order)))
    ratio, log_scaled = _debye(order + steps, x)
    for step in reversed(range(steps)):
        denominator = 2 * (order + step + 1) + x * ratio  # = x I_nu / I_(nu+1)
        log_scaled = log_scaled + np.log(denominator)
        ratio = x / denominator
    return ratio, log_scaled


def _debye(order: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same two at a large order."""
    z = x / order
    root = np.hypot(1, z)
    t = 1 / root
    series = sum(u(t) / order**k for k, u in enumerate(U))
    # I_(nu+1) / I_nu = I' / I - nu / x; the parts of I' that are those of I, and 1 / z, cancel on paper
    ratio = z / (1 + root) - z * t**2 * sum(w(t) / order**(k + 1) for k, w in enumerate(W)) / series
    log_scaled = order * (root - np.log(order * (1 + root))) - 0.5 * np.log(2 * np.pi * order * root) + np.log(series)
    return ratio, log_scaled
