"""Statistics over the networks of several architectures, each network one sample of its own architecture."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy.stats import norm, spearmanr
from scipy.stats import t as student

from lib.cka.blocks import LEAST_NETWORKS
from lib.statistics.intervals import Interval, mean_interval
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture

Network = TypeVar("Network")


def known_values(
    found: Mapping[Architecture, Sequence[Network]], value: Callable[[Network], float]
) -> dict[Architecture, np.ndarray]:
    """The values that are not NaN, of the architectures with at least `LEAST_NETWORKS` of them."""
    values = {one: np.array([value(network) for network in networks], float) for one, networks in found.items()}
    known = {one: of_one[np.isfinite(of_one)] for one, of_one in values.items()}
    return {one: of_one for one, of_one in known.items() if len(of_one) >= LEAST_NETWORKS}


def means(values: Mapping[Architecture, np.ndarray], level: float = 0.95) -> Interval:
    """Mean over the networks of every architecture, each with its Student interval: three arrays [architectures]."""
    return tuple(np.reshape([mean_interval(of_one, level) for of_one in values.values()], (-1, 3)).T)


def estimated_means(values: Mapping[Architecture, np.ndarray], images: int) -> Estimated:
    """`means` for a verdict about every architecture; no number where there is none."""
    return Estimated(lambda level: means(values, level), sum(map(len, values.values())), images)


def rank_interval(pairs: np.ndarray, level: float = 0.95) -> Interval:
    """Spearman's correlation of the two columns of [networks, 2] with its interval: -> estimate, low, high.

    Fisher's z with Bonett and Wright's variance (1 + r^2 / 2) / (networks - 3) (Psychometrika, 2000).  Networks are one
    sample: that their architectures were chosen makes the interval wider than it had to be.  NaN for fewer than 4
    networks, or where a column does not vary.
    """
    first, second = np.asarray(pairs, dtype=float).T
    if len(first) < 4 or not np.ptp(first) or not np.ptp(second):
        return (np.nan,) * 3
    correlation = float(spearmanr(first, second).statistic)
    margin = norm.ppf(0.5 + level / 2) * np.sqrt((1 + correlation**2 / 2) / (len(first) - 3))
    centre = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))
    return correlation, float(np.tanh(centre - margin)), float(np.tanh(centre + margin))


def known_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of the values that are not NaN, one a network, with Student's interval; NaN for fewer than 3."""
    known = values[np.isfinite(values)]
    return mean_interval(known, level) if len(known) >= LEAST_NETWORKS else (np.nan,) * 3


def slope_within(x: Mapping[object, np.ndarray], y: Mapping[object, np.ndarray], level: float = 0.95) -> Interval:
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
