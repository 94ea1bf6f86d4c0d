"""The pictures of chapter 6: loss and E[t] (Figs. 9 and 24), the law of ensembles, averages, calibration and cost."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from lib.ensemble_claims import AVERAGES, common_sizes, estimates, table
from lib.ensembles import Ensembles, interval, law
from lib.figures import by_width, look, panel_grid, subplots

PAGE = 9.2  # inches, the width of a figure of several panels
COSINE = "E[t] (cosine)"

Families = Mapping[str, Sequence[Ensembles]]  # family -> one population a width


def loss_and_accuracy(families: Families, widths: Sequence[int]) -> Figure:
    """Figs. 9 and 24, a row an average: test loss and accuracy over E[t] of single networks and ensembles."""
    figure, axes = subplots(len(AVERAGES), 2, width=PAGE / 2, height=4.0, sharex=True, sharey="col")
    for row, average in zip(axes, AVERAGES):
        for axis, name in zip(row, ("loss", "accuracy")):
            for position, (family, populations) in enumerate(families.items()):
                rows = estimates(populations)
                labels = widths if name == "loss" and average == AVERAGES[0] else None
                _paths(axis, family, position, table(rows, "t"), table(rows, f"{name} {average}"), labels)
        row[0].set(title=f"averaged {average}: loss")
        row[1].set(ylabel="test accuracy (share)", title=f"averaged {average}: accuracy")
    for axis in axes[:, 0]:
        _loss_axis(axis)
    for axis in axes[-1]:
        axis.set_xlabel(COSINE)
    _legend(figure, families)
    return figure


def law_by_members(families: Families, widths: Sequence[int]) -> Figure:
    """A panel a family: measured t of ensembles over M with intervals over networks, the law drawn through."""
    figure, axes = panel_grid(len(families), width=PAGE / 2, height=3.4, sharey=True)
    for axis, (family, populations) in zip(axes, families.items()):
        for colour, width, population in zip(_shades(len(widths)), widths, populations):
            t, low, high = interval([population], lambda rows: rows[0]["t"])
            axis.errorbar(population.sizes, t, np.abs([t - low, high - t]), fmt="o", markersize=4, capsize=3,
                          color=colour, label=f"k = {width}")
            members = np.geomspace(1, population.sizes[-1], 50)
            axis.plot(members, law(t[0], members), color=colour, linewidth=1.2)
        _members_axis(axis, populations)
        axis.set(title=family, ylabel=COSINE, ylim=(0, 1.02))
    _legend_below(figure, axes[0])
    return figure


def averages(families: Families, widths: Sequence[int], members: int) -> Figure:
    """Averaged logits minus averaged probabilities, over the width: loss and accuracy of ensembles of `members`."""
    figure, axes = subplots(1, 2, width=PAGE / 2, height=3.8)
    for axis, name, unit in zip(axes, ("loss", "accuracy"), ("nats", "share")):
        found = {family: interval(populations, lambda rows: _difference(rows, name)[:, _place(populations, members)])
                 for family, populations in families.items()}
        by_width(found, widths, f"{name}: logits − probabilities ({unit})", axis=axis)
        axis.axhline(0, color="black", linewidth=1)
    return figure


def calibration(families: Families, widths: Sequence[int]) -> Figure:
    """A panel a family: expected calibration error over M, averaged probabilities (solid) and logits (dashed)."""
    figure, axes = panel_grid(len(families), width=PAGE / 2, height=3.4, sharey=True)
    for axis, (family, populations) in zip(axes, families.items()):
        for colour, width, population in zip(_shades(len(widths)), widths, populations):
            for average, style in zip(AVERAGES, ("solid", "dashed")):
                ece, low, high = interval([population], lambda rows: rows[0][f"ece {average}"])
                axis.errorbar(population.sizes, ece, np.abs([ece - low, high - ece]), capsize=2, color=colour,
                              linestyle=style, marker="o", markersize=4,
                              label=f"k = {width}" if average == AVERAGES[0] else None)
        _members_axis(axis, populations)
        axis.set(title=family, ylabel="calibration error (probability)")
    axes[0].set_ylim(bottom=0)  # for all, now that all are drawn
    _legend_below(figure, axes[0])
    return figure


def costs(families: Families, price: Mapping[str, Mapping[str, np.ndarray]], widths: Sequence[int], average: str
          ) -> Figure:
    """Loss (above) and E[t] (below) over what networks and ensembles cost, a column a price.

    `price`: label of the axis -> family -> [widths], of a single network; an ensemble of m costs m times as much.
    """
    figure, axes = subplots(2, len(price), width=PAGE / len(price), height=3.8, sharex="col", sharey="row",
                            squeeze=False)
    for column, (label, of_family) in zip(axes.T, price.items()):
        for axis, name in zip(column, (f"loss {average}", "t")):
            for position, (family, populations) in enumerate(families.items()):
                cost = np.outer(of_family[family], common_sizes(populations))
                _paths(axis, family, position, cost, table(estimates(populations), name))
            axis.set_xscale("log")
        column[1].set_xlabel(label)
    _loss_axis(axes[0, 0])
    axes[1, 0].set_ylabel(COSINE)
    _legend(figure, families)
    return figure


def _paths(axis: Axes, family: str, position: int, x: np.ndarray, y: np.ndarray,
           widths: Sequence[int] | None = None) -> None:
    """Single networks as a thick line of hollow markers, and from each the ensembles, larger markers for larger m.

    `x`, `y`: [widths, sizes]; `widths` are written beside the single networks if given.
    """
    colour, marker = look(family, position)
    axis.plot(x[:, 0], y[:, 0], color=colour, marker=marker, markersize=8, markerfacecolor="white", linewidth=2.2,
              zorder=3)
    for across, up in zip(x, y):
        axis.plot(across, up, color=colour, linewidth=0.9, linestyle="dotted", zorder=2)
        axis.scatter(across[1:], up[1:], s=12 * 1.7 ** np.arange(1, len(across)), color=colour, marker=marker,
                     alpha=0.65, linewidths=0, zorder=2)
    for width, across, up in zip(widths or (), x[:, 0], y[:, 0]):
        side = -1 if position < 3 else 1  # below the curve; of four families the last is often the upper one
        axis.annotate(str(width), (across, up), xytext=(5 * side, 5 * side), textcoords="offset points", fontsize=8,
                      ha="left" if side > 0 else "right", va="bottom" if side > 0 else "top", color=colour)


def _legend(figure: Figure, families: Families) -> None:
    """Families by colour and marker; numbers of members by size."""
    handles = []
    for position, family in enumerate(families):
        colour, marker = look(family, position)
        handles.append(Line2D([], [], color=colour, marker=marker, markerfacecolor="white", label=family))
    sizes = max((common_sizes(populations) for populations in families.values()), key=len)
    for power, size in enumerate(sizes):
        face = "white" if size == 1 else "grey"
        handles.append(Line2D([], [], color="grey", linestyle="none", marker="o", markerfacecolor=face,
                              markersize=8 if size == 1 else (12 * 1.7**power) ** 0.5, label=f"m = {size}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5)


def _loss_axis(axis: Axes) -> None:
    """A logarithmic axis with plain numbers."""
    axis.set(yscale="log", ylabel="test loss (nats)")
    lowest, highest = axis.get_ylim()
    ticks = [digit * 10.0**power for power in range(-6, 2) for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if lowest <= tick <= highest]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.yaxis.set_minor_locator(NullLocator())


def _difference(rows: Sequence[Mapping[str, np.ndarray]], name: str) -> np.ndarray:
    return table(rows, f"{name} logits") - table(rows, f"{name} probabilities")


def _place(populations: Sequence[Ensembles], members: int) -> int:
    return common_sizes(populations).index(members)


def _members_axis(axis: Axes, populations: Sequence[Ensembles]) -> None:
    sizes = max((population.sizes for population in populations), key=len)
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("members M of the ensemble")


def _shades(count: int) -> np.ndarray:
    return plt.get_cmap("cividis")(np.linspace(0, 0.9, count))


def _legend_below(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))
