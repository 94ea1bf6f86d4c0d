"""What chapter 15 finds, as tables and in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.chapters.diversity_claims import ALIKE
from lib.effects.accuracy_differences import LEVEL, ClassDifferences, Step, Tables
from lib.effects.errors import Difference, agreement, divergence
from lib.statistics.group_contrast import contrast_interval, exchanged, of_group, permutation_p
from lib.statistics.intervals import Interval, in_brackets, mean_interval
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, judge_within

CHANGE = "+.3f"  # how differences of accuracy are written
NEAR = {SUPPORTED: "within a point of zero",
        CONTRADICTED: "more than a point from zero: the line on images equally hard is the one to read",
        UNDECIDED: "not shown to be within a point of zero: the line on images equally hard is the one to read"}


def accuracy_table(tables: Tables, populations: Mapping[Architecture, Population]) -> pd.DataFrame:
    """The paper's Table B.1, one row an architecture: mean accuracy of single networks with its interval."""
    rows = []
    for one, table in sorted(tables.items()):
        learnt = np.mean([network.train_accuracy[-1] for network in populations[one].networks])
        rows.append({"architecture": str(one), "networks": len(table),
                     "training accuracy (last epoch)": f"{learnt:.3f}",
                     "test accuracy": in_brackets(mean_interval(table.mean(1)), ".3f"),
                     "lowest to highest": f"{table.mean(1).min():.3f} to {table.mean(1).max():.3f}"})
    return pd.DataFrame(rows)


def differences_table(found: Mapping[str, Difference]) -> pd.DataFrame:
    """One row a comparison: the deviation that chance does not explain, with its interval, and the test."""
    return pd.DataFrame([{"difference over": name, "standard deviation beyond chance": in_brackets(one.root, CHANGE),
                          "p": f"{one.p:.4f}"} for name, one in found.items()])


def steps_table(found: Mapping[str, Sequence[Step]]) -> pd.DataFrame:
    """One row a step: gain over all images, and how much it differs from image to image."""
    return pd.DataFrame([{"step": f"{step.small} to {step.large}", "gain of accuracy": in_brackets(step.gain, CHANGE),
                          "standard deviation over images beyond chance": in_brackets(step.spread.root, CHANGE),
                          "p": f"{step.spread.p:.4f}"} for steps in found.values() for step in steps]).drop_duplicates()


def classes_table(found: Mapping[str, ClassDifferences]) -> pd.DataFrame:
    """One row a comparison: how many classes differ, and how many do where networks are dealt out anew."""
    return pd.DataFrame([{"comparison": name, "classes": len(one.p),
                          f"with p below {LEVEL:g}": int((one.p < LEVEL).sum()),
                          "by chance, on average": f"{one.chance.mean() * len(one.p):.1f}",
                          "p of so many": f"{one.share_p:.4f}",
                          f"at a false discovery rate of {LEVEL:g}": int(one.discovered.sum())}
                         for name, one in found.items()])


def pairs_table(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How alike two networks answer, within the first architecture, within the second and across.

    Args:
        first, second: logits, [networks, images, classes].
    """
    together, members = np.concatenate([first, second]), of_group(len(first), len(second))
    off = ~np.eye(len(together), dtype=bool)
    rows = []
    for name, pairs, sign in (("same label (share of images)", agreement(together), 1),
                              ("Kullback-Leibler divergence (nats)", divergence(together), -1)):
        within = [pairs[off & np.outer(group, group)].mean() for group in (members, ~members)]
        gap = contrast_interval(sign * pairs, members)
        p = permutation_p(gap[0], exchanged(sign * pairs, members, rng, draws))
        rows.append({"two networks": name, "both deep": f"{within[0]:.3f}", "both wide": f"{within[1]:.3f}",
                     "one of each": f"{pairs[np.ix_(members, ~members)].mean():.3f}",
                     "more alike within than across, by": in_brackets(np.array(gap) / 2, "+.4f"), "p": f"{p:.4f}"})
    return pd.DataFrame(rows)


def findings(deep: Architecture, wide: Architecture, means: Interval, found: Mapping[str, Difference],
             classes: ClassDifferences, stepped: Mapping[str, Sequence[Step]]) -> str:
    """The answer in words, Markdown lines: the means, one line a comparison, the classes, one line a direction."""
    lines = [f"- **Mean accuracy**: {deep} less {wide} is {in_brackets(means, CHANGE)}, "
             f"{NEAR[judge_within(*means[1:], -ALIKE, ALIKE)]}."]
    for name, one in found.items():
        told = "more than" if one.p < LEVEL else "not distinguishable from"
        lines.append(f"- **Over {name}** the difference of the two has a standard deviation of "
                     f"{in_brackets(one.root, CHANGE)} beyond chance: {told} what chance makes of networks of one kind "
                     f"(p = {one.p:.4f})." + " Below zero: less than its average." * (one.root[0] < 0))
    many, chance = int((classes.p < LEVEL).sum()), classes.chance.mean() * len(classes.p)
    lines.append(f"- **Single classes**: {many} of {len(classes.p)} differ at a p below {LEVEL:g}; {chance:.1f} do on "
                 "average where networks are dealt out anew, and as many or more in a share of "
                 f"{classes.share_p:.4f} of the deals. Left at a false discovery rate of {LEVEL:g}: "
                 f"{int(classes.discovered.sum())}.")
    for name, steps in stepped.items():
        parts = [f"{step.small} to {step.large} {in_brackets(step.gain, CHANGE)}" for step in steps]
        lines.append(f"- **Going {name}** changes the mean accuracy by: {'; '.join(parts)}.")
    return "\n".join(lines)
