"""Rules that judge several numbers together, each against one band: every one, a share, or one of them keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Band, Judged
from lib.statistics.sample import Estimated

NOTHING = Judged(np.nan, np.nan, np.nan, UNDECIDED, ": too few networks everywhere")


@dataclass(frozen=True)
class _OfSeveral:
    """A rule about several numbers, each of which is held against one band."""

    band: Band

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Those of the band."""
        return self.band.thresholds


class every(_OfSeveral):  # read as a word in the row of a claim, like `above`
    """Every one of several numbers keeps a band; the one that decides is shown.

    Many are looked at, so that one of them contradicts only at a level corrected for their number (Bonferroni).
    """

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on all numbers together; undecided if there are none, as where every population is too small."""
        estimate, low, high = map(np.ravel, found.interval(level))
        if estimate.size == 0:
            return NOTHING
        strict = [np.ravel(part) for part in found.interval(1 - (1 - level) / estimate.size)[1:]]
        verdicts, outside = self.band.verdicts(low, high), self.band.verdicts(*strict) == CONTRADICTED
        if outside.any():
            verdict, shown = CONTRADICTED, int(np.nanargmax(self.band.beyond(strict[1], strict[0])))
        else:
            verdict = SUPPORTED if (verdicts == SUPPORTED).all() else UNDECIDED
            shown = int(np.argmax(self.band.beyond(low, high)))  # the first without an interval, if there is one
        note = (
            f": {places[shown]}, the one of {estimate.size} that decides; {int((verdicts == SUPPORTED).sum())} lie "
            f"{self.band.place}, {int(outside.sum())} on the other side at the corrected level"
        )
        return Judged(float(estimate[shown]), float(low[shown]), float(high[shown]), verdict, note)

    def __str__(self) -> str:
        return (
            f"all 95 % intervals {self.band.place}; contradicted if one lies {self.band.elsewhere}, at a level corrected "
            "for their number"
        )


@dataclass(frozen=True)
class Share:
    """A least share of several numbers keeps a band, for claims about most cells of a table.

    A cell counts only by its interval at a level corrected for the number of cells (Bonferroni), so that all that count are
    right together at the level of a single one.

    Attributes:
        band: what each number is held against.
        least: supported if at least this share of the cells keeps the band, contradicted if more than the rest is out of it.
    """

    band: Band
    least: float

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The share of cells that keep the band; from those that do at the corrected level to those that may."""
        estimate = np.ravel(found.interval(level)[0])
        if estimate.size == 0:
            return NOTHING
        corrected = [np.ravel(part) for part in found.interval(1 - (1 - level) / estimate.size)[1:]]
        verdicts = self.band.verdicts(*corrected)
        inside, outside = (float(np.mean(verdicts == verdict)) for verdict in (SUPPORTED, CONTRADICTED))
        verdict = SUPPORTED if inside >= self.least else CONTRADICTED if 1 - outside < self.least else UNDECIDED
        shown = float(np.mean(self.band.verdicts(estimate, estimate) == SUPPORTED))
        return Judged(shown, inside, 1 - outside, verdict, f", share of {estimate.size} that lie {self.band.place}")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The least share."""
        return (self.least,)

    def __str__(self) -> str:
        return (
            f"{100 * self.least:g} % of the intervals {self.band.place}, at a level corrected for their number; "
            f"contradicted if so many lie {self.band.elsewhere} that the others cannot reach it"
        )


class some(_OfSeveral):
    """At least one of several numbers keeps a band, at a level corrected for their number; the best is shown."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on all numbers together."""
        level = 1 - (1 - level) / np.size(found.interval(level)[0])
        estimate, low, high = map(np.ravel, found.interval(level))
        verdicts, shown = self.band.verdicts(low, high), int(np.argmin(self.band.beyond(low, high)))
        verdict = CONTRADICTED if (verdicts == CONTRADICTED).all() else UNDECIDED
        if (verdicts == SUPPORTED).any():
            verdict = SUPPORTED
        note = f": {places[shown]}, the best of {estimate.size} ({100 * level:g} % interval)"
        return Judged(float(estimate[shown]), float(low[shown]), float(high[shown]), verdict, note)

    def __str__(self) -> str:
        return (
            f"one of the intervals {self.band.place}, at a level corrected for their number; contradicted if all lie "
            f"{self.band.elsewhere}"
        )
