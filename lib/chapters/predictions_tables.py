"""The tables of chapter 15: accuracies, what differs from image to image and class to class, steps, and two answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.effects.accuracy_differences import LEVEL, ClassDifferences, Step
from lib.effects.errors import Difference, agreement, divergence
from lib.statistics.contrasts import contrast_interval, exchanged, of_group, permutation_p
from lib.statistics.intervals import bounded, in_brackets, mean_interval
from lib.training.populations import Population

CHANGE = "+.3f"  # how differences of accuracy are written


def accuracy_table(tables: Mapping[str, np.ndarray], populations: Mapping[str, Population]) -> pd.DataFrame:
    """The paper's Table B.1, one row an architecture by its name: mean accuracy of single networks with its interval."""
    rows = []
    for one, table in tables.items():
        learnt = np.mean([network.train_accuracy[-1] for network in populations[one].networks])
        accuracy = table.mean(1)
        rows.append(
            {
                "architecture": one,
                "networks": len(table),
                "training accuracy (last epoch)": f"{learnt:.3f}",
                "test accuracy": in_brackets(bounded(mean_interval(accuracy), 0, 1), ".3f"),
                "lowest to highest": f"{accuracy.min():.3f} to {accuracy.max():.3f}",
            }
        )
    return pd.DataFrame(rows)


def differences_table(found: Mapping[str, Difference]) -> pd.DataFrame:
    """One row a comparison: the deviation that chance does not explain, with its interval, and the test."""
    columns = ["difference over", "standard deviation beyond chance", "p"]
    rows = [(name, in_brackets(one.root(), CHANGE), f"{one.p:.4f}") for name, one in found.items()]
    return pd.DataFrame(rows, columns=columns)


def steps_table(found: Mapping[str, Sequence[Step]]) -> pd.DataFrame:
    """One row a step: gain over all images, and how much it differs from image to image."""
    columns = ["step", "gain of accuracy", "standard deviation over images beyond chance", "p"]
    rows = [
        (
            f"{step.small} to {step.large}",
            in_brackets(step.gain, CHANGE),
            in_brackets(step.spread.root(), CHANGE),
            f"{step.spread.p:.4f}",
        )
        for steps in found.values()
        for step in steps
    ]
    return pd.DataFrame(rows, columns=columns).drop_duplicates()


def classes_table(found: Mapping[str, ClassDifferences]) -> pd.DataFrame:
    """One row a comparison: how many classes differ, and how many do where networks are dealt out anew."""
    return pd.DataFrame(
        [
            {
                "comparison": name,
                "classes": len(one.p),
                f"with p below {LEVEL:g}": int((one.p < LEVEL).sum()),
                "by chance, on average": f"{one.chance.mean() * len(one.p):.1f}",
                "p of so many": f"{one.share_p:.4f}",
                f"at a false discovery rate of {LEVEL:g}": int(one.discovered.sum()),
            }
            for name, one in found.items()
        ]
    )


def pairs_table(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """How alike two networks answer, within the first architecture, within the second and across.

    Args:
        first, second: logits, [networks, images, classes].
    """
    together, members = np.concatenate([first, second]), of_group(len(first), len(second))
    off = ~np.eye(len(together), dtype=bool)
    rows = []
    for name, pairs, sign in (
        ("same label (share of images)", agreement(together.argmax(-1)), 1),
        ("Kullback-Leibler divergence (nats)", divergence(together), -1),
    ):
        inside = [pairs[off & np.outer(group, group)].mean() for group in (members, ~members)]
        gap = contrast_interval(sign * pairs, members)
        p = permutation_p(gap[0], exchanged(sign * pairs, members, rng, draws))
        rows.append(
            {
                "two networks": name,
                "both deep": f"{inside[0]:.3f}",
                "both wide": f"{inside[1]:.3f}",
                "one of each": f"{pairs[np.ix_(members, ~members)].mean():.3f}",
                "more alike within than across, by": in_brackets(np.array(gap) / 2, "+.4f"),
                "p": f"{p:.4f}",
            }
        )
    return pd.DataFrame(rows)
