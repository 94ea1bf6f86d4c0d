"""The pictures of chapter 13: probe accuracy over the layers below a CKA map (Fig. 4), and deleted blocks (Fig. 5)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.cka.block_effects import BlockMeasures
from lib.figures import PAGE, legend_below, subplots
from lib.map_figures import frame, layer_map
from lib.training.wide_and_deep import Architecture

AFTER, BEFORE, BOUNDARY = "#0072B2", "#D55E00", "#009E73"


def probes(found: Mapping[Architecture, BlockMeasures]) -> Figure:
    """A column an architecture: the first network's CKA map, its block structure outlined, above the probe accuracy of
    all networks, thin, and their mean, thick, with a bar for each network's block structure."""
    figure, axes = subplots(2, len(found), width=PAGE / len(found), height=3.1, squeeze=False, sharex="col")
    for (above, below), (key, measures) in zip(axes.T, found.items()):
        image = layer_map(above, measures.maps[0], aspect="auto")
        above.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        frame(above, measures.structures[0], colour=BEFORE)
        above.set_title(str(key))
        layers = np.arange(measures.after.shape[1])
        lines(below, layers, measures.after, AFTER, "after the addition", "-")
        lines(below, layers[1:], measures.before, BEFORE, "before it", "--")
        below.set_xlabel("layer (number)")
    structure_bars(axes[1], list(found.values()), "block structure, one bar a network")
    axes[0, 0].set_ylabel("layer (number)")
    axes[1, 0].set_ylabel("probe accuracy (share)")
    figure.colorbar(image, ax=axes[0], label="CKA", pad=0.02)
    legend_below(figure, axes[1], columns=3)
    return figure


def deletions(found: Mapping[Architecture, BlockMeasures]) -> Figure:
    """A panel an architecture: accuracy without a block and all behind it in its stage, over that block's number."""
    figure, axes = subplots(1, len(found), width=PAGE / len(found), height=3.6, squeeze=False)
    for axis, (key, measures) in zip(axes[0], found.items()):
        blocks = 1 + np.arange(measures.deleted.shape[1])
        lines(axis, blocks, measures.deleted, AFTER, "this block and all behind it in its stage deleted", "-")
        axis.axhline(measures.whole.mean(), color="grey", linewidth=1.5, label="whole networks, mean")
        for place in np.flatnonzero(np.diff(measures.stages)):
            axis.axvline(place + 1.5, color=BOUNDARY, linewidth=1, label="boundary of two stages")
        axis.set_title(str(key))
        axis.set_xlabel("first block deleted (number)")
    structure_bars(axes[0], list(found.values()), "blocks inside the block structure, one bar a network", skipped=1)
    axes[0, 0].set_ylabel("test accuracy (share)")
    legend_below(figure, axes[0], columns=2)
    return figure


def lines(axis: Axes, places: np.ndarray, values: np.ndarray, colour: str, label: str, style: str) -> None:
    """A thin line a network, and their mean: values [networks, places]; NaN leaves a gap."""
    axis.plot(places, values.T, style, color=colour, linewidth=0.8, marker=".", markersize=2, alpha=0.45)
    axis.plot(places, values.mean(0), style, color=colour, linewidth=2.2, marker="o", markersize=3, label=label)


def structure_bars(axes: Sequence[Axes], found: Sequence[BlockMeasures], label: str, skipped: int = 0) -> None:
    """One height for all panels, and at their foot a bar for each network over the layers of its block structure, less
    the first `skipped` of them; the first network's bar is on top."""
    low, high = np.transpose([axis.get_ylim() for axis in axes])
    low, high = low.min(), high.max()
    count = max(len(measures.structures) for measures in found)
    step = min(0.035, 0.25 / (count + 1))  # of the panel's height
    for axis, measures in zip(axes, found):
        axis.set_ylim(high - (high - low) / (1 - step * (count + 1)), high)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        for row, structure in enumerate(measures.structures):
            if structure.share():
                y, foot = step * (count - row), axis.get_xaxis_transform()
                line: dict[str, Any] = {"color": "black", "linewidth": 2, "transform": foot, "label": label}
                axis.hlines(y, structure.start + skipped, structure.stop - 1, **line)
