"""The pictures of chapter 6: loss and E[t] (Figs. 9 and 24), the law of ensembles, averages, calibration and cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lib.chapters.compared_ensembles import AVERAGES
from lib.ensembles.comparisons import Families, common_sizes, estimates, interval, table
from lib.ensembles.cosines import law
from lib.ensembles.measures import Ensembles
from lib.family_widths import Widths, union
from lib.figures import (
    PAGE,
    bars,
    by_width,
    look,
    loss_axis,
    panel_grid,
    shared_legend,
    subplots,
    width_axis,
    width_shades,
)

COSINE = "E[t] (cosine)"
STYLES: dict[str, Any] = dict(zip(AVERAGES, ("solid", "dashed")))


def loss_and_accuracy(families: Families) -> Figure:
    """Figs. 9 and 24, a row an average: test loss and accuracy over E[t] of single networks and ensembles."""
    figure, axes = subplots(len(AVERAGES), 2, width=PAGE / 2, height=4.0, sharex=True, sharey="col")
    for (left, right), average in zip(axes, AVERAGES):
        for axis, name in ((left, "loss"), (right, "accuracy")):
            for position, (family, populations) in enumerate(families.items()):
                rows = estimates(populations)
                _paths(axis, family, position, table(rows, "t"), table(rows, f"{name} {average}"))
            axis.set_title(f"averaged {average}: {name}")
        right.set_ylabel("test accuracy (share)")
    for axis in axes[:, 0]:
        loss_axis(axis)
    for axis in axes[-1]:
        axis.set_xlabel(COSINE)
    _spaced(figure)
    _legend(figure, families)
    return figure


def law_by_members(families: Families, widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: measured E[t] of ensembles over m with intervals over networks, the law drawn through."""

    def draw(axis: Axes, population: Ensembles, label: str, colour: np.ndarray, shift: float) -> None:
        t = _error_bars(axis, population, "t", shift, fmt="o", markersize=4, color=colour, label=label)
        members = np.geomspace(1, population.sizes[-1], 50)
        expected = law(t[0], members, population.values["spread"][0, 0])
        axis.plot(shift * members, expected, color=colour, linewidth=1.2)

    figure, axes = _by_members(families, widths, COSINE, draw)
    axes[0].set_ylim(0, 1.02)
    shared_legend(figure, 5, width_names(widths))
    return figure


def averages(families: Families, widths: Widths, members: int) -> Figure:
    """Averaged logits minus averaged probabilities, over the width: loss and accuracy of ensembles of `members`."""
    figure, axes = subplots(1, 2, width=PAGE / 2, height=3.8)
    _spaced(figure)
    for axis, name, unit in zip(axes, ("loss", "accuracy"), ("nats", "share")):
        found = {}
        for family, populations in families.items():
            place = common_sizes(populations).index(members)
            found[family] = interval(
                populations,
                lambda rows: (table(rows, f"{name} logits") - table(rows, f"{name} probabilities"))[:, place],
            )
        by_width(found, widths, f"{name}: logits − probabilities ({unit})", axis=axis)
        axis.axhline(0, color="black", linewidth=1)
    return figure


def calibration(families: Families, widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: expected calibration error over m, averaged probabilities (solid) and logits (dashed)."""

    def draw(axis: Axes, population: Ensembles, label: str, colour: np.ndarray, shift: float) -> None:
        lines = {"capsize": 2, "color": colour, "marker": "o", "markersize": 4}
        for average, style in STYLES.items():
            named = label if average == AVERAGES[0] else None
            _error_bars(axis, population, f"ece {average}", shift, linestyle=style, label=named, **lines)

    figure, axes = _by_members(families, widths, "calibration error (probability)", draw)
    axes[0].set_ylim(bottom=0)  # for all, now that all are drawn
    for of, style in STYLES.items():
        axes[0].plot([], [], color="grey", linestyle=style, label=f"averaged {of}")  # of the legend alone
    shared_legend(figure, 5, width_names(widths))
    return figure


def costs(families: Families, price: Mapping[str, Mapping[str, np.ndarray]], average: str) -> Figure:
    """Loss (above) and E[t] (below) over what networks and ensembles cost, a column a price.

    `price`: label of the axis -> family -> [widths], of a single network; an ensemble of m costs m times as much.
    """
    size = {"width": PAGE / len(price), "height": 3.8}
    figure, axes = subplots(2, len(price), **size, sharex="col", sharey="row", squeeze=False)
    for column, (label, of_family) in zip(axes.T, price.items()):
        for axis, name in zip(column, (f"loss {average}", "t")):
            for position, (family, populations) in enumerate(families.items()):
                cost = np.outer(of_family[family], common_sizes(populations))
                _paths(axis, family, position, cost, table(estimates(populations), name))
            axis.set_xscale("log")
        column[1].set_xlabel(label)
    loss_axis(axes[0, 0])
    axes[1, 0].set_ylabel(COSINE)
    _legend(figure, families)
    return figure


def _paths(axis: Axes, family: str, position: int, x: np.ndarray, y: np.ndarray) -> None:
    """Single networks as a thick line of hollow markers, and from each the ensembles, larger markers for larger m.

    `x`, `y`: [widths, sizes]; a dot marks the single networks of the first width.
    """
    colour, marker = look(family, position)
    hollow: dict[str, Any] = {"marker": marker, "markersize": 8, "markerfacecolor": "white"}
    axis.plot(x[:, 0], y[:, 0], color=colour, **hollow, linewidth=2.2, zorder=3)
    axis.plot(x[0, 0], y[0, 0], ".", color=colour, zorder=4)
    sizes = _diameter(np.arange(1, x.shape[1])) ** 2
    for across, up in zip(x, y):
        axis.plot(across, up, color=colour, linewidth=0.9, linestyle="dotted", zorder=2)
        axis.scatter(across[1:], up[1:], sizes, color=colour, marker=marker, alpha=0.65, linewidths=0, zorder=2)


def _diameter(power: Any) -> Any:
    """Of the marker of 2^power members, in points."""
    return 2 + 3 * power


def _legend(figure: Figure, families: Families) -> None:
    """Families by colour and marker; numbers of members by size."""
    handles = []
    for position, family in enumerate(families):
        colour, marker = look(family, position)
        handles.append(Line2D([], [], color=colour, marker=marker, markerfacecolor="white", label=family))
    grey: dict[str, Any] = {"color": "grey", "linestyle": "none", "marker": "o"}
    handles.append(Line2D([], [], **grey, markerfacecolor="white", markersize=8, label="m = 1"))
    sizes = max((common_sizes(populations) for populations in families.values()), key=len)
    for power, size in list(enumerate(sizes))[1:]:
        handles.append(Line2D([], [], **grey, markersize=_diameter(power), label=f"m = {size}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5)


def _by_members(
    families: Families, widths: Mapping[str, Sequence[int]], label: str, draw: Callable
) -> tuple[Figure, list[Axes]]:
    """A panel a family over the numbers of members; `draw`: axis, population, its name, colour and shift -> None.

    Points of each width are moved a little, so that no line's bars hide another's.
    """
    figure, axes = panel_grid(len(families), height=3.4, sharey=True)
    colours = width_shades(widths)
    shifts = {width: 1.04 ** (place - (len(colours) - 1) / 2) for place, width in enumerate(colours)}
    for axis, (family, populations) in zip(axes, families.items()):
        for width, population in zip(widths[family], populations):
            draw(axis, population, f"k = {width}", colours[width], shifts[width])
        sizes = max((population.sizes for population in populations), key=len)
        width_axis(axis, sizes, "members m of the ensemble")
        axis.set_title(family)
        if (place := axis.get_subplotspec()) and place.is_first_col():
            axis.set_ylabel(label)
    return figure, axes


def _error_bars(axis: Axes, population: Ensembles, name: str, shift: float, **looks: Any) -> np.ndarray:
    """A measure over the numbers of members with intervals over networks: -> [sizes], the estimates."""
    found = interval([population], lambda rows: rows[0][name])
    bars(axis, np.multiply(shift, population.sizes), found, **looks)
    return found[0]


def _spaced(figure: Figure) -> None:
    """Room between panels that both have a label on the left."""
    figure.set_layout_engine("constrained", w_pad=0.12)


def width_names(widths: Mapping[str, Sequence[int]]) -> list[str]:
    """What the lines of the widths are called, from the narrowest."""
    return [f"k = {width}" for width in union(widths)]
