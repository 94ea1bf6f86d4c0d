"""Chapter 5: is it Saw's form? Directions symmetric about their mean, and a psi that is richer than an exponential."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Judged, above
from lib.rules_of_several import some
from lib.similarity.symmetry import ratio
from lib.statistics.intervals import combined_interval
from lib.statistics.sample import Estimated, side_by_side
from lib.verdicts import Row

AS_GOOD_AS_ONE = 0.95, 1.05


@dataclass(frozen=True)
class AllOne:
    """Every one of several ratios is as good as 1; the one that is clearest off is shown."""

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """Contradicted only where one of them excludes 1 at a level corrected for their number."""
        estimate, low, high = found.interval(level)
        _, strict_low, strict_high = found.interval(1 - (1 - level) / len(estimate))
        if ((low > AS_GOOD_AS_ONE[0]) & (high < AS_GOOD_AS_ONE[1])).all():
            verdict = SUPPORTED
        else:
            verdict = CONTRADICTED if ((strict_low > 1) | (strict_high < 1)).any() else UNDECIDED
        shown = int(np.argmax(np.maximum(low - 1, 1 - high)))
        away = int(((low > 1) | (high < 1)).sum())
        note = f": {places[shown]}, the clearest of {len(estimate)} widths; {away} intervals exclude 1"
        return Judged(float(estimate[shown]), float(low[shown]), float(high[shown]), verdict, note)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against."""
        return AS_GOOD_AS_ONE

    def __str__(self) -> str:
        return (
            "all 95 % intervals within {} to {}; otherwise contradicted if one excludes 1 at a level corrected for the "
            "number of widths".format(*AS_GOOD_AS_ONE)
        )


@dataclass(frozen=True)
class Symmetry:
    """Tables of `lib.similarity.symmetry.alignment`, one a width, whose means are 1 under symmetry."""

    tables: Sequence[np.ndarray]
    widths: Sequence[int]

    def estimated(self) -> Estimated:
        """The mean of each table."""
        return side_by_side([Estimated(partial(ratio, one), len(one), one.shape[1]) for one in self.tables])


SYMMETRY = Row(
    "05-symmetry-{family}",
    "Directions of {family} are rotationally symmetric about their mean.",
    "ours",
    "mean squared cosine across mu, over its value 1 / (d - 1) under symmetry",
    of=Symmetry.estimated,
    rule=AllOne(),
    places=lambda one: [f"k = {width}" for width in one.widths],
)


RICHER = ("quadratic exponential", "power")
Scores = Mapping[str, np.ndarray]  # shape -> [networks, images], as `lib.similarity.shapes.held_out` gives them


@dataclass(frozen=True)
class Gains:
    """Scores of networks and images that were held out, a mapping a width, and of a control whose psi is exponential.

    `control`: of `lib.similarity.symmetry.with_exponential_cosines`; its gain is taken off.
    """

    scores: Sequence[Scores]
    control: Sequence[Scores]

    def estimated(self) -> Estimated:
        """Gain of each of the richer shapes over the exponential, mean over widths."""
        share = np.repeat([1 / len(self.scores), -1 / len(self.control)], [len(self.scores), len(self.control)])
        first = [score[RICHER[0]] for score in self.scores]
        networks, images = sum(map(len, first)), first[0].shape[1]
        parts = []
        for shape in RICHER:
            tables = [one[shape] - one["exponential"] for one in (*self.scores, *self.control)]
            parts.append(Estimated(partial(combined_interval, tables, share), networks, images))
        return side_by_side(parts, networks)


BEYOND_VMF = Row(
    "05-beyond-vmf-{family}",
    "A richer psi than the exponential predicts networks and images of {family} that were held out better.",
    "ours",
    "gain over the exponential, less the gain where psi is exponential, nats per direction, mean over widths",
    of=Gains.estimated,
    rule=some(above(0)),
    places=lambda gains: [f"{shape} shape" for shape in RICHER],
)
