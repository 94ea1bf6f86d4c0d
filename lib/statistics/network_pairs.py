"""Averages over pairs of networks, with intervals that leave out one network at a time.

A network takes part in many pairs, so that pairs are no samples of their own: networks are (a jackknife, as in
`lib.similarity.bootstrap`).  Pairs without a value are left out of the average, and networks without any pair out of the count.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from lib.statistics.intervals import Interval, jackknife_interval, known_mean

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
    without = [np.array([statistic(*everyone[:place], np.delete(networks, one), *everyone[place + 1:])
                         for one in range(len(networks))]) for place, networks in enumerate(everyone)]
    return Estimate(*map(float, jackknife_interval(statistic(*everyone), without, level)), counts)


def over_listed_pairs(values: np.ndarray, pairs: Sequence[tuple[Hashable, Hashable]], level: float = 0.95) -> Interval:
    """Mean over a few chosen pairs, the first axis, with its jackknife interval: -> estimate, low, high.

    Networks that take part in the same pairs are left out together, as one sample: where no two pairs share a network
    this is Student's interval of the mean.  Where pairs form a ring it is wider than it need be, because each pair is
    left out twice, with either of its networks.

    Args:
        values: [pairs, ...]; NaN has no interval.
        pairs: the two networks of each, the same one twice for a network with itself.

    Raises:
        ValueError: fewer than 3 samples, or a network that takes part in all pairs.
    """
    values = np.asarray(values, dtype=float)
    networks = dict.fromkeys(network for pair in pairs for network in pair)
    kept = np.unique([[network not in pair for pair in pairs] for network in networks], axis=0)
    if len(kept) < LEAST:
        raise ValueError(f"an interval over networks needs at least {LEAST} of them in pairs of their own, not "
                         f"{len(kept)}")
    if not kept.any(1).all():
        raise ValueError("a network takes part in all pairs: without it nothing is left")
    return jackknife_interval(values.mean(0), [np.stack([values[rows].mean(0) for rows in kept])], level)
