"""What chapter 20 shows: similarity through training, what is decided when, the law's points, and the authors' picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.chapters.while_they_learn import LARGEST, Law
from lib.effects.learning import INITIAL, Learning
from lib.released import heatmaps
from lib.similarity.foretold import design, errors, exponents, extremes
from lib.similarity.paired_similarity import own, shared
from lib.statistics.intervals import Interval, bounded, cut

BEFORE = 0.5  # where the initial networks stand on a logarithmic axis of epochs
POINTS = 20  # of a line as it is drawn
SIMILARITY = "ρ(k, k) (cosine)"


def through_training(families: Mapping[str, Learning]) -> Figure:
    """Similarity, accuracy and loss over epochs, a column a family, a line with intervals a width."""
    figure, axes = figures.subplots(3, len(families), width=4.6, height=2.9, sharex="col", sharey="row", squeeze=False)
    for column, (family, one) in zip(axes.T, families.items()):
        shown = (
            (SIMILARITY, bounded(one.similarity_over_epochs(), -1, 1)),
            ("test accuracy (share)", bounded(one.over_epochs(one.accuracy), 0, 1)),
            ("test loss (nats)", bounded(one.over_epochs(one.loss), 0, np.inf)),
        )
        for axis, (label, interval) in zip(column, shown):
            figures.by_size(axis, one.epochs, interval, one.widths, "epochs")
            axis.set_ylabel(label)
            axis.label_outer()
        column[0].set_title(family)
        column[-1].set_yscale("log")
    figures.shared_legend(figure)
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
    figures.shared_legend(figure)
    return figure


def controls(usual: Learning, more: Mapping[str, Learning]) -> Figure:
    """Similarity over epochs of populations that share more, and of the usual ones: a panel a width."""
    widths = list(dict.fromkeys(width for one in more.values() for width in one.widths))
    figure, axes = figures.panel_grid(len(widths), height=3.4, sharey=True)
    for axis, width in zip(axes, widths):
        found = {}
        for name, one in {"others": usual, **more}.items():
            at = one.widths.index(width)
            found[name] = one.epochs, [part[at] for part in bounded(one.similarity_over_epochs(), -1, 1)]
        figures.lines(axis, found, 1.04)
        figures.width_axis(axis, usual.epochs, "epochs")
        axis.set(title=f"k = {width}", ylabel=SIMILARITY)
        axis.label_outer()
    figures.shared_legend(figure)
    return figure


def law_points(law: Law) -> dict[str, tuple[Interval, Interval]]:
    """Measured rho of every population and the law's: fitted to all, and to all but those that it is to foretell."""
    sample, numbers = law.one.points()
    columns = design(numbers)[0]
    measured = sample.interval()

    def points(left: np.ndarray, kept: np.ndarray) -> tuple[Interval, Interval]:
        found = sample.interval(lambda rho: (np.exp(errors(rho, columns, kept)) * rho)[..., left])
        return tuple(part[left] for part in measured), found

    everything = np.ones(len(columns), dtype=bool)
    return {"fitted": points(everything, everything)} | {
        f"without {LARGEST[term]}": points(left, ~left) for term, left in extremes(numbers).items()
    }


@dataclass(frozen=True, eq=False)
class BesidePicture:
    """One width.

    Attributes:
        measured: rho(k, k) after each number of epochs, [epochs].
        epochs: from the first population that has learnt enough to those of the authors, [POINTS].
        line: the straight line of log rho over log epochs through those populations, at `epochs`, [POINTS].
        picture: rho(k, k) of the authors' picture.
    """

    measured: Interval
    epochs: np.ndarray
    line: Interval
    picture: float

    @property
    def foretold(self) -> Interval:
        """The line at the authors' epochs."""
        return tuple(float(part[-1]) for part in self.line)

    @property
    def ratio(self) -> Interval:
        """The line over the picture there."""
        return tuple(part / self.picture for part in self.foretold)

    @property
    def explained(self) -> str:
        """Whether the number of epochs explains how far the picture lies from what was measured."""
        low, high = self.foretold[1:]
        return "yes" if low <= self.picture <= high else "no"


def beside_picture(one: Learning, reading: np.ndarray) -> dict[int, BesidePicture]:
    """Width -> its similarity beside the picture's, [widths, widths], of all widths that the picture spans and that learnt twice."""
    found = {}
    for place, width in enumerate(one.widths):
        picture, places = heatmaps.at_width(reading, width), one.judged(place)
        if np.isfinite(picture) and len(places) > 1:
            columns, _ = design([(width, one.n_train, one.epochs[at]) for at in places])
            epochs = np.geomspace(one.epochs[places[0]], heatmaps.EPOCHS, POINTS)
            at = np.stack([np.ones(POINTS), np.log(epochs)])
            line = one.similarities(place, places).interval(lambda rho: np.exp(exponents(rho, columns) @ at))
            measured = one.similarities(place, range(len(one.epochs))).interval()
            found[width] = BesidePicture(measured, epochs, line, picture)
    return found


def beside_pictures(epochs: list[int], widths: Mapping[int, BesidePicture]) -> Figure:
    """A panel a width: similarity over the epochs, the line with its band, and the picture as a star."""
    figure, axes = figures.panel_grid(len(widths), height=3.4, sharey=True)
    for position, (axis, (width, one)) in enumerate(zip(axes, widths.items())):
        colour, marker = figures.look("", position)
        measured = bounded(one.measured, -1, 1)
        figures.bars(axis, epochs, measured, fmt=marker, color=colour, markersize=5, label="two networks of this width")
        axis.plot(one.epochs, one.line[0], "--", color=colour, label="line of the logarithms")
        axis.fill_between(one.epochs, *one.line[1:], color=colour, alpha=0.15, linewidth=0)
        axis.plot(heatmaps.EPOCHS, one.picture, "*", color="#D55E00", markersize=13, label="the authors' picture")
        figures.width_axis(axis, [*epochs, heatmaps.EPOCHS], "epochs")
        axis.set(title=f"k = {width}", ylabel=SIMILARITY, yscale="log")
        axis.label_outer()
    figures.shared_legend(figure)
    return figure
