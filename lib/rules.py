"""Rules that judge an estimate: each is written once, knows its own words, and says how its verdicts come about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lib.statistics.sample import Estimated

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED = "supported", "contradicted", "undecided", "not tested"
MARKS = {SUPPORTED: "✔", CONTRADICTED: "✘", UNDECIDED: "?", NOT_TESTED: "○"}


@dataclass(frozen=True)
class Judged:
    """What a rule made of an estimate: the numbers shown, the verdict, and what to add to the statistic's words."""

    estimate: float
    low: float
    high: float
    verdict: str
    note: str = ""


NOTHING = Judged(np.nan, np.nan, np.nan, UNDECIDED, ": too few networks everywhere")


class Rule(Protocol):
    """What decides a claim, in words and for numbers."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on an estimate; `places` says what each of its numbers is about, where there are several."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against, to be drawn beside them."""

    def __str__(self) -> str:
        """The rule in words."""


@dataclass(frozen=True)
class Band:
    """The 95 % interval of one number lies within a band, open below or above.

    Attributes:
        least, most: ends of the band; infinite ones are not looked at.
        below, above: the claim is contradicted by an interval that lies below the one or above the other; by default the
            band's own ends.
    """

    least: float = -np.inf
    most: float = np.inf
    below: float | None = None
    above: float | None = None

    def verdicts(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The verdict on each of several intervals; NaN is undecided."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        inside = self._reaches(low, self.least, 1) & self._reaches(high, self.most, -1)
        outside = (high < (self.least if self.below is None else self.below)) | (
            low > (self.most if self.above is None else self.above)
        )
        return np.where(inside, SUPPORTED, np.where(outside, CONTRADICTED, UNDECIDED))

    def _reaches(self, end: np.ndarray, limit: float, side: int) -> np.ndarray:
        """Whether ends of intervals keep a limit: a band may be touched, a single limit must be passed."""
        if np.isinf(limit):
            return np.isfinite(end)
        return side * end >= side * limit if np.isfinite([self.least, self.most]).all() else side * end > side * limit

    def beyond(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """How far intervals reach out of the band; negative within.  A band of ratios, above 0: in logarithms."""
        if np.isinf(self.most):
            return self.least - low
        if np.isinf(self.least):
            return high - self.most
        if self.least <= 0:
            return np.maximum(self.least - low, high - self.most)
        tiny = np.finfo(float).tiny  # a ratio's low may be below 0
        logs = np.log(np.maximum(low, tiny)), np.log(np.maximum(high, tiny))
        return np.maximum(np.log(self.least) - logs[0], logs[1] - np.log(self.most))

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The verdict on a single number."""
        estimate, low, high = (float(np.squeeze(part)) for part in found.interval(level))
        return Judged(estimate, low, high, str(self.verdicts(low, high)))

    def __str__(self) -> str:
        return f"95 % interval {self.place}; contradicted if it lies {self.elsewhere}"

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The finite ends of the band."""
        return tuple(end for end in (self.least, self.most) if np.isfinite(end))

    @property
    def place(self) -> str:
        """Where the band is, in words."""
        if np.isinf(self.most):
            return f"above {self.least:g}"
        return f"below {self.most:g}" if np.isinf(self.least) else f"within {self.least:g} to {self.most:g}"

    @property
    def elsewhere(self) -> str:
        """Where an interval contradicts, in words."""
        if np.isinf(self.most):
            return "below" if self.below is None else f"below {self.below:g}"
        if np.isinf(self.least):
            return "above" if self.above is None else f"above {self.above:g}"
        return "outside"


def above(threshold: float = 0.0, *, contradicted_below: float | None = None) -> Band:
    """The interval lies above a threshold."""
    return Band(least=threshold, below=contradicted_below)


def below(threshold: float = 0.0, *, contradicted_above: float | None = None) -> Band:
    """The interval lies below a threshold."""
    return Band(most=threshold, above=contradicted_above)


def within(least: float, most: float) -> Band:
    """The interval lies in a band, its ends included."""
    return Band(least, most)


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


@dataclass(frozen=True)
class Unless:
    """Another rule, one verdict of which is left undecided where nothing else could have been seen.

    Attributes:
        rule: what decides otherwise.
        verdict: the one that counts only if another could have been seen, such as one that follows from an absence.
        hidden: whether no other could have been seen; `where`: that condition in words.
    """

    rule: Rule
    verdict: str
    hidden: bool
    where: str

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The other rule's verdict, or undecided."""
        result = self.rule.judge(found, places, level)
        return replace(result, verdict=UNDECIDED) if self.hidden and result.verdict == self.verdict else result

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Those of the other rule."""
        return self.rule.thresholds

    def __str__(self) -> str:
        return f"{self.rule}; not {self.verdict} but undecided where {self.where}"
