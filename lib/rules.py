"""Rules that judge an estimate: each is written once, knows its own words, and says how its verdicts come about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

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
        below: the claim is contradicted by an interval that lies below it; by default below the band.
    """

    least: float = -np.inf
    most: float = np.inf
    below: float | None = None

    def verdicts(self, low: ArrayLike, high: ArrayLike) -> np.ndarray:
        """The verdict on each of several intervals; NaN is undecided."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        inside = self._reaches(low, self.least, 1) & self._reaches(high, self.most, -1)
        outside = (high < (self.least if self.below is None else self.below)) | (low > self.most)
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
            return "above"
        return "outside"


def above(threshold: float = 0.0, *, contradicted_below: float | None = None) -> Band:
    """The interval lies above a threshold."""
    return Band(least=threshold, below=contradicted_below)


def below(threshold: float = 0.0) -> Band:
    """The interval lies below a threshold."""
    return Band(most=threshold)


def within(least: float, most: float) -> Band:
    """The interval lies in a band, its ends included."""
    return Band(least, most)


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
