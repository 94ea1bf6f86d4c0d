"""Chapter 16: which layers do task loss matching, direct matching and similarity indices take for each other?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lib.gates import Gate
from lib.rules import CONTRADICTED, SUPPORTED, Unless, above, below
from lib.rules_of_several import every
from lib.statistics.intervals import Interval
from lib.statistics.pairs import LEAST, listed_pairs
from lib.statistics.sample import Estimated
from lib.stitching.identification import (
    LEVEL,
    could_be_violated,
    distance_correlation,
    identified,
    later_share,
    violations,
)
from lib.stitching.layers import DIRECT, RESIDUAL, TASK_LOSS, LayerScores
from lib.stitching.similarity_indices import CKA, PROCRUSTES, PWCCA
from lib.stitching.stitched_pairs import SEEDS, Network, Pair
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

SHARES, DIFFERENCES = (0, 1), (-1, 1)  # what shares can be, and their differences, and correlations
ACCURACIES = {TASK_LOSS: "task_loss_hits", DIRECT: "direct_hits"}
Statistic = Callable[[LayerScores], Any]


@dataclass(frozen=True, eq=False)
class Stitched:
    """Scores of pairs of networks of one kind."""

    scores: Mapping[Pair, LayerScores]
    pairs: Sequence[Pair]

    def of(self, statistic: Statistic) -> np.ndarray:
        """A number, or several, of each pair: [pairs, ...]."""
        return np.array([statistic(self.scores[pair]) for pair in self.pairs], dtype=float)

    def interval(self, statistic: Statistic) -> Interval:
        """The mean over pairs with its 95 % interval over networks."""
        return listed_pairs(self.of(statistic), self.pairs).interval()

    def estimated(self, statistic: Statistic) -> Estimated:
        """The mean over pairs for a verdict."""
        values = self.of(statistic)
        return Estimated(
            lambda level: listed_pairs(values, self.pairs).interval(level=level), len(self.networks), self.images
        )

    @property
    def networks(self) -> set[Network]:
        """All that take part in a pair."""
        return {network for pair in self.pairs for network in pair}

    @property
    def images(self) -> int:
        """How many the stitched networks classify."""
        return self.scores[self.pairs[0]].task_loss_hits.shape[2]


def violated(scores: LayerScores, name: str, beyond_chance: bool = True) -> np.ndarray:
    """[sources, targets] bool: sources that a measure rates above the corresponding layer, for accuracies by more than
    chance over images (`lib.stitching.identification.violations`) unless told otherwise."""
    if beyond_chance and name in ACCURACIES:
        return violations(getattr(scores, ACCURACIES[name]))
    likeness = scores.likeness(name)
    return likeness > np.diagonal(likeness)


def violated_targets(name: str, beyond_chance: bool = True) -> Statistic:
    """Share of targets with a source that a measure rates above the corresponding layer."""
    return lambda scores: violated(scores, name, beyond_chance).any(0).mean()


def identified_share(name: str) -> Statistic:
    """Share of targets whose best source is the corresponding layer."""
    return lambda scores: identified(scores.likeness(name)).mean()


def falls_with_distance(name: str) -> Statistic:
    """Rank correlation of a measure's unlikeness with the distance of the layers."""
    return lambda scores: distance_correlation(scores.likeness(name))


def _violations_decide(one: Stitched, name: str) -> Unless:
    """More violated targets than chance makes, or fewer; fewer tell nothing where they could not have been seen."""
    rule, from_absence = (above(LEVEL), CONTRADICTED) if name == TASK_LOSS else (below(LEVEL), SUPPORTED)
    hidden = not one.of(lambda scores: could_be_violated(getattr(scores, ACCURACIES[name])).all()).all()
    return Unless(rule, from_absence, hidden, "no violation could have been seen")


_CHANCE = (
    "95 % interval {} a twentieth of the targets, the most that chance makes; contradicted if it lies {}; below says "
    "nothing, and is undecided, where some layer itself errs too rarely for any other to be better beyond chance"
)


def more_later(one: Stitched) -> Estimated:
    """Share of violating sources behind their target, less that of sources at random, over networks with any.

    These are all that it rests on; NaN with fewer than three.
    """
    kept = [pair for pair in one.pairs if violated(one.scores[pair], TASK_LOSS).any()]
    if len(kept) < LEAST:
        return Estimated(lambda level: (np.nan,) * 3, len(kept), one.images)
    return Stitched(one.scores, kept).estimated(lambda scores: np.subtract(*later_share(violated(scores, TASK_LOSS))))


_VIOLATED = "share of targets for which another source classifies better beyond chance, mean over networks"
WITHIN_ROWS = (
    Row(
        "16-task-loss-prefers-others",
        "Within one network, task loss matching rates some layer above the layer itself.",
        "Stitching, abstract",
        _VIOLATED,
        lambda one: one.estimated(violated_targets(TASK_LOSS)),
        rule=lambda one: _violations_decide(one, TASK_LOSS),
        told=_CHANCE.format("above", "below"),
        level=HEADLINE,
        bounds=SHARES,
        formula=r"\mathbb{E}\,\frac{1}{L}\,\#\{ j : a_{ij} > a_{jj} \text{ for some } i \neq j \} > 0.05",
    ),
    Row(
        "16-direct-never-prefers-others",
        "Within one network, direct matching rates no layer above the layer itself.",
        "Stitching, abstract",
        _VIOLATED,
        lambda one: one.estimated(violated_targets(DIRECT)),
        rule=lambda one: _violations_decide(one, DIRECT),
        told=_CHANCE.format("below", "above"),
        level=MACHINERY,
        bounds=SHARES,
    ),
    Row(
        "16-violations-later",
        "Layers that task loss matching rates above the layer itself mostly lie behind it.",
        "ours",
        "share of them that lie behind their target, less what layers drawn at random would have, mean over networks "
        "with any",
        more_later,
        bounds=DIFFERENCES,
    ),
)


def _identify_better(short: str, words: str, names: Sequence[str], level: str) -> Row:
    """Some measures identify more layers than task loss matching does."""
    theirs, other = [identified_share(name) for name in names], identified_share(TASK_LOSS)
    return Row(
        f"16-{short}-identify-better-{{suffix}}",
        f"{words} find the corresponding layer more often than task loss matching ({{kind}}).",
        "Stitching, abstract",
        "difference of the shares of targets whose best source is the corresponding layer",
        lambda one: one.estimated(lambda scores: [share(scores) - other(scores) for share in theirs]),
        rule=every(above(0)),
        places=lambda one: names,
        level=level,
        bounds=DIFFERENCES,
        formula=_IDENTIFIED if level == HEADLINE else "",
    )


_IDENTIFIED = (
    r"P(\arg\max_i s_\text{direct}(i, j) = j) \quad > P(\arg\max_i a_\text{task loss}(i, j) = j)"
    r"\quad \text{for both scores } s"
)
IDENTIFICATION_ROWS = (
    _identify_better("direct-scores", "Both scores of direct matching", (DIRECT, RESIDUAL), HEADLINE),
    _identify_better("indices", "CKA, PWCCA and Procrustes", (CKA, PWCCA, PROCRUSTES), DETAIL),
)


def _last_less_first(scores: LayerScores, name: str) -> float:
    """By how much the last source scores higher than the first, for the first target."""
    return scores.measures[name][-1, 0] - scores.measures[name][0, 0]


DISTANT_ROWS = (
    Row(
        "16-task-loss-prefers-distant",
        "For the first block, task loss matching rates the last block above the corresponding one.",
        "Stitching, abstract in short",
        "test accuracy from the last block into the first, less that from the first into the first (share)",
        lambda one: one.estimated(lambda scores: _last_less_first(scores, TASK_LOSS)),
        level=HEADLINE,
        bounds=DIFFERENCES,
        formula=r"a_\text{task loss}(L, 1) > a_\text{task loss}(1, 1)",
    ),
    Row(
        "16-direct-prefers-corresponding",
        "For the first block, direct matching rates the corresponding block above the last one.",
        "Stitching, abstract in short",
        "test accuracy from the first block into the first, less that from the last into the first (share)",
        lambda one: one.estimated(lambda scores: -_last_less_first(scores, DIRECT)),
        bounds=DIFFERENCES,
    ),
    Row(
        "16-task-loss-far-from-target",
        "Most maps of task loss matching lie further from the target's representation than zero does.",
        "ours",
        "share of sources and targets with a residual above 1",
        lambda one: one.estimated(lambda scores: (scores.task_loss_residual > 1).mean()),
        rule=above(0.5),
        bounds=SHARES,
    ),
    Row(
        "16-direct-follows-distance",
        "Direct matching finds layers the less alike the further apart they are.",
        "ours",
        "rank correlation of unlikeness with the distance of the layers",
        lambda one: one.estimated(lambda scores: [falls_with_distance(name)(scores) for name in (RESIDUAL, DIRECT)]),
        rule=every(above(0)),
        places=lambda one: (RESIDUAL, DIRECT),
        bounds=DIFFERENCES,
    ),
)


def identification_claims(kind: str, one: Stitched, gates: Sequence[Gate]) -> list[Claim]:
    """Direct matching and the indices against task loss matching; the paper's claims are about different seeds."""
    claims = judged(IDENTIFICATION_ROWS, one, gates, kind=kind, suffix=kind.replace(" ", "-"))
    return claims if kind == SEEDS else [replace(claim, source="ours", level=DETAIL) for claim in claims]
