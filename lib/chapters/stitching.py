"""Chapter 16: which layers do task loss matching, direct matching and similarity indices take for each other?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lib.rules import CONTRADICTED, SUPPORTED, Unless, above, below, every
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.pairs import LEAST, over_listed_pairs
from lib.statistics.sample import Estimated
from lib.stitching.identification import (
    LEVEL,
    could_be_violated,
    distance,
    follows_distance,
    identified,
    later_share,
    violations,
)
from lib.stitching.layers import DIRECT, MEASURES, RESIDUAL, TASK_LOSS, LayerScores
from lib.stitching.similarity_indices import CKA, PROCRUSTES, PWCCA
from lib.stitching.stitched_pairs import SEEDS, Network, Pair
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

ACCURACIES = {TASK_LOSS: "task_loss_hits", DIRECT: "direct_hits"}
Statistic = Callable[[LayerScores], object]


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
        return over_listed_pairs(self.of(statistic), self.pairs)

    def estimated(self, statistic: Statistic) -> Estimated:
        """The mean over pairs for a verdict."""
        values = self.of(statistic)
        return Estimated(lambda level: over_listed_pairs(values, self.pairs, level), len(self.networks), self.images)

    @property
    def networks(self) -> set[Network]:
        """All that take part in a pair."""
        return {network for pair in self.pairs for network in pair}

    @property
    def layers(self) -> int:
        """How many each network has."""
        return self.scores[self.pairs[0]].task_loss_hits.shape[1]

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
    """How many targets have a source that a measure rates above the corresponding layer."""
    return lambda scores: violated(scores, name, beyond_chance).any(0).sum()


def identified_share(name: str) -> Statistic:
    """Share of targets whose best source is the corresponding layer."""
    return lambda scores: identified(scores.likeness(name)).mean()


def falls_with_distance(name: str) -> Statistic:
    """Rank correlation of a measure's unlikeness with the distance of the layers."""
    return lambda scores: -follows_distance(scores.likeness(name))


def _violations_decide(one: Stitched, name: str) -> Unless:
    """More violated targets than chance makes, or fewer; fewer tell nothing where they could not have been seen."""
    chance = LEVEL * one.layers
    rule, from_absence = (above(chance), CONTRADICTED) if name == TASK_LOSS else (below(chance), SUPPORTED)
    hidden = not one.of(lambda scores: could_be_violated(getattr(scores, ACCURACIES[name])).all()).all()
    return Unless(rule, from_absence, hidden, "no violation could have been seen")


_CHANCE = (
    "95 % interval {} a twentieth of the targets, the most that chance makes; contradicted if it lies {}; below says "
    "nothing, and is undecided, where some layer itself errs too rarely for any other to be better beyond chance"
)


def more_later(one: Stitched) -> Estimated:
    """Share of violating sources behind their target, less that of sources at random, over networks with any.

    NaN with fewer than three of them.
    """
    kept = [pair for pair in one.pairs if violated(one.scores[pair], TASK_LOSS).any()]
    if len(kept) < LEAST:
        return Estimated(lambda level: (np.nan,) * 3, len(one.networks), one.images)
    found = Stitched(one.scores, kept).estimated(lambda scores: np.subtract(*later_share(violated(scores, TASK_LOSS))))
    return replace(found, networks=len(one.networks))


_VIOLATED = "targets of {layers} for which another source classifies better beyond chance, mean over networks"
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
    ),
    Row(
        "16-violations-later",
        "Layers that task loss matching rates above the layer itself mostly lie behind it.",
        "ours",
        "share of them that lie behind their target, less what layers drawn at random would have, mean over networks "
        "with any",
        more_later,
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
    ),
    Row(
        "16-direct-prefers-corresponding",
        "For the first block, direct matching rates the corresponding block above the last one.",
        "Stitching, abstract in short",
        "test accuracy from the first block into the first, less that from the last into the first (share)",
        lambda one: one.estimated(lambda scores: -_last_less_first(scores, DIRECT)),
    ),
    Row(
        "16-task-loss-far-from-target",
        "Most maps of task loss matching lie further from the target's representation than zero does.",
        "ours",
        "share of sources and targets with a residual above 1",
        lambda one: one.estimated(lambda scores: (scores.task_loss_residual > 1).mean()),
        rule=above(0.5),
    ),
    Row(
        "16-direct-follows-distance",
        "Direct matching finds layers the less alike the further apart they are.",
        "ours",
        "rank correlation of unlikeness with the distance of the layers",
        lambda one: one.estimated(lambda scores: [falls_with_distance(name)(scores) for name in (RESIDUAL, DIRECT)]),
        rule=every(above(0)),
        places=lambda one: (RESIDUAL, DIRECT),
    ),
)


def within_claims(one: Stitched) -> list[Claim]:
    """The claims on single networks stitched to themselves."""
    return judged(WITHIN_ROWS, one, layers=one.layers)


def identification_claims(kind: str, one: Stitched) -> list[Claim]:
    """Direct matching and the indices against task loss matching; the paper's claims are about different seeds."""
    claims = judged(IDENTIFICATION_ROWS, one, kind=kind, suffix=kind.replace(" ", "-"))
    return claims if kind == SEEDS else [replace(claim, source="ours", level=DETAIL) for claim in claims]


def identification(one: Stitched) -> dict[str, dict[str, Interval]]:
    """Measure -> 'identified' (share of targets) and 'distance' (layers), each with its interval over networks."""
    return {
        name: {
            "identified": one.interval(identified_share(name)),
            "distance": one.interval(lambda scores: distance(scores.likeness(name)).mean()),
        }
        for name in MEASURES
    }


def trained_longer(lengths: Mapping[int, Stitched]) -> dict[str, dict[int, Interval]]:
    """What task loss matching finds within networks, after several numbers of epochs: label -> epochs -> mean over networks.

    Labels: 'violated' and 'beyond chance', targets; 'into itself' and 'the network', accuracies (share).
    """
    statistics = {
        "violated": violated_targets(TASK_LOSS, False),
        "beyond chance": violated_targets(TASK_LOSS),
        "into itself": lambda scores: np.diagonal(scores.measures[TASK_LOSS]).mean(),
        "the network": lambda scores: scores.own_hits.mean(),
    }
    return {
        label: {epochs: one.interval(statistic) for epochs, one in lengths.items()}
        for label, statistic in statistics.items()
    }


def violations_table(one: Stitched) -> pd.DataFrame:
    """A row a network stitched to itself: targets for which another source scores higher, at all and beyond chance."""
    rows = []
    for pair in one.pairs:
        scores, row = one.scores[pair], {"width, seed": "{}, {}".format(*pair[1])}
        for name in (TASK_LOSS, DIRECT, RESIDUAL):
            row[name] = f"{violated_targets(name, False)(scores)}"
            row[name] += f" ({violated_targets(name)(scores)})" if name in ACCURACIES else ""
        behind, expected = later_share(violated(scores, TASK_LOSS))
        row["behind their target (at random)"] = "–" if np.isnan(behind) else f"{behind:.2f} ({expected:.2f})"
        rows.append(row | {"own accuracy": f"{scores.own_hits.mean():.3f}"})
    return pd.DataFrame(rows)


def means(kinds: Mapping[str, Stitched], statistics: Mapping[str, Statistic], style: str = ".2f") -> pd.DataFrame:
    """A row a kind of pair, a column a statistic: means over pairs with their intervals."""
    return pd.DataFrame(
        {
            kind: {label: in_brackets(one.interval(statistic), style) for label, statistic in statistics.items()}
            for kind, one in kinds.items()
        }
    ).T


FROM_LAST_BLOCK = {"end's own accuracy": lambda scores: scores.own_hits.mean()} | {
    f"{name.split(',')[0]}, {words}": lambda scores, name=name, source=source: scores.measures[name][source, 0]
    for name in ACCURACIES
    for source, words in ((-1, "last into first block"), (0, "first into first"))
}
