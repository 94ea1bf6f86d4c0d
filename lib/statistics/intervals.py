"""Intervals for means over networks, and over networks crossed with images."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import t as student
from scipy.stats import ttest_ind

Interval = Sequence[Any] | np.ndarray  # estimate, low, high: numbers, or arrays of one shape


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean over the first axis, one value a network, with its Student interval: -> mean, low, high."""
    values = np.asarray(values, dtype=float)
    _check_networks(len(values))
    margin = student.ppf(0.5 + level / 2, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), values.mean(axis=0) - margin, values.mean(axis=0) + margin


def difference_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Difference of the means of two sets of networks with Welch's interval: -> mean(a) - mean(b), low, high."""
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(level)
    return float(np.mean(np.asarray(a)) - np.mean(np.asarray(b))), float(low), float(high)


def crossed_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of [networks, images, ...] with networks and images both as samples: -> mean, low, high.

    NaN marks what was not observed; where there is much of it the interval is approximate.
    """
    return combined_interval([np.asarray(values, dtype=float)], [1.0], level)


def combined_interval(tables: Sequence[np.ndarray], weights: Iterable[float], level: float = 0.95) -> Interval:
    """Sum of `weights` times the means of several tables: -> estimate, low, high over networks and images.

    Each table is [networks, images, ...], of networks of its own on the same images: networks' variances add, while
    images enter through the combination at each of them.  Random effects of a two-way table: the variance of a mean is
    that of the network means plus that of the image means minus the residual's, which both contain (see
    `crossed_margin`).

    Raises:
        ValueError: tables on different images, or of fewer than 2 networks.
    """
    if len({table.shape[1:] for table in tables}) > 1:
        raise ValueError(f"all populations need the same images, not {', '.join(str(t.shape[1:]) for t in tables)}")
    _check_networks(min(map(len, tables)))
    at_image = [known_mean(table) for table in tables]
    combined = np.asarray(sum(weight * mean for weight, mean in zip(weights, at_image, strict=True)))
    by_networks, residual = [], 0.0
    for table, weight, mean in zip(tables, weights, at_image):
        networks, images = table.shape[:2]
        of_network = np.nanmean(table, axis=1)
        rest = table - of_network[:, None] - mean + np.nanmean(mean, axis=0)
        cells = (networks - 1) * (images - 1) * networks * images
        by_networks.append(weight**2 * np.nanvar(of_network, axis=0, ddof=1) / networks)
        residual = residual + weight**2 * np.nansum(rest**2, axis=(0, 1)) / cells
    estimate = np.nanmean(combined, axis=0)
    freedom = sum_freedom(by_networks, [len(table) - 1 for table in tables])
    margin = crossed_margin(
        np.sum(by_networks, axis=0),
        np.nanvar(combined, axis=0, ddof=1) / len(combined),
        residual,
        freedom,
        len(combined),
        level,
    )
    return estimate, estimate - margin, estimate + margin


def crossed_margin(
    by_networks: np.ndarray,
    by_images: np.ndarray,
    residual: np.ndarray | float,
    freedom: np.ndarray | int,
    images: int,
    level: float = 0.95,
) -> np.ndarray:
    """Half the width of an interval for a statistic of networks crossed with images.

    `by_networks`, `by_images`: its variance when only networks, only images are drawn again; both hold the `residual`
    variance, which is taken out once, but never more than the networks' part.  `freedom`: degrees of freedom of
    `by_networks`.  Those of the whole are Satterthwaite's: few networks widen the interval as far as they matter.
    """
    own = np.maximum(by_networks - residual, 0)
    variance = own + by_images
    # The networks' own part is the difference of two: its error follows by_networks, and own alone would look too sure
    # where chance made it small; between the two the intervals of tests/test_bootstrap.py hold what they promise.
    error = own * np.minimum(by_networks, variance) / freedom + np.square(by_images) / (images - 1)
    whole = np.divide(variance**2, error, where=error > 0, out=np.ones(np.shape(variance)))
    return student.ppf(0.5 + level / 2, whole) * np.sqrt(variance)


def sum_freedom(variances: ArrayLike, freedoms: ArrayLike) -> np.ndarray:
    """Welch and Satterthwaite's degrees of freedom of a sum of variances: [parts, ...] and [parts] -> [...]."""
    variances = np.asarray(variances, dtype=float)
    error = (variances.T**2 / freedoms).T.sum(0)
    whole = variances.sum(0) ** 2
    return np.divide(whole, error, where=error > 0, out=np.full(np.shape(whole), float(np.min(freedoms))))


def bounded(interval: Interval, least: float, most: float) -> Interval:
    """An interval around its estimate, for a quantity between `least` and `most`: Student's margin on the logit's scale.

    For a correlation, between -1 and 1, that is Fisher's z; for a share the logit; where one bound is infinite the logarithm
    of the distance from the other.  The slope of the scale at the estimate carries the margin over (delta method); where
    the estimate lies on a bound, or beyond it by its correction, there is none, and the interval is only cut.

    Raises:
        ValueError: bounds that are not a range.
    """
    if not least < most:
        raise ValueError(f"the bounds {least:g} and {most:g} are not a range")
    estimate, low, high = (np.asarray(part, dtype=float) for part in interval)
    if np.isinf(least):
        estimate, high, low = (-end for end in bounded((-estimate, -high, -low), -most, -least))
        return estimate, low, high
    if np.isinf(most):
        above = np.where(estimate > least, estimate - least, np.nan)
        ends = [least + above * np.exp(side * (high - low) / 2 / above) for side in (-1, 1)]
        return estimate, *(
            np.where(np.isnan(above), np.maximum(part, least), end) for part, end in zip((low, high), ends)
        )
    share = (estimate - least) / (most - least)
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    margin = (high - low) / 2 / (most - least) / (safe * (1 - safe))
    ends = [least + (most - least) * expit(logit(safe) + side * margin) for side in (-1, 1)]
    return (estimate, *(np.where(inside, end, np.clip(cut, least, most)) for end, cut in zip(ends, (low, high))))


def cut(interval: Interval, least: float, most: float) -> Interval:
    """The part of an interval that lies between two bounds, and the estimate moved to the bound that it passes.

    For unbiased estimates that may pass a bound by their error, as corrected cosines do: what is cut away cannot be true, so
    that the rest holds the truth as often, while `bounded` would make the interval of an estimate near a bound too wide.
    """
    return tuple(np.clip(part, least, most) for part in interval)


def in_brackets(found: Interval, style: str = ".2f") -> str:
    """'0.13 [0.08, 0.19]', each number in this `style`; words where one of them is not finite."""
    estimate, low, high = map(float, found)
    if not np.isfinite([estimate, low, high]).all():
        return "not to be told"
    return f"{estimate:{style}} [{low:{style}}, {high:{style}}]"


def overlap(one: Interval, other: Interval) -> bool:
    """Whether two intervals (estimate, low, high) have a value in common."""
    return one[1] <= other[2] and other[1] <= one[2]


def signed_root(squares: np.ndarray) -> np.ndarray:
    """Root of an unbiased estimate of a square, such as R^2 or a variance; where chance made that negative, with a minus."""
    return np.sign(squares) * np.sqrt(np.abs(squares))


def known_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    return quotient(np.nansum(values, axis=0), np.isfinite(values).sum(0))


def quotient(numbers: ArrayLike, of: ArrayLike, above: float = 0) -> np.ndarray:
    """numbers / of, shapes that broadcast; NaN where `of`, a count or a size, is not above 0 or another small number."""
    numbers, of = np.broadcast_arrays(numbers, of)
    return np.divide(numbers, of, where=of > above, out=np.full(of.shape, np.nan))


def _check_networks(count: int) -> None:
    if count < 2:
        raise ValueError(f"an interval needs at least 2 networks, not {count}")
