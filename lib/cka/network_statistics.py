"""Statistics over the networks of several architectures, each network one sample of its own architecture."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from scipy.stats import t as student

from lib.cka.blocks import LEAST_NETWORKS
from lib.statistics.intervals import Interval, mean_interval
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture

Network = TypeVar("Network")


def known_values(
    found: Mapping[Architecture, Iterable[Network]], value: Callable[[Network], float], least: int = LEAST_NETWORKS
) -> dict[Architecture, np.ndarray]:
    """The values that are not NaN, of the architectures with at least so many of them."""
    values = {one: np.array([value(network) for network in networks], float) for one, networks in found.items()}
    known = {one: of_one[np.isfinite(of_one)] for one, of_one in values.items()}
    return {one: of_one for one, of_one in known.items() if len(of_one) >= least}


def means(values: Mapping[Architecture, np.ndarray], level: float = 0.95) -> Interval:
    """Mean over the networks of every architecture, each with its Student interval: three arrays [architectures]."""
    return tuple(np.reshape([mean_interval(of_one, level) for of_one in values.values()], (-1, 3)).T)


def estimated_means(
    found: Mapping[Architecture, Iterable[Network]], value: Callable[[Network], float], least: int, images: int
) -> Estimated:
    """`means` of `known_values` for a verdict; where no architecture has `least`, it rests on the one with most values."""
    known = known_values(found, value, 1)
    judged = {one: of_one for one, of_one in known.items() if len(of_one) >= least}
    networks = sum(map(len, judged.values())) or max(map(len, known.values()), default=0)
    return Estimated(lambda level: means(judged, level), networks, images)


def known_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of the values that are not NaN, one a network, with Student's interval; NaN for fewer than 3."""
    known = values[np.isfinite(values)]
    return mean_interval(known, level) if len(known) >= LEAST_NETWORKS else (np.nan,) * 3


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
