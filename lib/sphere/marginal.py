"""The semi-parametric fit of a Saw distribution: a kernel estimate of the density of t over the uniform one.

log psi(t) = log p(t) - log P_origin(t), up to a constant (fact sheet 3.3; right half of the paper's Fig. 8).  The
paper's bandwidth is not known; the rule here is Silverman's.
"""

import numpy as np
from scipy.stats import gaussian_kde

from lib.sphere.distributions import checked_cosines, uniform_logpdf


def bandwidth(t: np.ndarray) -> float:
    """Silverman's robust rule, 0.9 min(sd, IQR / 1.34) n^(-1/5); the sd alone where half of the values are the same.

    NaN in t is left out here and below.  Raises ValueError for fewer than 2 values, values beyond +-1, or values that
    are all the same.
    """
    t = checked_cosines(t)
    deviation = t.std(ddof=1)
    if np.ptp(t) < 1e-12:
        raise ValueError("cosines that are all the same have no bandwidth")
    quartiles = np.subtract(*np.percentile(t, [75, 25])) / 1.34
    return float(0.9 * (min(deviation, quartiles) if quartiles > 0 else deviation) * t.size ** -0.2)


def density(t: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Gaussian kernel estimate of the density of the sample t at the points `at`, which keeps its mass in [-1, 1].

    What the kernels would spread beyond -1 and 1 is reflected back, so that a density that does not fall to 0 there
    is not halved.  0 beyond.  Raises as `bandwidth` does.
    """
    width, t, at = bandwidth(t), checked_cosines(t), np.asarray(at, dtype=float)
    kernels = gaussian_kde(t, bw_method=width / t.std(ddof=1))
    reach = 8 * width
    points = at.ravel()
    estimate = kernels(points)
    for mirrored in (2 - points, -2 - points):  # only the points near an end have a mirror image near the sample
        near = np.abs(mirrored) < 1 + reach
        estimate[near] += kernels(mirrored[near])
    return np.where(np.abs(at) > 1, 0, estimate.reshape(at.shape))


def log_psi(t: np.ndarray, at: np.ndarray, dim: int, *, coverage: float = 0.99) -> np.ndarray:
    """log psi at the points `at` from the sample t of cosines in `dim` dimensions, in nats.

    Evaluated only where there is mass: NaN outside the range that holds the central `coverage` of t, and in a gap of
    the sample.  psi has no scale of its own; here its mean over uniform directions is 1.

    Raises ValueError as `bandwidth` does, for a coverage that is none, or if no point of `at` lies in the range.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"a coverage is above 0 and at most 1, not {coverage!r}")
    at = np.asarray(at, dtype=float)
    low, high = np.quantile(checked_cosines(t), [0.5 - coverage / 2, 0.5 + coverage / 2])
    inside = (at >= low) & (at <= high)
    estimate = density(t, at[inside])
    if not estimate.any():
        raise ValueError(f"no point lies between {low:.3g} and {high:.3g}, where {coverage:.0%} of the cosines are")
    found = np.full(at.shape, np.nan)
    found[inside] = np.log(estimate, where=estimate > 0, out=np.full(estimate.shape, np.nan)) - uniform_logpdf(
        at[inside], dim)
    return found
