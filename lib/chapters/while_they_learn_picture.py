"""Chapter 20: similarity over the epochs beside the authors' released picture, width by width."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.effects.learning import Learning
from lib.effects.power_law import design, exponents
from lib.released import heatmaps
from lib.statistics.intervals import Interval, bounded

POINTS = 20  # of the line as it is drawn


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


def figure(epochs: list[int], widths: Mapping[int, BesidePicture]) -> Figure:
    """A panel a width: similarity over the epochs, the line with its band, and the picture as a star."""
    drawn, axes = figures.panel_grid(len(widths), width=4.6, height=3.4, sharey=True)
    for position, (axis, (width, one)) in enumerate(zip(axes, widths.items())):
        colour, marker = figures.look("", position)
        measured = bounded(one.measured, -1, 1)
        figures.bars(axis, epochs, measured, fmt=marker, color=colour, markersize=5, label="two networks of this width")
        axis.plot(one.epochs, one.line[0], "--", color=colour, label="line of the logarithms")
        axis.fill_between(one.epochs, *one.line[1:], color=colour, alpha=0.15, linewidth=0)
        axis.plot(heatmaps.EPOCHS, one.picture, "*", color="#D55E00", markersize=13, label="the authors' picture")
        figures.width_axis(axis, [*epochs, heatmaps.EPOCHS], "epochs")
        axis.set(title=f"k = {width}", ylabel="ρ(k, k) (cosine)", yscale="log")
        axis.label_outer()
    figures.legend_below(drawn, axes[:1])
    return drawn
