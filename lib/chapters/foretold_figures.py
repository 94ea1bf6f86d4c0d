"""The pictures of chapter 21: what was foretold over what was measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from lib import figures
from lib.statistics.intervals import Interval

Points = tuple[Interval, Interval]  # measured and foretold


def foretold_over_measured(panels: Mapping[str, Mapping[str, Points]], label: str) -> Figure:
    """A panel a family: foretold over measured on logarithmic axes with the line of equality, a colour for each kind.

    Points that are not positive are not drawn.
    """
    figure, axes = figures.panel_grid(len(panels), width=4.6, height=4.2)
    names = list(dict.fromkeys(name for kinds in panels.values() for name in kinds))
    for axis, (title, kinds) in zip(axes, panels.items()):
        for name, (measured, found) in kinds.items():
            colour, marker = figures.look(name, names.index(name))
            looks: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 5, "capsize": 2, "elinewidth": 0.8}
            x, y = (tuple(np.ravel(part) for part in some) for some in (measured, found))
            figures.bars(axis, x[0], y, label=name, **looks)
            figures.bars(axis, y[0], x, sideways=True, **looks)
        ends = [end for both in kinds.values() for some in both for end in np.ravel(some[0]) if end > 0]
        line = np.array([0.8 * min(ends), 1.25 * max(ends)])
        axis.plot(line, line, color="black", linewidth=1)
        for side in (line / 1.25, line * 1.25):
            axis.plot(line, side, color="grey", linestyle="dotted", linewidth=1)
        axis.set(title=title, xscale="log", yscale="log", xlim=line, ylim=line)
        axis.set(xlabel=f"measured {label}", ylabel=f"foretold {label}")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(LogLocator(subs=(1, 2, 5)))
            side.set_major_formatter(FormatStrFormatter("%g"))
            side.set_minor_formatter(NullFormatter())
    figures.legend_below(figure, axes, names, columns=2)
    return figure
