"""What the tables and pictures of chapter 16 show: means over pairs of networks with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lib.chapters.stitching import ACCURACIES, SHARES, Statistic, Stitched, identified_share, violated, violated_targets
from lib.statistics.intervals import Interval, bounded, in_brackets
from lib.stitching.identification import distance, later_share
from lib.stitching.layers import DIRECT, MEASURES, RESIDUAL, TASK_LOSS


def identification(one: Stitched) -> dict[str, dict[str, Interval]]:
    """Measure -> 'identified' (share of targets) and 'distance' (layers), each with its interval over networks."""
    return {
        name: {
            "identified": bounded(one.interval(identified_share(name)), *SHARES),
            "distance": one.interval(lambda scores: distance(scores.likeness(name)).mean()),
        }
        for name in MEASURES
    }


def after_epochs(one: Stitched, epochs: int, compared: Sequence[int]) -> dict[int, Stitched]:
    """The accuracies of task loss matching after its `epochs`, and after each that it is compared with, in their order."""
    moments = {
        count: {
            pair: replace(found, task_loss_hits=found.hits_by_epochs[..., place]) for pair, found in one.scores.items()
        }
        for place, count in enumerate(compared)
    }
    found = {count: Stitched(scores, one.pairs) for count, scores in moments.items()} | {epochs: one}
    return dict(sorted(found.items()))


def trained_longer(lengths: Mapping[int, Stitched]) -> dict[str, dict[int, Interval]]:
    """What task loss matching finds within networks, after several numbers of epochs: label -> epochs -> mean over networks.

    Labels: 'violated' and 'beyond chance', of the targets; 'into itself' and 'the network', accuracies.  All are shares.
    """
    statistics = {
        "violated": violated_targets(TASK_LOSS, False),
        "beyond chance": violated_targets(TASK_LOSS),
        "into itself": lambda scores: np.diagonal(scores.measures[TASK_LOSS]).mean(),
        "the network": lambda scores: scores.own_hits.mean(),
    }
    return {
        label: {epochs: bounded(one.interval(statistic), *SHARES) for epochs, one in lengths.items()}
        for label, statistic in statistics.items()
    }


def violations_table(one: Stitched) -> pd.DataFrame:
    """A row a network stitched to itself: targets for which another source scores higher, at all and beyond chance."""
    rows = []
    for pair in one.pairs:
        scores, row = one.scores[pair], {"width, seed": "{}, {}".format(*pair[1])}
        for name in (TASK_LOSS, DIRECT, RESIDUAL):
            row[name] = f"{violated(scores, name, False).any(0).sum()}"
            row[name] += f" ({violated(scores, name).any(0).sum()})" if name in ACCURACIES else ""
        behind, expected = later_share(violated(scores, TASK_LOSS))
        row["behind their target (at random)"] = "–" if np.isnan(behind) else f"{behind:.2f} ({expected:.2f})"
        rows.append(row | {"own accuracy": f"{scores.own_hits.mean():.3f}"})
    return pd.DataFrame(rows)


def means(
    kinds: Mapping[str, Stitched], statistics: Mapping[str, Statistic], style: str, bounds: tuple[float, float]
) -> pd.DataFrame:
    """A row a kind of pair, a column a statistic between two bounds: means over pairs with their intervals."""
    return pd.DataFrame(
        {
            kind: {
                label: in_brackets(bounded(one.interval(statistic), *bounds), style)
                for label, statistic in statistics.items()
            }
            for kind, one in kinds.items()
        }
    ).T


FROM_LAST_BLOCK = {"end's own accuracy": lambda scores: scores.own_hits.mean()} | {
    f"{name.split(',')[0]}, {words}": lambda scores, name=name, source=source: scores.measures[name][source, 0]
    for name in ACCURACIES
    for source, words in ((-1, "last into first block"), (0, "first into first"))
}
