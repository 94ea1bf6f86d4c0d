"""Numbers of every two networks of a family, with intervals that leave a network out of all its pairs.

Pairs that share a network vary together, so networks are the sample, not pairs.  Each is left out in turn (a jackknife);
the variances over the networks of each width add, since these were drawn width by width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lib.statistics.intervals import Interval, jackknife_interval

LEAST = 4  # networks a width: leaving one out of an interval, and two out of a prediction, has to leave one


@dataclass(frozen=True, eq=False)
class PairTable:
    """What is known of the networks of one family, and of every two of them.

    Attributes:
        widths: [networks].
        alone: name -> [networks], what else is known of each network by itself.
        views: name -> [networks, networks], symmetric, larger for networks that are more alike; the diagonal is not used.
        outcomes: likewise, what two networks do.

    Raises:
        ValueError: fewer than 4 networks of a width, a matrix of another shape, or a pair without a finite number.
    """

    widths: np.ndarray
    alone: Mapping[str, np.ndarray]
    views: Mapping[str, np.ndarray]
    outcomes: Mapping[str, np.ndarray]

    def __post_init__(self):
        sizes, counts = np.unique(self.widths, return_counts=True)
        if counts.min() < LEAST - 1:  # one is left out in turn
            raise ValueError(f"pairs need at least {LEAST} networks of each width, not {counts.min()} of k = "
                             f"{sizes[counts.argmin()]}")
        for name, matrix in {**self.views, **self.outcomes}.items():
            if matrix.shape != (len(self), len(self)):
                raise ValueError(f"{name} needs a number for every two of {len(self)} networks, not the shape "
                                 f"{matrix.shape}")
            missing = ~np.isfinite(matrix[self.first, self.second])
            if missing.any():
                raise ValueError(f"{name} has no finite number for {missing.sum()} of {len(missing)} pairs of networks")

    def __len__(self) -> int:
        return len(self.widths)

    @property
    def first(self) -> np.ndarray:
        """[pairs] places of the first networks; those of `second` are larger."""
        return np.triu_indices(len(self), 1)[0]

    @property
    def second(self) -> np.ndarray:
        """[pairs] places of the second networks."""
        return np.triu_indices(len(self), 1)[1]

    def of_pairs(self, matrices: Mapping[str, np.ndarray]) -> np.ndarray:
        """The matrices as rows of pairs, [matrices, pairs]."""
        return np.stack([matrix[self.first, self.second] for matrix in matrices.values()])

    def without(self, network: int) -> "PairTable":
        """The table without one network and all its pairs."""
        alone = {name: np.delete(numbers, network) for name, numbers in self.alone.items()}
        views, outcomes = ({name: np.delete(np.delete(matrix, network, 0), network, 1)
                            for name, matrix in matrices.items()} for matrices in (self.views, self.outcomes))
        return PairTable(np.delete(self.widths, network), alone, views, outcomes)


Statistic = Callable[[PairTable], np.ndarray]


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A statistic of a table: `values` [...] of all networks, and `without` [networks, ...] each of them.

    `widths`: [networks].
    """

    values: np.ndarray
    without: np.ndarray
    widths: np.ndarray

    def interval(self, function: Callable[[np.ndarray], np.ndarray] = lambda values: values, level: float = 0.95
                 ) -> Interval:
        """A function of the statistic, of [..., any] along the last axes, with its interval: -> estimate, low, high."""
        estimate, without = function(self.values), function(self.without)
        return jackknife_interval(estimate, [without[self.widths == width] for width in np.unique(self.widths)], level)


def jackknife(table: PairTable, statistic: Statistic) -> Jackknife:
    """A statistic [...] of a table, of all networks and without each of them.

    Raises:
        ValueError: fewer than 4 networks of a width.
    """
    if np.unique(table.widths, return_counts=True)[1].min() < LEAST:
        raise ValueError(f"intervals over networks need at least {LEAST} of each width")
    without = np.stack([statistic(table.without(network)) for network in range(len(table))])
    return Jackknife(statistic(table), without, table.widths)
