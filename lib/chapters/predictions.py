"""Chapter 15: do wide and deep networks of equal accuracy err on different images, and what do steps of either change?

Intervals are over networks, and the test images are fixed: they say what other networks would do on these images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.effects.accuracy_differences import Tables, first_over_last, network_difference
from lib.effects.errors import Difference
from lib.gates import Gate
from lib.rules import CONTRADICTED, Unless, above, within
from lib.rules_of_several import every
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

ALIKE = 0.01  # one point of accuracy: less counts as no difference
IMAGES, HARD, CLASSES = "images", "images equally hard", "classes"


@dataclass(frozen=True, eq=False)
class Compared:
    """Hits of the deep and the wide architecture, and by how much the first less the second differs over what."""

    tables: Tables
    deep: Architecture
    wide: Architecture
    differences: Mapping[str, Difference]

    def means(self) -> Estimated:
        """Mean accuracy of deep less that of wide, with Welch's interval."""
        pair = self.tables[self.deep], self.tables[self.wide]
        return Estimated(lambda level: network_difference(*pair, level), *counts(self.tables, self.deep, self.wide))

    def root(self, over: str) -> Estimated:
        """Signed root of the variance without what chance makes."""
        return Estimated(self.differences[over].root, *counts(self.tables, self.deep, self.wide))

    def little(self, over: str) -> bool:
        """Whether the interval over these says that there is less than counts."""
        return self.differences[over].root()[2] < ALIKE


@dataclass(frozen=True, eq=False)
class Ladder:
    """Hits of all architectures, and some of them from the smallest up, each a step deeper or wider."""

    tables: Tables
    rungs: Sequence[Architecture]

    def gains(self) -> Estimated:
        """Gain of mean accuracy in every step, with Welch's intervals."""

        def interval(level: float) -> np.ndarray:
            pairs = zip(self.rungs, self.rungs[1:])
            return np.transpose(
                [network_difference(self.tables[large], self.tables[small], level) for small, large in pairs]
            )

        return Estimated(interval, *counts(self.tables, *self.rungs))

    def first_over_last(self) -> Estimated:
        """Gain of the first step less that of the last."""
        return Estimated(partial(first_over_last, self.tables, self.rungs), *counts(self.tables, *self.rungs))


def counts(tables: Tables, *architectures: Architecture) -> tuple[int, int]:
    """How many networks several architectures have together, each counted once, and on how many images."""
    used = [tables[one] for one in dict.fromkeys(architectures)]
    return sum(map(len, used)), used[0].shape[1]


def _differ(name: str, says: str, source: str, over: str, level: str = DETAIL, formula: str = "") -> Row:
    """Among images equally hard the estimate is too low where accuracies differ: that over all images must be low, too."""
    rule = above(0, contradicted_below=ALIKE)
    hidden = "the interval over all images reaches as far"
    return Row(
        f"15-{name}",
        says,
        source,
        f"standard deviation over {over} of the difference in accuracy, without what chance makes (signed root of the "
        "variance)",
        lambda pair: pair.root(over),
        (lambda pair: Unless(rule, CONTRADICTED, not pair.little(IMAGES), hidden)) if over == HARD else rule,
        told=str(Unless(rule, CONTRADICTED, True, hidden)) if over == HARD else "",
        level=level,
        formula=formula,
    )


PAIR = (
    Row(
        "15-equal-accuracy",
        "{deep} and {wide} have about the same mean accuracy.",
        "Wide and Deep, section 6; Table B.1",
        "difference of the mean accuracies (Welch's interval)",
        Compared.means,
        within(-ALIKE, ALIKE),
        level=MACHINERY,
        bounds=(-1, 1),
    ),
    _differ(
        "different-errors",
        "The per-example accuracies of {deep} and {wide} differ, not by the same on all images, by more than chance "
        "makes of networks of one kind.",
        "Wide and Deep, Figs. 7a, 7b and F.1",
        IMAGES,
        HEADLINE,
        r"\mathrm{Var}_i\,(\mathrm{E}[a_i] - \mathrm{E}[b_i]) > 0",
    ),
    _differ(
        "not-only-accuracy",
        "{deep} and {wide} differ so among images that are equally hard too, which a difference of accuracy alone does "
        "not explain.",
        "ours",
        HARD,
    ),
    _differ(
        "different-classes",
        "The difference in accuracy of {deep} and {wide} is not the same for all classes.",
        "Wide and Deep, Fig. 7c",
        CLASSES,
    ),
)
BETTER = Row(
    "15-{way}-better",
    "Going {way} raises the accuracy.",
    "Wide and Deep, Figs. F.2 and F.3",
    "gain of accuracy in a step",
    Ladder.gains,
    every(above(0)),
    bounds=(-1, 1),
    places=lambda ladder: [f"{small} to {large}" for small, large in zip(ladder.rungs, ladder.rungs[1:])],
)
HELPS_SMALL = Row(
    "15-{way}-helps-small",
    "Going {way} raises the accuracy of small networks more than that of large ones.",
    "Wide and Deep, Figs. F.2 and F.3",
    "gain of the first step less that of the last",
    Ladder.first_over_last,
    bounds=(-2, 2),
)


def equally_good(first: np.ndarray, second: np.ndarray) -> Gate:
    """Whether two architectures' mean accuracies, [networks] each, are as good as equal."""
    says = "difference of the mean accuracies on the validation images"
    return Gate(says, abs(float(np.mean(first) - np.mean(second))), most=ALIKE)


def pair_claims(pair: Compared, gates: Sequence[Gate]) -> list[Claim]:
    """The claims about the deep and the wide architecture; `gates`: what both have learnt, and `equally_good`."""
    return judged(PAIR, pair, gates, deep=pair.deep, wide=pair.wide)


def step_claims(
    tables: Tables, ladders: Mapping[str, Sequence[Architecture]], fit: Mapping[str, Sequence[Gate]]
) -> list[Claim]:
    """Every step raises accuracy; where there are two or more, the first one more than the last.

    fit: what the networks of each ladder have learnt.
    """
    return [
        claim
        for way, rungs in ladders.items()
        for claim in judged([BETTER, HELPS_SMALL][: len(rungs) - 1], Ladder(tables, rungs), fit[way], way=way)
    ]
