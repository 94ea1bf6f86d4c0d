"""What the claims of chapter 6 are judged on: ensembles beside single networks with their E[t], parameters or cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.ensembles.comparisons import (
    Families,
    common_sizes,
    equal_size_pairs,
    estimates,
    inside,
    interval,
    over_affordable,
    over_single,
    over_wide,
    ratio_interval,
    table,
)
from lib.ensembles.measures import Ensembles
from lib.statistics.sample import Estimated

AVERAGES = "probabilities", "logits"  # which one the paper takes is not known; the first is the default


@dataclass(frozen=True)
class Compared:
    """The ensembles of some populations, under one average of their members."""

    populations: Sequence[Ensembles]
    widths: Sequence[int] = ()
    average: str = AVERAGES[0]

    def estimated(self, statistic: Callable, intervals: Callable = interval) -> Estimated:
        """A statistic of the measures; `intervals=ratio_interval` for a ratio."""
        return _estimated(self.populations, lambda level: intervals(self.populations, statistic, level))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of members that all populations allow."""
        return common_sizes(self.populations)

    @property
    def pairs(self) -> list[tuple[int, int, int]]:
        """Ensembles beside single networks of about as many parameters."""
        return equal_size_pairs(self.widths, self.sizes)

    @property
    def comparable(self) -> np.ndarray:
        """Ensembles whose E[t] lies between those of single networks, [widths, sizes - 1] bool."""
        return inside(table(estimates(self.populations), "t"))

    def over_single(self, rows) -> np.ndarray:
        """Loss of the comparable ensembles over that of single networks with their E[t]."""
        return over_single(table(rows, "t"), table(rows, f"loss {self.average}"))[self.comparable]

    def over_wide(self, rows) -> np.ndarray:
        """Loss of one wide network over that of the ensemble of as many parameters: -> [pairs]."""
        return 1 / over_wide(rows, f"loss {self.average}", self.pairs)

    def ensembles(self) -> np.ndarray:
        """Names of all real ensembles: [widths, sizes - 1]."""
        return np.array([[f"{size} networks of k = {width}" for size in self.sizes[1:]] for width in self.widths])

    def names_of_pairs(self) -> list[str]:
        """What is compared in each of `pairs`."""
        found = [(self.sizes[column], self.widths[narrow], self.widths[wide]) for narrow, column, wide in self.pairs]
        return [f"{size} of k = {narrow} beside k = {wide}" for size, narrow, wide in found]


@dataclass(frozen=True)
class Together:
    """All families at once."""

    families: Mapping[str, Compared]

    def by_family(self, statistic: Callable[[Compared], Callable]) -> Estimated:
        """Ratios of each family, one after the other; `statistic`: family -> function of its measures."""
        everything = [population for one in self.families.values() for population in one.populations]

        def ratios(level: float):
            each = [ratio_interval(one.populations, statistic(one), level) for one in self.families.values()]
            return [np.concatenate([np.ravel(part) for part in parts]) for parts in zip(*each)]

        return _estimated(everything, ratios)


def _estimated(populations: Sequence[Ensembles], intervals: Callable) -> Estimated:
    return Estimated(intervals, sum(population.networks for population in populations), populations[0].images)


def cost_table(
    families: Families,
    price: Mapping[str, np.ndarray],
    seconds: Mapping[str, np.ndarray],
    widths: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """A row a family: how nearly equal the parameters are, and ensembles against the best network that took no longer.

    `price`, `seconds`: family -> [widths], trainable parameters and time of training of a single network.  Ensembles of
    which the best such network is a member are not counted, nor those that took longer than every network.
    """
    found = {}
    for family, populations in families.items():
        rows, one = estimates(populations), Compared(populations, widths[family])
        more = [one.sizes[column] * price[family][k] / price[family][wide] for k, column, wide in one.pairs]
        cost = np.outer(seconds[family], one.sizes)
        ratios = {average: over_affordable(cost, table(rows, f"loss {average}")) for average in AVERAGES}
        found[family] = {
            "parameters, m of k over one of k √m: least": min(more, default=np.nan),
            "most": max(more, default=np.nan),
            "ensembles beside a network that took no longer": np.isfinite(ratios[AVERAGES[0]]).sum(),
        } | {f"lower loss, averaged {average}": (ratio < 1).sum() for average, ratio in ratios.items()}
    return pd.DataFrame(found).T
