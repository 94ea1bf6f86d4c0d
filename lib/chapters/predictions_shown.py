"""What chapter 15 shows: per-example accuracies, what chance makes, changes of classes and steps, in pictures and tables."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.effects.accuracy_differences import LEVEL, ClassDifferences, Step
from lib.effects.errors import Difference, agreement, divergence
from lib.figures import PAGE, panel_grid, subplots
from lib.statistics.contrasts import contrast_interval, exchanged, of_group, permutation_p
from lib.statistics.intervals import bounded, in_brackets, mean_interval
from lib.training.populations import Population

CHANGE = "+.3f"  # how differences of accuracy are written
NAMED = 20  # classes whose names can be read beside their points
GREEN, ORANGE, GREY = "#009E73", "#E69F00", "#7F7F7F"
Panel = tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]  # label and hits [networks, images], of x and of y


def accuracy_pairs(panels: Mapping[str, Panel], columns: int = 3) -> Figure:
    """Per-example accuracy of one group of networks over that of another, a dot an image (Fig. 7a and b).

    Few networks put many images on the same place: dots are moved at random by up to a third of the way to the next one.
    """
    figure, axes = panel_grid(len(panels), columns, width=min(PAGE / columns, 3.6), height=3.3)
    rng = np.random.default_rng(0)
    for axis, (title, ((x_label, x), (y_label, y))) in zip(axes, panels.items()):
        across, up = (table.mean(0) + rng.uniform(-1, 1, table.shape[1]) / (3 * len(table)) for table in (x, y))
        axis.plot([0, 1], [0, 1], color="#D55E00", linewidth=1)
        axis.scatter(across, up, s=5, color="#0072B2", alpha=0.5, linewidths=0)
        axis.set(title=title, xlabel=x_label, ylabel=y_label, aspect="equal")
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
            text.set_fontsize(10)
        axis.grid(False)
    figure.supxlabel("per-example accuracy (share of networks that are right)", fontsize=10)
    return figure


def beyond_chance(splits: Mapping[str, np.ndarray], tests: Mapping[str, Difference]) -> Figure:
    """Left: variances of half against half; then a panel a permutation test, with what was observed.

    Args:
        splits: which halves -> variances of random halves, [draws].
    """
    figure, axes = subplots(1, 1 + len(tests), width=PAGE / (1 + len(tests)), height=3.4)
    scale = 1e4  # from shares to points of accuracy, squared
    bins = np.histogram_bin_edges(scale * np.concatenate(list(splits.values())), 40)
    for (name, values), colour in zip(splits.items(), (ORANGE, GREY, GREEN)):
        axes[0].hist(scale * values, bins, histtype="stepfilled", alpha=0.5, color=colour, label=name)
    axes[0].set(title="half against half", ylabel="draws")
    last = list(tests)[-1]  # named once in the legend
    for axis, (title, found) in zip(axes[1:], tests.items()):
        axis.hist(scale * found.drawn, 40, color=GREY, alpha=0.7)
        axis.axvline(scale * found.observed, color="black", linewidth=2, label="observed" if title == last else None)
        axis.set(title=title, ylabel="permutations")
    for axis in axes:
        axis.set_xlabel("variance beyond noise (points²)", fontsize=10)
        axis.title.set_fontsize(10)
    figure.legend(loc="outside lower left", ncols=4, fontsize=9)
    return figure


def class_changes(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]], labels: tuple[str, str], classes: Sequence[str]
) -> Figure:
    """Change of every class's accuracy in one way over that in another (Fig. 7c).

    Args:
        panels: name of the cloud -> x and y, [classes] each; the first one has the names of its classes beside it.
        labels: what x and y are.
    """
    figure, axis = subplots(width=6.4, height=5.2)
    for (name, (x, y)), colour, marker in zip(panels.items(), (GREEN, ORANGE, GREY), ("o", "s", "^")):
        axis.scatter(100 * x, 100 * y, color=colour, marker=marker, s=28, alpha=0.8, linewidths=0, label=name)
    if len(classes) <= NAMED:
        for name, *place in zip(classes, *(100 * changes for changes in next(iter(panels.values())))):
            axis.annotate(name, (place[0], place[1]), xytext=(4, 4), textcoords="offset points", fontsize=9)
    low, high = np.min([axis.get_xlim(), axis.get_ylim()]), np.max([axis.get_xlim(), axis.get_ylim()])
    axis.plot([low, high], [low, high], color="black", linewidth=0.8, alpha=0.5)
    axis.set(xlabel=f"{labels[0]} (points)", ylabel=f"{labels[1]} (points)")
    figure.legend(loc="outside lower center", ncols=1)
    return figure


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
