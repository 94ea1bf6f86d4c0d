"""Contrasts of networks: slopes over doublings as weighted sums, and two groups whose pairs are more alike within.

`pairs` is a symmetric matrix [networks, networks] with a number for every pair; a network and itself are not looked at.
Where the numbers are inner products of vectors, one a network, the contrast is the squared distance of the groups'
expected vectors: what a finite number of networks adds to the distance of their means is in the diagonal alone.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.stats import t as student

from lib.statistics.intervals import Interval, sum_freedom
from lib.statistics.sample import jackknifed

LEAST = 3  # networks of a group: leaving one out has to leave a pair


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


def contrast(pairs: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean over the pairs within `first`, plus that within `second`, less twice the mean over the pairs across.

    An unbiased estimate (Hoeffding's U statistic), one number for each of the leading dimensions.

    Args:
        first, second: members of the groups, [..., networks] bool; a network may be in neither.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    within = [
        (np.sum(group @ pairs * group, axis=-1) - group @ np.diag(pairs)) / (group.sum(-1) * (group.sum(-1) - 1))
        for group in (first, second)
    ]
    across = np.sum(first @ pairs * second, axis=-1) / (first.sum(-1) * second.sum(-1))
    return within[0] + within[1] - 2 * across


def of_group(first: int, second: int) -> np.ndarray:
    """Which of first + second networks are in the first group, the first ones: [networks] bool."""
    if min(first, second) < LEAST:
        raise ValueError(f"each group needs at least {LEAST} networks, not {first} and {second}")
    return np.arange(first + second) < first


def contrast_interval(pairs: np.ndarray, first: np.ndarray, level: float = 0.95) -> Interval:
    """The contrast of `first` with all other networks and its jackknife interval over networks.

    One network is left out at a time; the variances of the groups add.  Where the groups do not differ the variance is
    about twice what it should be: whether they do is for a permutation test to tell.

    Args:
        first: [networks] bool.
    """
    estimate = contrast(pairs, first, ~first)
    keep = ~np.eye(len(first), dtype=bool)
    without = contrast(pairs, first & keep, ~first & keep)
    return tuple(map(float, jackknifed(estimate, [without[first], without[~first]]).interval(level=level)))


def dealt_again(first: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """The labels of the groups dealt out anew among all networks, `draws` times: [draws, networks] bool."""
    return rng.permuted(np.tile(first, (draws, 1)), axis=1)


def exchanged(pairs: np.ndarray, first: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Contrasts of groups whose labels are dealt out anew: [draws], what they are if the groups do not differ."""
    drawn = dealt_again(first, rng, draws)
    return contrast(pairs, drawn, ~drawn)


def permutation_p(observed: float, drawn: np.ndarray) -> float:
    """Share of the deals, the observed one among them, whose statistic is as large as the observed one.

    Exact: where networks of both groups come from one law it is below any level at most as often as that level.
    """
    # Deals that differ in the order of a sum alone are equal.
    as_large = (drawn > observed) | np.isclose(drawn, observed, rtol=1e-9, atol=1e-15)
    return float((1 + as_large.sum()) / (1 + len(drawn)))
