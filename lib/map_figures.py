"""Pictures of maps: numbers in cells over two widths, populations beside each other, blocks of layers framed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from lib.cka.blocks import Block
from lib.family_widths import Widths, by_family
from lib.figures import panel_grid, subplots
from lib.statistics.intervals import Interval


def heatmaps(
    panels: Mapping[str, np.ndarray | Interval],
    widths: Widths | Sequence[str],
    label: str,
    low: float = 0,
    top: float | None = None,
    axes_labels: tuple[str, str] = ("width k1", "width k2"),
) -> Figure:
    """A panel a family: [widths, widths] values in the cells, below them their intervals where a panel comes with them.

    Colours go from `low` to `top`, by default the largest value.  `axes_labels`: of the columns and of the rows.
    """
    figure, axes = panel_grid(len(panels), height=4.2)
    widths = by_family(widths, panels)
    top = max(np.nanmax(_parted(values)[0]) for values in panels.values()) if top is None else top
    for axis, (title, values) in zip(axes, panels.items()):
        image = heatmap(axis, values, widths[title], top, low)
        axis.set(title=title, xlabel=axes_labels[0], ylabel=axes_labels[1])
    figure.colorbar(image, ax=axes, label=label, shrink=0.7, pad=0.02)
    return figure


def _parted(found: np.ndarray | Interval) -> Interval:
    """Estimates, lows and highs; NaN ends where there are estimates alone."""
    return found if isinstance(found, tuple) else (found, *[np.full(np.shape(found), np.nan)] * 2)


def heatmap(
    axis: Axes, found: np.ndarray | Interval, widths: Sequence[int] | Sequence[str], top: float, low: float = 0
):
    """One similarity matrix over k1 and k2, colours from `low` to `top`, its numbers and their intervals in the cells."""
    values, lows, highs = _parted(found)
    image = axis.imshow(values, vmin=low, vmax=top, origin="lower")
    axis.grid(False)
    for row, column in np.ndindex(values.shape):
        known = np.isfinite(values[row, column])
        text = f"{values[row, column]:z.2f}" if known else "–"
        colour = "white" if known and values[row, column] <= low + 0.6 * (top - low) else "black"
        sure = np.isfinite([lows[row, column], highs[row, column]]).all()
        axis.text(column, row, text, ha="center", va="bottom" if sure else "center", fontsize=9, color=colour)
        if sure:
            ends = f"[{lows[row, column]:z.2f}, {highs[row, column]:z.2f}]"
            axis.text(column, row - 0.08, ends, ha="center", va="top", fontsize=6.5, color=colour)
    ticks = range(len(widths))
    axis.set_xticks(ticks, map(str, widths))
    axis.set_yticks(ticks, map(str, widths))
    axis.set(xlabel="width k1", ylabel="width k2")
    return image


def cell_numbers(
    axis: Axes,
    values: np.ndarray,
    texts: np.ndarray | Callable[[float], str],
    dark: Callable[[float], bool],
    size: float = 9,
) -> None:
    """The numbers of a map [rows, columns] in its cells, white on those that are dark; no grid.

    texts: of each cell, or how a number is written.
    """
    axis.grid(False)
    for place, value in np.ndenumerate(values):
        look: dict[str, Any] = {"fontsize": size, "color": "white" if dark(value) else "black"}
        text = texts(value) if callable(texts) else str(texts[place])
        axis.text(place[1], place[0], text, ha="center", va="center", **look)


def layer_map(axis: Axes, values: np.ndarray, **look: Any) -> AxesImage:
    """A map of layers [rows, columns], colours from 0 to 1, the stem below and on the left; no grid."""
    axis.grid(False)
    return axis.imshow(values, vmin=0, vmax=1, origin="lower", **look)


def frame(axis: Axes, block: Block, *, colour: str = "#D55E00", width: float = 2) -> None:
    """A frame about the block of a layer map; nothing is drawn where it is too short to be one."""
    if block.exists:
        corner, side = block.start - 0.5, len(block)
        look: dict[str, Any] = {"edgecolor": colour, "linewidth": width, "clip_on": False}
        axis.add_patch(Rectangle((corner, corner), side, side, fill=False, **look))


def population_cosines(values: np.ndarray, family_of: Sequence[str], width_of: Sequence[int]) -> Figure:
    """Corrected mean-direction cosines of all populations, families framed, the mean of each frame written in.

    `family_of`, `width_of`: of each population; those of a family stand together.
    """
    figure, axis = subplots(width=7.6, height=6.6)
    image = axis.imshow(values, vmin=0, vmax=1, origin="lower")
    places = {family: np.flatnonzero(np.array(family_of) == family) for family in dict.fromkeys(family_of)}
    for rows, columns in product(places.values(), places.values()):
        block = values[np.ix_(rows, columns)]
        mean = np.nanmean(block[~np.eye(len(block), dtype=bool)] if rows is columns else block)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}
        axis.text(columns.mean(), rows.mean(), f"{mean:.2f}", ha="center", va="center", fontsize=13, bbox=box)
    for rows in list(places.values())[1:]:
        axis.axhline(rows[0] - 0.5, color="white", linewidth=2)
        axis.axvline(rows[0] - 0.5, color="white", linewidth=2)
    ticks = range(len(family_of))
    axis.set_xticks(ticks, [str(width) for width in width_of], fontsize=8)
    axis.set_yticks(ticks, [str(width) for width in width_of], fontsize=8)
    axis.grid(False)
    for family, rows in places.items():
        middle = (rows.mean() + 0.5) / len(family_of)
        axis.annotate(family, (middle, -0.055), xycoords="axes fraction", ha="center", va="top")
        axis.annotate(family, (-0.055, middle), xycoords="axes fraction", ha="right", va="center", rotation=90)
    axis.set_xlabel("width k and family", labelpad=22)
    axis.set_ylabel("width k and family", labelpad=24)
    figure.colorbar(image, ax=axis, label="corrected cosine of mean directions", shrink=0.8)
    return figure
