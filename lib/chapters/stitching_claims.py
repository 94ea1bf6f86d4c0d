"""The claims of chapter 16 on task loss matching, direct matching and similarity indices."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lib.statistics.intervals import Interval
from lib.statistics.pairs import over_listed_pairs
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
from lib.stitching.stitched_pairs import SEEDS, WITHIN, Pair
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, all_above, judge_above

Plan = Mapping[str, Sequence[Pair]]  # kind of pair -> pairs
Scores = Mapping[Pair, LayerScores]
ACCURACIES = {TASK_LOSS: "task_loss_hits", DIRECT: "direct_hits"}


def of_pairs(scores: Scores, pairs: Sequence[Pair], statistic: Callable[[LayerScores], object]) -> np.ndarray:
    """A number, or several, of each pair: [pairs, ...]."""
    return np.array([statistic(scores[pair]) for pair in pairs], dtype=float)


def violated_targets(scores: LayerScores, name: str, beyond_chance: bool = True) -> np.ndarray:
    """[sources, targets] bool: sources that a measure rates above the corresponding layer, for accuracies by more than
    chance over images (`lib.stitching.identification.violations`) unless told otherwise."""
    if beyond_chance and name in ACCURACIES:
        return violations(getattr(scores, ACCURACIES[name]))
    likeness = scores.likeness(name)
    return likeness > np.diagonal(likeness)


def identification(scores: Scores, pairs: Sequence[Pair], level: float = 0.95) -> dict[str, dict[str, Interval]]:
    """Measure -> 'identified' (share of targets) and 'distance' (layers), each with its interval over networks."""
    return {name: {what: over_listed_pairs(of_pairs(scores, pairs, lambda one: score(one.likeness(name)).mean()), pairs, level)
                   for what, score in (("identified", identified), ("distance", distance))} for name in MEASURES}


def within_claims(scores: Scores, plan: Plan) -> list[Claim]:
    """The three claims on single networks stitched to themselves."""
    pairs = plan[WITHIN]
    layers, images = scores[pairs[0]].task_loss_hits.shape[1:]
    chance = LEVEL * layers
    found = {name: over_listed_pairs(of_pairs(scores, pairs, lambda one: violated_targets(one, name).any(0).sum()), pairs)
             for name in ACCURACIES}
    statistic = f"targets of {layers} for which another source classifies better beyond chance, mean over networks"
    rule = (f"95 % interval {{}} {chance:g}, the most that chance makes; contradicted if it lies {{}}; below says nothing, "
            "and is undecided, where some layer itself errs too rarely for any other to be better beyond chance")
    prefers, never = found[TASK_LOSS], found[DIRECT]
    claims = [
        Claim("16-task-loss-prefers-others",
              "Within one network, task loss matching rates some layer above the layer itself.", statistic,
              *map(float, prefers), len(pairs), images, rule.format("above", "below"),
              _told(judge_above(*prefers[1:], chance), CONTRADICTED, scores, pairs, TASK_LOSS)),
        Claim("16-direct-never-prefers-others",
              "Within one network, direct matching rates no layer above the layer itself.", statistic,
              *map(float, never), len(pairs), images, rule.format("below", "above"),
              _told(judge_above(-never[2], -never[1], -chance), SUPPORTED, scores, pairs, DIRECT))]
    later = _later(scores, pairs)
    return [*claims, Claim(
        "16-violations-later", "Layers that task loss matching rates above the layer itself mostly lie behind it.",
        "share of them that lie behind their target, less what layers drawn at random would have, mean over networks "
        "with any", *map(float, later), len(pairs), images, "95 % interval above 0; contradicted if it lies below",
        judge_above(*later[1:]))]


def _told(verdict: str, from_absence: str, scores: Scores, pairs: Sequence[Pair], name: str) -> str:
    """The verdict, but undecided if it follows `from_absence` of violations that could not have been seen."""
    visible = all(could_be_violated(getattr(scores[pair], ACCURACIES[name])).all() for pair in pairs)
    return verdict if visible or verdict != from_absence else UNDECIDED


def _later(scores: Scores, pairs: Sequence[Pair]) -> Interval:
    """NaN with fewer than three networks of which any target is violated."""
    kept = [pair for pair in pairs if violated_targets(scores[pair], TASK_LOSS).any()]
    if len(kept) < 3:
        return (np.nan,) * 3
    shares = of_pairs(scores, kept, lambda one: later_share(violated_targets(one, TASK_LOSS)))
    return over_listed_pairs(shares[:, 0] - shares[:, 1], kept)


def identification_claims(scores: Scores, kind: str, pairs: Sequence[Pair]) -> list[Claim]:
    """Direct matching, and the indices, identify more layers than task loss matching does: pairs of one kind."""
    def better(names):
        values = of_pairs(scores, pairs, lambda one: [
            identified(one.likeness(name)).mean() - identified(one.likeness(TASK_LOSS)).mean() for name in names])
        return lambda level: over_listed_pairs(values, pairs, level)

    suffix, about = kind.replace(" ", "-"), _about(scores, pairs)
    return [all_above(f"16-{short}-identify-better-{suffix}", f"{words} find the corresponding layer more often than "
                      f"task loss matching ({kind}).", "difference of the shares of targets whose best source is the "
                      "corresponding layer", better(names), 0.0, *about, names)
            for short, words, names in (("direct-scores", "Both scores of direct matching", (DIRECT, RESIDUAL)),
                                        ("indices", "CKA, PWCCA and Procrustes", (CKA, PWCCA, PROCRUSTES)))]


def distant_claims(scores: Scores, plan: Plan) -> list[Claim]:
    """What both matchings make of distant layers of networks of different seeds."""
    pairs = plan[SEEDS]
    about = _about(scores, pairs)

    def judged(name, statement, statistic, values, threshold=0.0):
        found = over_listed_pairs(values, pairs)
        return Claim(name, statement, statistic, *map(float, found), *about,
                     f"95 % interval above {threshold:g}; contradicted if it lies below",
                     judge_above(*found[1:], threshold))

    def last_less_first(name):
        return of_pairs(scores, pairs, lambda one: one.measures[name][-1, 0] - one.measures[name][0, 0])

    follows = of_pairs(scores, pairs, lambda one: [-follows_distance(one.likeness(name)) for name in (RESIDUAL, DIRECT)])
    return [
        judged("16-task-loss-prefers-distant",
               "For the first block, task loss matching rates the last block above the corresponding one.",
               "test accuracy from the last block into the first, less that from the first into the first (share)",
               last_less_first(TASK_LOSS)),
        judged("16-direct-prefers-corresponding",
               "For the first block, direct matching rates the corresponding block above the last one.",
               "test accuracy from the first block into the first, less that from the last into the first (share)",
               -last_less_first(DIRECT)),
        judged("16-task-loss-far-from-target",
               "Most maps of task loss matching lie further from the target's representation than zero does.",
               "share of sources and targets with a residual above 1",
               of_pairs(scores, pairs, lambda one: (one.task_loss_residual > 1).mean()), 0.5),
        all_above("16-direct-follows-distance", "Direct matching finds layers the less alike the further apart they are.",
                  "rank correlation of unlikeness with the distance of the layers",
                  lambda level: over_listed_pairs(follows, pairs, level), 0.0, *about, (RESIDUAL, DIRECT))]


def _about(scores: Scores, pairs: Sequence[Pair]) -> tuple[int, int]:
    """How many networks and images."""
    return len({network for pair in pairs for network in pair}), scores[pairs[0]].task_loss_hits.shape[2]
