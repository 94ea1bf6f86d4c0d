"""The pictures of chapter 11: CKA maps with their block, the block measure over size and data, and where blocks lie."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.cka.block_growth import mean_share
from lib.cka.blocks import Find, stage_starts
from lib.cka.grams import BatchSizes
from lib.figures import PAGE, bars, look, shades, subplots, width_axis
from lib.map_figures import frame, layer_map
from lib.training.wide_and_deep import Architecture

SHARE = "block's share of the depth B"
WHOLE = -0.03, 1.03  # limits of an axis of shares
MARKERS = "o", "s", "^", "D", "v"


def map_rows(rows: Sequence[Sequence[tuple[str, np.ndarray]]], find: Find) -> Figure:
    """CKA maps in rows, each with its title, the stages marked and the block structure outlined: [layers, layers] each."""
    columns = max(map(len, rows))
    side = min(PAGE / columns, 2.9)
    figure, axes = subplots(len(rows), columns, width=side, height=0.95 * side + 0.25, squeeze=False)
    for row, of_row in zip(axes, rows):
        for axis, (title, cka) in zip(row, of_row):
            image = layer_map(axis, cka)
            _outline(axis, cka, find)
            axis.set_title(title, fontsize=9)
        for axis in row[len(of_row) :]:
            axis.set_visible(False)
        row[0].set_ylabel("layer (stage)", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("layer (stage)", fontsize=9)
    figure.colorbar(image, ax=axes, label="CKA", shrink=min(1, 1.4 / len(rows)), pad=0.02)
    return figure


def _outline(axis: Axes, cka: np.ndarray, find: Find) -> None:
    starts = stage_starts(len(cka))
    for start in starts[1:]:
        for line in (axis.axhline, axis.axvline):
            line(start - 0.5, color="white", linewidth=0.7, linestyle=":")
    for colour, width in (("white", 3), ("black", 1.3)):  # seen on light and on dark
        frame(axis, find(cka), colour=colour, width=width)
    axis.set_xticks(starts, "123", fontsize=8)
    axis.set_yticks(starts, "123", fontsize=8)


def over_size(
    maps: Mapping[Architecture, np.ndarray],
    lines: Mapping[str, tuple[str, Sequence[Architecture]]],
    finds: Mapping[float, Find],
) -> Figure:
    """The block measure with intervals: a panel a line, 'depth' or 'width' below it, a line a threshold.

    lines: title -> what grows, and the architectures; finds: threshold -> what sees a block at it.
    """
    figure, axes = subplots(1, len(lines), width=PAGE / len(lines), height=3.4, sharey=True, squeeze=False)
    for axis, (title, (quantity, line)) in zip(axes[0], lines.items()):
        sizes = [getattr(architecture, quantity) for architecture in line]
        for position, ((threshold, find), colour) in enumerate(zip(finds.items(), shades(len(finds)))):
            found = np.transpose([mean_share(maps[architecture], find) for architecture in line])
            _bars(axis, sizes, found, position, len(finds), colour, f"threshold {threshold:g}")
        width_axis(axis, sizes, f"{quantity} ({'layers' if quantity == 'depth' else 'multiplier of the channels'})")
        axis.set_title(title, fontsize=10)
    axes[0, 0].set(ylabel=SHARE, ylim=WHOLE)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(finds))
    return figure


def over_data(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], find: Find) -> Figure:
    """The block measure with intervals over the number of training images, a line an architecture.

    by_count: [networks, counts, layers, layers] of each.
    """
    figure, axis = subplots(width=6.4, height=3.6)
    for position, (architecture, maps) in enumerate(by_count.items()):
        shares = np.transpose([mean_share(maps[:, place], find) for place in range(len(counts))])
        colour, _ = look(str(architecture), position)
        _bars(axis, counts, shares, position, len(by_count), colour, str(architecture))
    width_axis(axis, counts, "training images (number)")
    axis.set(ylabel=SHARE, ylim=WHOLE)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def where_blocks_lie(maps: Mapping[Architecture, np.ndarray], find: Find) -> Figure:
    """A bar a network from where its block begins to where it ends, in parts of the depth; black: stages begin."""
    figure, axis = subplots(width=PAGE, height=3.4)
    for position, of_architecture in enumerate(maps.values()):
        layers = of_architecture.shape[-1]
        starts = np.divide(stage_starts(layers), layers)
        axis.hlines(starts, position - 0.45, position + 0.45, color="black", linewidth=1)
        places = position + np.linspace(-0.3, 0.3, len(of_architecture))
        for x, block in zip(places, map(find, of_architecture)):
            if block.exists:
                axis.vlines(x, block.start / layers, block.stop / layers, color="#0072B2", linewidth=4)
            else:
                axis.plot(x, 0.02, marker="x", color="#D55E00", markersize=5)
    axis.set_xticks(range(len(maps)), [str(architecture).replace(" (", "\n(") for architecture in maps], fontsize=9)
    axis.set(ylabel="part of the depth", ylim=(0, 1))
    axis.grid(axis="x", visible=False)
    return figure


def over_batch_size(of_estimators: Sequence[BatchSizes]) -> Figure:
    """Mean CKA over pairs of layers with intervals over passes, a line an estimator of HSIC; dashed: all images."""
    figure, axis = subplots(width=6.4, height=3.6)
    for position, found in enumerate(of_estimators):
        colour, marker = look(found.estimator, position)
        full, words = found.full_mean(), f"{found.estimator} HSIC"
        interval = [part + full for part in found.interval()]
        bars(axis, found.sizes, interval, color=colour, marker=marker, label=f"{words}, batches")
        whole = f"{words}, all {found.images} images at once"
        axis.axhline(full, color=colour, linestyle="--", linewidth=1, label=whole)
    width_axis(axis, found.sizes, "batch size (images)")
    axis.set_ylabel("CKA, mean over pairs of layers")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _bars(axis: Axes, sizes: Sequence[int], found: np.ndarray, position: int, count: int, colour, label: str) -> None:
    """A line with intervals [3, sizes], shifted so that bars do not hide others."""
    shifted = np.asarray(sizes) * 1.03 ** (position - (count - 1) / 2)
    bars(axis, shifted, found, color=colour, marker=MARKERS[position % len(MARKERS)], markersize=5, label=label)
