"""The pictures of chapter 20: similarity and accuracy through training, what is decided when, and the law's points."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.chapters.foretold_figures import Points
from lib.chapters.while_they_learn import LARGEST, Law
from lib.effects.learning import INITIAL, Learning
from lib.effects.power_law import design, errors, extremes
from lib.similarity.over_time import own, shared
from lib.statistics.intervals import bounded, cut

BEFORE = 0.5  # where the initial networks stand on a logarithmic axis of epochs


def through_training(families: Mapping[str, Learning]) -> Figure:
    """Similarity, accuracy and loss over epochs, a column a family, a line with intervals a width."""
    figure, axes = figures.subplots(3, len(families), width=4.6, height=2.9, sharex="col", sharey="row", squeeze=False)
    for column, (family, one) in zip(axes.T, families.items()):
        shown = (
            ("ρ(k, k) (cosine)", bounded(one.similarity_over_epochs(), -1, 1)),
            ("test accuracy (share)", bounded(one.over_epochs(one.accuracy), 0, 1)),
            ("test loss (nats)", bounded(one.over_epochs(one.loss), 0, np.inf)),
        )
        for axis, (label, interval) in zip(column, shown):
            figures.by_size(axis, one.epochs, interval, one.widths, "epochs")
            axis.set_ylabel(label)
            axis.label_outer()
        column[0].set_title(family)
        column[-1].set_yscale("log")
    figures.legend_below(figure, axes[0])
    return figure


def decided(families: Mapping[str, Learning]) -> Figure:
    """How near each moment is to the last one: what all share above, what is a network's own below; a column a family."""
    figure, axes = figures.subplots(2, len(families), width=4.6, height=3.1, sharex="col", sharey="row", squeeze=False)
    for column, (family, one) in zip(axes.T, families.items()):
        count = len(one.epochs)
        for axis, measure, label, first in (
            (column[0], shared, "cosine of mean directions", 1),
            (column[1], own, "correlation of own parts", INITIAL),
        ):
            parts = [
                cut(group.interval(lambda both: measure(both)[..., first:count, count]), -1, 1) for group in one.groups
            ]
            places: Any = [*[BEFORE] * (first == INITIAL), *one.epochs[:-1]]  # half an epoch is no number of epochs
            figures.by_size(axis, places, tuple(np.stack(part) for part in zip(*parts)), one.widths, "epochs")
            axis.set_ylabel(f"{label},\nto the end")
            axis.axhline(0, color="black", linewidth=1)
            axis.label_outer()
        column[1].set_xticks([BEFORE, *one.epochs[:-1]], ["before", *map(str, one.epochs[:-1])])
        column[0].set_title(family)
    figures.legend_below(figure, axes[0])
    return figure


def controls(usual: Learning, more: Mapping[str, Learning]) -> Figure:
    """Similarity over epochs of populations that share more, and of the usual ones: a panel a width."""
    widths = list(dict.fromkeys(width for one in more.values() for width in one.widths))
    figure, axes = figures.panel_grid(len(widths), width=4.6, height=3.4, sharey=True)
    for axis, width in zip(axes, widths):
        for position, (name, one) in enumerate({"others": usual, **more}.items()):
            at = one.widths.index(width)
            found = tuple(part[at] for part in bounded(one.similarity_over_epochs(), -1, 1))
            colour, marker = figures.look(name, position)
            shifted = np.array(one.epochs) * 1.04 ** (position - 1)
            figures.bars(axis, shifted, found, color=colour, marker=marker, label=name)
        figures.width_axis(axis, usual.epochs, "epochs")
        axis.set(title=f"k = {width}", ylabel="ρ(k, k) (cosine)")
        axis.label_outer()
    figures.legend_below(figure, axes)
    return figure


def law_points(law: Law) -> dict[str, Points]:
    """Measured rho of every population and the law's: fitted to all, and to all but those that it is to foretell."""
    sample, numbers = law.one.points()
    columns = design(numbers)[0]
    measured = sample.interval()

    def points(left: np.ndarray, kept: np.ndarray) -> Points:
        found = sample.interval(lambda rho: (np.exp(errors(rho, columns, kept)) * rho)[..., left])
        return tuple(part[left] for part in measured), found

    everything = np.ones(len(columns), dtype=bool)
    return {"fitted": points(everything, everything)} | {
        f"without {LARGEST[term]}": points(left, ~left) for term, left in extremes(numbers).items()
    }
