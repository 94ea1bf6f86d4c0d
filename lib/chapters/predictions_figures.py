"""The pictures of chapter 15: per-example accuracies against each other, what chance makes, and changes of classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.effects.errors import Difference
from lib.figures import PAGE, subplots

NAMED = 20  # classes whose names can be read beside their points
GREEN, ORANGE, GREY = "#009E73", "#E69F00", "#7F7F7F"
Panel = tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]  # label and hits [networks, images], of x and of y


def accuracy_pairs(panels: Mapping[str, Panel], columns: int = 3) -> Figure:
    """Per-example accuracy of one group of networks over that of another, a dot an image (Fig. 7a and b).

    Few networks put many images on the same place: dots are moved at random by up to a third of the way to the next one.
    """
    rows = -(-len(panels) // columns)
    figure, axes = subplots(rows, columns, width=min(PAGE / columns, 3.6), height=3.3, squeeze=False)
    rng = np.random.default_rng(0)
    for axis, (title, ((x_label, x), (y_label, y))) in zip(axes.flat, panels.items()):
        places = [table.mean(0) + rng.uniform(-1, 1, table.shape[1]) / (3 * len(table)) for table in (x, y)]
        axis.plot([0, 1], [0, 1], color="#D55E00", linewidth=1)
        axis.scatter(*places, s=5, color="#0072B2", alpha=0.5, linewidths=0)
        axis.set(title=title, xlabel=x_label, ylabel=y_label, aspect="equal")
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
            text.set_fontsize(10)
        axis.grid(False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
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
        _name(axis, classes, *next(iter(panels.values())))
    low, high = np.min([axis.get_xlim(), axis.get_ylim()]), np.max([axis.get_xlim(), axis.get_ylim()])
    axis.plot([low, high], [low, high], color="black", linewidth=0.8, alpha=0.5)
    axis.set(xlabel=f"{labels[0]} (points)", ylabel=f"{labels[1]} (points)")
    figure.legend(loc="outside lower center", ncols=1)
    return figure


def _name(axis: Axes, classes: Sequence[str], x: np.ndarray, y: np.ndarray) -> None:
    for name, *place in zip(classes, 100 * x, 100 * y):
        axis.annotate(name, (place[0], place[1]), xytext=(4, 4), textcoords="offset points", fontsize=9)
