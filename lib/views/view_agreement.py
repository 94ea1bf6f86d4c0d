"""Do views of likeness rank pairs of networks alike, and do they grow with the width?"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from lib.statistics.pairs import PairTable


def rank_correlations(table: PairTable) -> np.ndarray:
    """Spearman's rank correlations over all pairs, [numbers, numbers]: of the views, then the outcomes.

    NaN where a number is the same for all pairs.
    """
    return _spearman(_numbers(table))


def rank_correlations_within(table: PairTable) -> np.ndarray:
    """`rank_correlations` over the pairs of one combination of widths, averaged over combinations.

    Each combination weighs as many as it has pairs; those with fewer than 3, or where a number is constant, are left
    out.
    """
    numbers = _numbers(table)
    total = np.zeros((len(numbers),) * 2)
    weights = np.zeros_like(total)
    for pairs in _combinations(table):
        found = _spearman(numbers[:, pairs])
        known = np.isfinite(found)
        total[known] += pairs.sum() * found[known]
        weights += pairs.sum() * known
    return np.divide(total, weights, where=weights > 0, out=np.full_like(total, np.nan))


def same_width(table: PairTable) -> np.ndarray:
    """Each view averaged over the pairs of one width: [views, widths]."""
    views, sizes = table.of_pairs(table.views), np.unique(table.widths)
    return np.stack([views[:, (table.widths[table.first] == width) & (table.widths[table.second] == width)].mean(1)
                     for width in sizes], axis=1)


def growth(means: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Least-squares slope per doubling of the width: `same_width` [..., widths] at these different widths -> [...]."""
    doublings = np.log2(widths)
    centred = doublings - doublings.mean()
    return means @ centred / (centred @ centred)


def _numbers(table: PairTable) -> np.ndarray:
    return np.concatenate([table.of_pairs(table.views), table.of_pairs(table.outcomes)])


def _combinations(table: PairTable) -> Iterator[np.ndarray]:
    """[pairs] of bool for every combination of two widths, which one comes first left aside, with 3 pairs or more."""
    widths = np.sort([table.widths[table.first], table.widths[table.second]], axis=0)
    for combination in np.unique(widths, axis=1).T:
        pairs = (widths == combination[:, None]).all(0)
        if pairs.sum() >= 3:
            yield pairs


def _spearman(numbers: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.corrcoef(rankdata(numbers, axis=1))
