"""Everything that is asked of the three views of one family, with what its intervals are made from."""

from dataclasses import dataclass

import numpy as np

from lib.statistics.intervals import Interval
from lib.statistics.pairs import PairTable, jackknife
from lib.statistics.sample import Sample
from lib.views.view_agreement import growth, rank_correlations, rank_correlations_within, same_width
from lib.views.view_outcomes import OUTCOMES
from lib.views.view_pairs import VIEWS
from lib.views.view_prediction import gain, skill, skill_of, squared_errors


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
        return self.errors.interval(skill, level)

    def gain(self, level: float = 0.95) -> Interval:
        """[sources, outcomes] share of the error that views take from what is known of each network alone."""
        return self.errors.interval(gain, level)

    def lead(self, outcome: str, view: str, others: tuple[str, ...], level: float = 0.95) -> Interval:
        """[others] by how much the held-out R^2 of `view` exceeds those of other models."""
        column = OUTCOMES.index(outcome)
        return self.errors.interval(lambda errors: np.stack([
            (skill_of(errors, view) - skill_of(errors, other))[..., column] for other in others], axis=-1), level)

    def with_outcomes(self, within: bool, level: float = 0.95) -> Interval:
        """[views, outcomes] rank correlations of views with outcomes, over all pairs or within widths."""
        views = len(VIEWS)
        return (self.ranks_within if within else self.ranks).interval(lambda ranks: ranks[..., :views, views:], level)

    def between_views(self, within: bool, level: float = 0.95) -> Interval:
        """[pairs of views] rank correlations of every two views."""
        first, second = np.triu_indices(len(VIEWS), 1)
        return (self.ranks_within if within else self.ranks).interval(lambda ranks: ranks[..., first, second], level)


def measure(table: PairTable) -> Measures:
    """All measures of the pairs of one family.

    Raises:
        ValueError: fewer than 4 networks of a width.
    """
    return Measures(table, *(jackknife(table, statistic)
                             for statistic in (rank_correlations, rank_correlations_within, same_width, squared_errors)))
