"""Networks in groups: slopes over doublings, two groups whose pairs are more alike within, means and slopes within groups.

`pairs` is a symmetric matrix [networks, networks] with a number for every pair; a network and itself are not looked at.
Where the numbers are inner products of vectors, one a network, the contrast is the squared distance of the groups'
expected vectors: what a finite number of networks adds to the distance of their means is in the diagonal alone.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from scipy.stats import t as student

from lib.statistics.intervals import Interval, mean_interval, sum_freedom
from lib.statistics.sample import Estimated, jackknifed

LEAST = 3  # networks of a group: leaving one out has to leave a pair
Network = TypeVar("Network")
Of = TypeVar("Of", bound=Hashable)  # what tells the groups apart, such as architectures


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


def known_values(
    found: Mapping[Of, Iterable[Network]], value: Callable[[Network], float], least: int = LEAST
) -> dict[Of, np.ndarray]:
    """The values that are not NaN, of the architectures with at least so many of them."""
    values = {one: np.array([value(network) for network in networks], float) for one, networks in found.items()}
    known = {one: of_one[np.isfinite(of_one)] for one, of_one in values.items()}
    return {one: of_one for one, of_one in known.items() if len(of_one) >= least}


def means(values: Mapping[Of, np.ndarray], level: float = 0.95) -> Interval:
    """Mean over the networks of every architecture, each with its Student interval: three arrays [architectures]."""
    return tuple(np.reshape([mean_interval(of_one, level) for of_one in values.values()], (-1, 3)).T)


def estimated_means(
    found: Mapping[Of, Iterable[Network]], value: Callable[[Network], float], least: int, images: int
) -> Estimated:
    """`means` of `known_values` for a verdict; where no architecture has `least`, it rests on the one with most values."""
    known = known_values(found, value, 1)
    judged = {one: of_one for one, of_one in known.items() if len(of_one) >= least}
    networks = sum(map(len, judged.values())) or max(map(len, known.values()), default=0)
    return Estimated(lambda level: means(judged, level), networks, images)


def known_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of the values that are not NaN, one a network, with Student's interval; NaN for fewer than 3."""
    known = values[np.isfinite(values)]
    return mean_interval(known, level) if len(known) >= LEAST else (np.nan,) * 3


def varying(x: Mapping[Any, np.ndarray]) -> int:
    """How many networks are in groups whose values differ, group -> [networks]: what `slope_within` over them rests on."""
    return sum(len(values) for values in x.values() if np.ptp(values) > 0)


def slope_within(x: Mapping[Any, np.ndarray], y: Mapping[Any, np.ndarray], level: float = 0.95) -> Interval:
    """Least-squares slope of y over x with an intercept a group, and Student's interval.

    x, y: group -> [networks].  NaN where x is the same in every group, or too few networks are left.
    """
    groups = len(x)
    x, y = (np.concatenate([found - found.mean() for found in values.values()]) for values in (x, y))
    freedom = len(x) - groups - 1
    if freedom < 1 or np.allclose(x, 0):
        return (np.nan,) * 3
    slope = x @ y / (x @ x)
    margin = student.ppf(0.5 + level / 2, freedom) * np.sqrt(((y - slope * x) ** 2).sum() / freedom / (x @ x))
    return slope, slope - margin, slope + margin
