"""What chapter 11 shows: maps with their blocks, the block measure over size and data, where blocks lie, and tables of these."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.cka.block_growth import halving, mean_share
from lib.cka.blocks import Block, Find, stage_starts
from lib.cka.grams import BatchSizes
from lib.figures import PAGE, bars, lines, look, panel_grid, shades, shared_legend, subplots, width_axis
from lib.map_figures import frame, layer_map
from lib.models.architectures import count_parameters
from lib.results import short
from lib.statistics.intervals import bounded, in_brackets, mean_interval
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture
from lib.verdicts import Claim

SHARE = "block's share of the depth B"
WHOLE = -0.03, 1.03  # limits of an axis of shares


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
    growing: Mapping[str, tuple[str, Sequence[Architecture]]],
    finds: Mapping[float, Find],
) -> Figure:
    """The block measure with intervals: a panel a line, 'depth' or 'width' below it, a line a threshold.

    growing: title -> what grows, and the architectures; finds: threshold -> what sees a block at it.
    """
    figure, axes = panel_grid(len(growing), len(growing), height=3.4, sharey=True)
    for axis, (title, (quantity, line)) in zip(axes, growing.items()):
        sizes = [getattr(architecture, quantity) for architecture in line]
        found = {
            f"threshold {threshold:g}": (sizes, np.transpose([mean_share(maps[one], find) for one in line]))
            for threshold, find in finds.items()
        }
        looks = [{"color": colour, "marker": "os^Dv"[place % 5]} for place, colour in enumerate(shades(len(finds)))]
        lines(axis, found, looks=looks, markersize=5)
        width_axis(axis, sizes, f"{quantity} ({'layers' if quantity == 'depth' else 'multiplier of the channels'})")
        axis.set_title(title, fontsize=10)
    axes[0].set(ylabel=SHARE, ylim=WHOLE)
    shared_legend(figure)
    return figure


def over_data(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], find: Find) -> Figure:
    """The block measure with intervals over the number of training images, a line an architecture.

    by_count: [networks, counts, layers, layers] of each.
    """
    figure, axis = subplots(width=6.4, height=3.6)
    found = {
        str(architecture): (counts, np.transpose([mean_share(of_count, find) for of_count in maps.swapaxes(0, 1)]))
        for architecture, maps in by_count.items()
    }
    lines(axis, found, markersize=5)
    width_axis(axis, counts, "training images (number)")
    axis.set(ylabel=SHARE, ylim=WHOLE)
    shared_legend(figure, 2)
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
    shared_legend(figure, 2)
    return figure


def networks_table(populations: Mapping[Architecture, Population]) -> pd.DataFrame:
    """A row an architecture: size, how far training came, and test accuracy with its interval over seeds."""
    rows = []
    for architecture, population in populations.items():
        made, networks = population.specification, population.networks
        sizes = {"in_channels": made.in_channels, "image_size": made.image_size, "num_classes": made.num_classes}
        losses = [network.train_loss[-1] for network in networks]
        accuracies = [network.train_accuracy[-1] for network in networks]
        tested = bounded(mean_interval([network.test_accuracy[-1] for network in networks]), 0, 1)
        rows.append(
            {
                "network": str(architecture),
                "parameters": count_parameters(made.family, made.width, **sizes),
                "seeds": len(networks),
                "training loss (nats)": f"{min(losses):.3f} to {max(losses):.3f}",
                "training accuracy": f"{min(accuracies):.3f} to {max(accuracies):.3f}",
                "test accuracy": in_brackets(tested, ".3f"),
            }
        )
    return pd.DataFrame(rows)


def place(layer: int, layers: int) -> str:
    """Where one of the hidden layers is: 'stem' or 'stage 2, block 3'."""
    starts = stage_starts(layers)
    stage = sum(layer >= start for start in starts)
    return f"stage {stage}, block {layer - starts[stage - 1] + 1}" if stage else "stem"


def blocks_of(maps: np.ndarray, find: Find) -> list[Block]:
    """The blocks of the networks that have one: [networks, layers, layers] -> list."""
    return [block for block in map(find, maps) if block.exists]


def blocks_table(maps: Mapping[Architecture, np.ndarray], find: Find) -> pd.DataFrame:
    """A row an architecture: networks with a block, its share and side, and where it lies."""
    rows = []
    for architecture, found in maps.items():
        layers, blocks = found.shape[-1], blocks_of(found, find)
        where, late = partial(place, layers=layers), [block.late_share() for block in blocks]
        rows.append(
            {
                "network": str(architecture),
                "layers": layers,
                "with a block": f"{len(blocks)} of {len(found)}",
                "block's share of the depth": in_brackets(mean_share(found, find)),
                "side (layers)": _span([len(block) for block in blocks]),
                "begins": _span([block.start for block in blocks], where),
                "ends": _span([block.stop - 1 for block in blocks], where),
                "of it in the last two stages": f"{np.mean(late):.2f}" if late else "–",
            }
        )
    return pd.DataFrame(rows)


def _span(numbers: Sequence[int], words=str) -> str:
    """From the smallest to the largest in words, one of them if they are the same; a dash for none."""
    return " to ".join(dict.fromkeys((words(min(numbers)), words(max(numbers))))) if numbers else "–"


def less_data_table(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], find: Find) -> pd.DataFrame:
    """A row an architecture: its block measure at every number of training images, and the slope per halving.

    by_count: [networks, counts, layers, layers] of each.
    """
    rows = []
    for one, maps in by_count.items():
        at = {f"{count} images": in_brackets(mean_share(maps[:, i], find)) for i, count in enumerate(counts)}
        slope = in_brackets(halving(by_count, counts, [one], find), "+.3f")
        rows.append({"network": str(one), **at, "per halving": slope})
    return pd.DataFrame(rows)


def batch_sizes_table(estimators: Sequence[BatchSizes]) -> pd.DataFrame:
    """A row an estimator and batch size: its deviation from the full value, and the largest one of a pair of layers."""
    rows = [
        (found.estimator, size, in_brackets(interval, "+.4f"), f"{largest:.3f}")
        for found in estimators
        for size, interval, largest in zip(found.sizes, zip(*found.interval()), found.largest())
    ]
    return pd.DataFrame(rows, columns=["HSIC", "batch (images)", "deviation, mean over pairs", "largest of a pair"])


def robustness_table(by_threshold: Mapping[float, Sequence[Claim]]) -> pd.DataFrame:
    """A row a claim, a column a threshold: the verdict and the estimate."""
    told = {
        f"threshold {threshold:g}": [f"{claim.verdict}, {short(claim.estimate)}" for claim in claims]
        for threshold, claims in by_threshold.items()
    }
    return pd.DataFrame({"claim": [claim.name for claim in next(iter(by_threshold.values()))]} | told)
