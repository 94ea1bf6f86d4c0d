"""The pictures of chapter 3: gradients beside their images, steps of the width, and the trend in one picture."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lib.family_widths import all_steps, union
from lib.figures import SIMILARITY, bars, by_width, panel_grid, shared_legend, subplots, width_shades
from lib.map_figures import heatmap
from lib.statistics.intervals import Interval


def steps(families: Mapping[str, Interval], widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: each change to the next width with its interval, [widths, widths - 1] each, colour by row."""
    figure, axes = panel_grid(len(families), height=3.2, sharex=True, sharey=True)
    colours, moves = width_shades(widths), all_steps(widths)
    for axis, (family, interval) in zip(axes, families.items()):
        places = np.array([moves.index(move) for move in pairwise(widths[family])])
        for row, width in enumerate(widths[family]):
            shifted = places + 0.13 * (list(colours).index(width) - (len(colours) - 1) / 2)
            looks: dict[str, Any] = {"fmt": "o", "markersize": 4, "capsize": 2, "color": colours[width]}
            bars(axis, shifted, [part[row] for part in interval], **looks, label=f"other k = {width}")
        axis.axhline(0, color="black", linewidth=1)
        axis.set_xticks(range(len(moves)), [f"{a}→{b}" for a, b in moves])
        axis.set(title=family, xlabel="step of the width k", ylabel="change of ρ (cosine)")
        axis.label_outer()
    shared_legend(figure, 1, [f"other k = {width}" for width in colours], "right center")
    return figure


def gradient_gallery(images: np.ndarray, columns: Mapping[str, np.ndarray], titles: Sequence[str]) -> Figure:
    """A row an image: the image, then its gradient in every column, each scaled to its own largest entry.

    `images`: [rows, height, width, channels], from 0 to 1, grey or colour; `columns`: title -> [rows, height, width],
    signed; `titles`: one a row.
    """
    figure, axes = subplots(len(images), 1 + len(columns), width=1.45, height=1.5, squeeze=False)
    for row, panels in enumerate(axes):
        panels[0].imshow(images[row], cmap="gray", vmin=0, vmax=1)  # the map is of grey images alone
        panels[0].set_ylabel(fill(titles[row], 14), fontsize=9)
        for panel, gradients in zip(panels[1:], columns.values()):
            scale = np.abs(gradients[row]).max() or 1
            image = panel.imshow(gradients[row] / scale, cmap="PuOr", vmin=-1, vmax=1)
        for panel in panels:
            panel.grid(False)
            panel.spines[:].set_visible(False)
            panel.set(xticks=[], yticks=[])
    for panel, title in zip(axes[0], ("image", *columns)):
        panel.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, label="gradient / its largest entry", shrink=0.6, pad=0.02)
    return figure


def main_result(
    family: str,
    values: np.ndarray,
    diagonals: Mapping[str, Interval],
    widths: Mapping[str, Sequence[int]],
    chance: tuple[float, float],
) -> Figure:
    """The trend in one picture: one family's similarity matrix, and rho(k, k) of all families over k."""
    figure, (left, right) = subplots(1, 2, width=5.6, height=4.4, gridspec_kw={"width_ratios": [1, 1.2]})
    image = heatmap(left, values, widths[family], SIMILARITY)
    left.set_title(f"{family}: similarity between widths")
    figure.colorbar(image, ax=left, label="expected similarity (cosine)", shrink=0.8)
    by_width(diagonals, widths, "expected similarity ρ(k, k) (cosine)", axis=right)
    right.axhspan(*chance, color="grey", alpha=0.5)
    right.annotate("untrained networks", (union(widths)[-1], chance[1]), ha="right", va="bottom", fontsize=9)
    right.set(title="Two networks of one width", ylim=(min(-0.03, chance[0]), None))
    return figure
