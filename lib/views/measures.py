"""What is asked of the three views of one family: do they rank pairs of networks alike, grow with the width, foretell?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from lib.statistics.contrasts import slope_weights
from lib.statistics.intervals import Interval, bounded, quotient
from lib.statistics.pairs import PairTable, jackknife
from lib.statistics.sample import Sample, Statistic
from lib.views.outcomes import OUTCOMES
from lib.views.prediction import gain, skill, skill_of, squared_errors
from lib.views.three_views import VIEWS


@dataclass(frozen=True, eq=False)
class Measures:
    """Of one family.

    Attributes:
        table: the pairs.
        ranks, ranks_within: rank correlations [views and outcomes, views and outcomes], over all pairs, and within
            combinations of widths.
        means: [views, widths], each view of two networks of one width.
        errors: [models, outcomes], held-out squared errors.
    """

    table: PairTable
    ranks: Sample
    ranks_within: Sample
    means: Sample
    errors: Sample

    def growth(self, level: float = 0.95) -> Interval:
        """[views] change per doubling of the width."""
        return self.means.interval(lambda means: growth(means, np.unique(self.table.widths)), level)

    def skill(self, level: float = 0.95) -> Interval:
        """[models, outcomes] held-out R^2, of all models but the mean."""
        return bounded(self.errors.interval(skill, level), -np.inf, 1)

    def gain(self, level: float = 0.95) -> Interval:
        """[sources, outcomes] share of the error that views take from what is known of each network alone."""
        return bounded(self.errors.interval(gain, level), -np.inf, 1)

    def lead(self, outcome: str, view: str, others: tuple[str, ...], level: float = 0.95) -> Interval:
        """[others] by how much the held-out R^2 of `view` exceeds those of other models."""
        column = OUTCOMES.index(outcome)

        def leads(errors: np.ndarray) -> np.ndarray:
            ours = skill_of(errors, view)
            return np.stack([(ours - skill_of(errors, other))[..., column] for other in others], axis=-1)

        return self.errors.interval(leads, level)

    def with_outcomes(self, within: bool, level: float = 0.95) -> Interval:
        """[views, outcomes] rank correlations of views with outcomes, over all pairs or within widths."""
        views = len(VIEWS)
        return self._ranks(within, lambda ranks: ranks[..., :views, views:], level)

    def between_views(self, within: bool, level: float = 0.95) -> Interval:
        """[pairs of views] rank correlations of every two views."""
        first, second = np.triu_indices(len(VIEWS), 1)
        return self._ranks(within, lambda ranks: ranks[..., first, second], level)

    def _ranks(self, within: bool, chosen: Statistic, level: float) -> Interval:
        """Some rank correlations, whose intervals stay between -1 and 1."""
        return bounded((self.ranks_within if within else self.ranks).interval(chosen, level), -1, 1)


def measure(table: PairTable) -> Measures:
    """All measures of the pairs of one family.

    Raises:
        ValueError: fewer than 4 networks of a width.
    """
    statistics = rank_correlations, rank_correlations_within, same_width, squared_errors
    return Measures(table, *(jackknife(table, statistic) for statistic in statistics))


def rank_correlations(table: PairTable) -> np.ndarray:
    """Spearman's rank correlations over all pairs, [numbers, numbers]: of the views, then the outcomes.

    NaN where a number is the same for all pairs.
    """
    return _spearman(_numbers(table))


def rank_correlations_within(table: PairTable) -> np.ndarray:
    """Those over the pairs of one combination of widths, averaged; a combination weighs as many as it has pairs, 3 or
    more of them, where no number is constant.
    """
    numbers = _numbers(table)
    total = np.zeros((len(numbers),) * 2)
    weights = np.zeros_like(total)
    for pairs in _combinations(table):
        found = _spearman(numbers[:, pairs])
        known = np.isfinite(found)
        total[known] += pairs.sum() * found[known]
        weights += pairs.sum() * known
    return quotient(total, weights)


def same_width(table: PairTable) -> np.ndarray:
    """Each view averaged over the pairs of one width: [views, widths]."""
    views, sizes = table.of_pairs(table.views), np.unique(table.widths)
    return np.stack(
        [
            views[:, (table.widths[table.first] == width) & (table.widths[table.second] == width)].mean(1)
            for width in sizes
        ],
        axis=1,
    )


def growth(means: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Least-squares slope per doubling of the width: `same_width` [..., widths] at these different widths -> [...]."""
    sizes = widths.tolist()
    return means @ slope_weights(sizes, sizes, sizes)


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
