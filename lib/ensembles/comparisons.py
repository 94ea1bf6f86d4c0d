"""Comparisons of the ensembles of several populations, with jackknife intervals over networks.

`Rows` are the measures of `lib.ensembles.measures.Ensembles`, those of each population as measure -> [sizes], in the
order of the widths of one family.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from scipy.stats import spearmanr

from lib.ensembles.measures import Ensembles
from lib.statistics.intervals import Interval
from lib.statistics.sample import jackknifed

Families = Mapping[str, Sequence[Ensembles]]  # family -> one a width
Rows = Sequence[Mapping[str, np.ndarray]]


def interval(measured: Sequence[Ensembles], statistic: Callable[[Rows], np.ndarray], level: float = 0.95) -> Interval:
    """A function of the measures of several populations with its jackknife interval: -> estimate, low, high.

    Ensembles share members: a network is left out of everything at once, so that it counts as one sample however often
    it is a member.  The test images are fixed.

    The interval is for what so many networks give on average.  Means such as the loss have no bias; ratios such as E[t]
    over the law can have one of the order 1 / networks where a few networks of a population keep to mu far more closely
    than the rest.  The jackknife's own estimate of it is not taken out: it adds the chance of the circles times the
    number of networks, and large ensembles change too much without one of few networks, so that intervals corrected
    with it miss the truth more often.
    """
    whole = estimates(measured)
    without = [
        np.array([statistic([*whole[:place], _row(one, 1 + i), *whole[place + 1 :]]) for i in range(one.networks)])
        for place, one in enumerate(measured)
    ]
    return jackknifed(statistic(whole), without).interval(level=level)


def ratio_interval(
    measured: Sequence[Ensembles], statistic: Callable[[Rows], np.ndarray], level: float = 0.95
) -> Interval:
    """`interval` of a positive statistic, by way of its logarithm: a half is as far from 1 as a double."""
    return tuple(map(np.exp, interval(measured, lambda rows: np.log(statistic(rows)), level)))


def estimates(measured: Sequence[Ensembles]) -> list[dict[str, np.ndarray]]:
    """The measures from all networks of each population."""
    return [_row(one, 0) for one in measured]


def table(rows: Rows, name: str) -> np.ndarray:
    """One measure as [widths, sizes], of the sizes that all widths have."""
    columns = min(len(row[name]) for row in rows)
    return np.array([row[name][:columns] for row in rows])


def common_sizes(measured: Sequence[Ensembles]) -> tuple[int, ...]:
    """The numbers of members that all populations allow."""
    return min((one.sizes for one in measured), key=len)


def loss_slopes(rows: Rows, name: str) -> np.ndarray:
    """Slope of the log of a loss on E[t] over populations, for each number of members alone: -> [sizes]."""
    t, loss = table(rows, "t"), np.log(table(rows, name))
    centred = t - t.mean(0)
    return (centred * loss).sum(0) / (centred**2).sum(0)


def rank_correlation(rows: Rows, name: str) -> np.ndarray:
    """Spearman's coefficient of E[t] and a measure over populations and sizes together; NaN where one of them is."""
    t, values = (np.concatenate([row[part] for row in rows]) for part in ("t", name))
    return np.asarray(spearmanr(t, values).statistic)


def law_ratio(rows: Rows) -> np.ndarray:
    """Measured E[t] over the law, of real ensembles: -> [widths, sizes - 1]."""
    return (table(rows, "t") / table(rows, "law"))[:, 1:]


def averaging_gain(rows: Rows) -> np.ndarray:
    """Loss of averaged logits over that of averaged probabilities, geometric mean over widths and ensembles."""
    return np.exp(np.log(table(rows, "loss logits") / table(rows, "loss probabilities"))[:, 1:].mean())


def saved(rows: Rows, name: str) -> np.ndarray:
    """How much smaller a measure is in the largest ensembles than in single networks: -> [widths]."""
    values = table(rows, name)
    return values[:, 0] - values[:, -1]


def over_single(x: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Loss of ensembles over that of single networks with the same x, both [widths, sizes]: -> [widths, sizes - 1].

    Log loss of single networks is interpolated linearly over x, and held constant beyond its ends: see `inside`.
    """
    order = np.argsort(x[:, 0])
    at = np.interp(x[:, 1:], x[order, 0], np.log(loss[order, 0]))
    return loss[:, 1:] / np.exp(at)


def inside(x: np.ndarray) -> np.ndarray:
    """Which ensembles have an x between those of single networks: [widths, sizes] -> [widths, sizes - 1]."""
    return (x[:, 1:] >= x[:, 0].min()) & (x[:, 1:] <= x[:, 0].max())


def equal_size_pairs(widths: Sequence[int], sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Ensembles with a single network of about as many parameters: (place of k, place of m, place of sqrt(m) k).

    Parameters grow nearly as the square of the width, so that four networks of width k have about as
    many as one of width 2 k.
    """
    places = product(enumerate(widths), enumerate(sizes), enumerate(widths))
    return [(i, column, wide) for (i, k), (column, m), (wide, other) in places if m > 1 and other**2 == m * k**2]


def over_wide(rows: Rows, name: str, pairs: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """A measure of ensembles over that of single networks of about as many parameters: -> [pairs]."""
    values = table(rows, name)
    return np.array([values[narrow, column] / values[wide, 0] for narrow, column, wide in pairs])


def over_affordable(cost: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Loss of ensembles over that of the best single network that costs no more.

    [widths, sizes] -> [widths, sizes - 1].  No interpolation: cost need not rise with the width.  NaN where that best
    network is one of the ensemble's own kind, which loses to the ensemble by theorem, and for an ensemble that costs
    more than all single networks, to which a wider one could be compared.
    """
    affordable = cost[:, 1:, None] >= cost[:, 0]  # [widths, sizes - 1, widths]
    best = np.where(affordable, loss[:, 0], np.inf).min(-1)
    known = (best < loss[:, :1]) & (cost[:, 1:] <= cost[:, 0].max())
    return np.where(known, loss[:, 1:] / best, np.nan)


def _row(measured: Ensembles, row: int) -> dict[str, np.ndarray]:
    return {name: values[row] for name, values in measured.values.items()}
