"""Averages over pairs of networks, with intervals that leave out one network at a time.

A network takes part in many pairs, so that pairs are no samples of their own: networks are (a jackknife, as in
`lib.bootstrap`).  Pairs without a value are left out of the average, and networks without any pair out of the count.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from lib.intervals import Interval, known_mean, sum_freedom

LEAST = 3  # networks of each population: leaving one out has to leave a pair


class Estimate(NamedTuple):
    """A number with its interval over networks; all NaN where fewer than `LEAST` of a population took part.

    networks: how many took part, of each population.
    """

    value: float
    low: float
    high: float
    networks: tuple[int, ...]

    @property
    def interval(self) -> Interval:
        return self.value, self.low, self.high


def over_pairs(values: np.ndarray, level: float = 0.95) -> Estimate:
    """Mean over the pairs of networks of one population: [networks, networks], NaN for pairs without a value.

    Raises:
        ValueError: a table that is not square, or a value of a network paired with itself.
    """
    if values.shape != (len(values),) * 2:
        raise ValueError(f"pairs of one population need a square table, not {values.shape}")
    known = np.isfinite(values)
    if known.diagonal().any():
        raise ValueError("a network is no pair with itself: the diagonal must be NaN")
    return leave_one_out(lambda kept: pair_mean(values, kept, kept), [known.any(0) | known.any(1)], level)


def over_crossed_pairs(values: np.ndarray, level: float = 0.95) -> Estimate:
    """Mean over the pairs of networks of two populations: [networks, other networks], NaN for pairs without a value."""
    known = np.isfinite(values)
    return leave_one_out(lambda rows, columns: pair_mean(values, rows, columns), [known.any(1), known.any(0)], level)


def pair_mean(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Mean of [networks, other networks, ...] over the pairs of these rows and columns that have a value: -> [...]."""
    chosen = values[np.ix_(rows, columns)]
    return known_mean(chosen.reshape(-1, *values.shape[2:]))


def leave_one_out(statistic: Callable[..., np.ndarray], takes_part: Sequence[np.ndarray], level: float = 0.95
                  ) -> Estimate:
    """A statistic of independent populations of networks: their jackknife variances add.

    Args:
        statistic: takes the indices of the networks kept, one array a population; gives one number.
        takes_part: which networks there are to keep, [networks] bool each.
    """
    everyone = [np.flatnonzero(part) for part in takes_part]
    counts = tuple(map(len, everyone))
    if min(counts) < LEAST:
        return Estimate(np.nan, np.nan, np.nan, counts)
    variances = []
    for place, networks in enumerate(everyone):
        left = [statistic(*everyone[:place], np.delete(networks, one), *everyone[place + 1:])
                for one in range(len(networks))]
        variances.append((len(networks) - 1) * np.var(left))
    freedom = sum_freedom(variances, np.array(counts) - 1)
    margin = student.ppf(0.5 + level / 2, freedom) * np.sqrt(np.sum(variances))
    value = float(statistic(*everyone))
    return Estimate(value, float(value - margin), float(value + margin), counts)
