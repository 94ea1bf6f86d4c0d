"""Slopes over doublings as weighted sums, and sums of independent samples of networks with their interval."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.stats import t as student

from lib.statistics.intervals import Interval, sum_freedom


def slope_weights(settings: Sequence[Hashable], chosen: Sequence[Hashable], sizes: Sequence[int]) -> np.ndarray:
    """Weights [settings] whose product with a measure is its least-squares slope over log2(size).

    Over the `chosen` settings, which have these sizes; the others weigh 0.
    """
    doublings = np.log2(sizes)
    centred = doublings - doublings.mean()
    weights = np.zeros(len(settings))
    weights[[settings.index(one) for one in chosen]] = centred / (centred @ centred)
    return weights


def sum_interval(
    samples: Sequence[np.ndarray],
    weights: Sequence[float] | np.ndarray,
    resolutions: Sequence[float] | None = None,
    level: float = 0.95,
) -> Interval:
    """Sum of `weights` times the means of independent samples: -> estimate, low, high (Welch and Satterthwaite).

    Args:
        samples: one value a network, [networks] each.
        resolutions: the least standard deviation to take for each sample, 0 by default.

    Raises:
        ValueError: a sample of fewer than 2 networks.
    """
    counts = np.array([len(sample) for sample in samples])
    if counts.min() < 2:
        raise ValueError(f"an interval needs at least 2 networks, not {counts.min()}")
    least = [0.0] * len(samples) if resolutions is None else resolutions
    spreads = [max(np.std(sample, ddof=1), smallest) for sample, smallest in zip(samples, least, strict=True)]
    variances = np.square(np.multiply(weights, spreads)) / counts
    estimate = float(np.dot(weights, [np.mean(sample) for sample in samples]))
    margin = float(student.ppf(0.5 + level / 2, sum_freedom(variances, counts - 1)) * np.sqrt(variances.sum()))
    return estimate, estimate - margin, estimate + margin


def partial_slope(y: np.ndarray, held: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Slope of y over x in the least-squares plane over x and `held`, with an intercept a row and common slopes.

    y and held broadcast to [..., rows, n], x is [n] -> [...].  NaN where x and `held` cannot be told apart.
    """
    y, held, x = (part - part.mean(-1, keepdims=True) for part in np.broadcast_arrays(y, held, x))
    length = (held**2).sum((-2, -1))
    share = np.divide((x * held).sum((-2, -1)), length, where=length > 0, out=np.zeros_like(length))
    rest = x - share[..., None, None] * held  # what `held` does not foretell of x
    left = (rest**2).sum((-2, -1))
    return np.divide((rest * y).sum((-2, -1)), left, where=left > 1e-9, out=np.full_like(left, np.nan))
