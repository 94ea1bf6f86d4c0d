"""What chapter 16 found, in tables and in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.chapters.stitching_claims import ACCURACIES, Plan, Scores, identification, of_pairs, violated_targets
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.pairs import over_listed_pairs
from lib.stitching.identification import chance, follows_distance, identified, later_share, ties
from lib.stitching.layers import DIRECT, MEASURES, RESIDUAL, TASK_LOSS
from lib.stitching.similarity_indices import CKA
from lib.stitching.stitched_pairs import SEEDS, WITHIN, Pair


def violations_table(scores: Scores, pairs: Sequence[Pair]) -> pd.DataFrame:
    """A row a network stitched to itself: targets for which another source scores higher, at all and beyond chance."""
    rows = []
    for pair in pairs:
        one, row = scores[pair], {"width, seed": "{}, {}".format(*pair[1])}
        for name in (TASK_LOSS, DIRECT, RESIDUAL):
            row[name] = f"{violated_targets(one, name, False).any(0).sum()}"
            if name in ACCURACIES:
                row[name] += f" ({violated_targets(one, name).any(0).sum()})"
        behind, expected = later_share(violated_targets(one, TASK_LOSS))
        row["behind their target (at random)"] = "–" if np.isnan(behind) else f"{behind:.2f} ({expected:.2f})"
        rows.append(row | {"own accuracy": f"{one.own_hits.mean():.3f}"})
    return pd.DataFrame(rows)


def trained_longer(lengths: Mapping[int, Scores], pairs: Sequence[Pair]) -> dict[str, dict[int, Interval]]:
    """What task loss matching finds within networks, after several numbers of epochs: label -> epochs -> mean over networks.

    Labels: 'violated' and 'beyond chance', targets; 'into itself' and 'the network', accuracies (share).
    """
    statistics = {
        "violated": lambda one: violated_targets(one, TASK_LOSS, False).any(0).sum(),
        "beyond chance": lambda one: violated_targets(one, TASK_LOSS).any(0).sum(),
        "into itself": lambda one: np.diagonal(one.measures[TASK_LOSS]).mean(),
        "the network": lambda one: one.own_hits.mean()}
    return {label: {epochs: over_listed_pairs(of_pairs(scores, pairs, statistic), pairs)
                    for epochs, scores in lengths.items()} for label, statistic in statistics.items()}


def identification_table(scores: Scores, plan: Plan) -> pd.DataFrame:
    """A row a measure: share of identified targets and mean distance of the best source, for each kind of pair."""
    kinds = {kind: identification(scores, pairs) for kind, pairs in plan.items() if kind != WITHIN}
    return pd.DataFrame([{"measure": name} | {f"{kind}: {what}": in_brackets(found[name][what])
                                              for kind, found in kinds.items() for what in found[name]}
                         for name in MEASURES])


def tied_targets(scores: Scores, pairs: Sequence[Pair]) -> dict[str, tuple[int, int, int]]:
    """Measure by accuracy -> of all targets: those with several best sources, those whose best source is another, and
    of these the ones where it is better beyond chance."""
    counts = {}
    for name in ACCURACIES:
        missed = [(identified(scores[pair].likeness(name)) == 0) for pair in pairs]
        beaten = [violated_targets(scores[pair], name).any(0) for pair in pairs]
        counts[name] = (int(sum(ties(scores[pair].likeness(name)).sum() for pair in pairs)), int(np.sum(missed)),
                        int(np.sum(np.logical_and(missed, beaten))))
    return counts


def distant_table(scores: Scores, plan: Plan) -> pd.DataFrame:
    """A row a kind of pair: accuracy from the last block into the first, beside that from the first and the end's own."""
    rows = []
    for kind, pairs in plan.items():
        found = {"end's own accuracy": of_pairs(scores, pairs, lambda one: one.own_hits.mean())} | {
            f"{name.split(',')[0]}, {words}": of_pairs(scores, pairs, lambda one: one.measures[name][source, 0])
            for name in ACCURACIES for source, words in ((-1, "last into first block"), (0, "first into first"))}
        rows.append({"pairs": kind} | {label: in_brackets(over_listed_pairs(values, pairs), ".3f")
                                       for label, values in found.items()})
    return pd.DataFrame(rows)


def distance_table(scores: Scores, plan: Plan) -> pd.DataFrame:
    """A row a measure, a column a kind of pair: rank correlation of unlikeness with the distance of the layers."""
    return pd.DataFrame([{"measure": name} | {kind: in_brackets(over_listed_pairs(of_pairs(
        scores, pairs, lambda one: -follows_distance(one.likeness(name))), pairs)) for kind, pairs in plan.items()}
        for name in MEASURES])


def findings(scores: Scores, plan: Plan) -> str:
    """The answer in words, Markdown lines."""
    layers = scores[plan[WITHIN][0]].task_loss_hits.shape[1]
    counts = {name: int(sum(violated_targets(scores[pair], name).any(0).sum() for pair in plan[WITHIN]))
              for name in ACCURACIES}
    targets = layers * len(plan[WITHIN])
    lines = [f"- **Within a network** another source classifies better than the target's own block, beyond chance, for "
             f"{counts[TASK_LOSS]} of {targets} targets under task loss matching, and for {counts[DIRECT]} under direct "
             "matching."]
    for kind, pairs in plan.items():
        if kind != WITHIN:
            found = identification(scores, pairs)
            shares = "; ".join(f"{name} {in_brackets(found[name]['identified'])}"
                               for name in (TASK_LOSS, DIRECT, RESIDUAL, CKA))
            lines.append(f"- **{kind[0].upper()}{kind[1:]}** the best source of a target is the corresponding block in "
                         f"this share of targets: {shares}; at random {chance(layers)[0]:.2f}.")
    pairs = plan[SEEDS]
    far, own = (over_listed_pairs(of_pairs(scores, pairs, score), pairs) for score in (
        lambda one: one.measures[TASK_LOSS][-1, 0], lambda one: one.own_hits.mean()))
    large = over_listed_pairs(of_pairs(scores, pairs, lambda one: (one.task_loss_residual > 1).mean()), pairs)
    return "\n".join([*lines, f"- **Distant layers**: from the last block into the first, a stitch trained on the labels "
                      f"classifies {in_brackets(far, '.3f')} of the test images rightly, the end by itself "
                      f"{in_brackets(own, '.3f')}. Of all such stitches the share that is further from the target's "
                      f"representation than zero is {in_brackets(large)}."])
