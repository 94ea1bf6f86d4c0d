"""The pictures of chapter 14: CKA across seeds (Fig. 6) and architectures (Fig. E.1), by layers and by best matches."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from lib.chapters.across_networks import Pairs, Roles, Seeds
from lib.cka.across import BOTH, NEITHER, ONE, AcrossSeeds, BestLayers
from lib.cka.blocks import Block, relative_depths
from lib.figures import PAGE, panel_grid, shared_legend, subplots
from lib.map_figures import frame, layer_map
from lib.statistics.intervals import known_mean

KINDS = {
    NEITHER: ("in neither's block", "#0072B2", "o"),
    ONE: ("in the block of one", "#E69F00", "s"),
    BOTH: ("in the blocks of both", "#D55E00", "^"),
}  # colour and marker
SHOWN = 5  # networks in a grid of maps


def seed_maps(found: AcrossSeeds) -> Figure:
    """The paper's Fig. 6 for one architecture: a panel for every two networks, `SHOWN` of them at most."""
    count = min(len(found.maps), SHOWN)
    side = PAGE / SHOWN
    figure, axes = subplots(count, count, width=side, height=0.9 * side, sharex=True, sharey=True, squeeze=False)
    for row, column in np.ndindex(count, count):
        image = cka_map(axes[row, column], found.maps[row, column], found.blocks[row] if row == column else None)
        if row == count - 1:
            axes[row, column].set_xlabel(f"network {column}", fontsize=10)
        if column == 0:
            axes[row, column].set_ylabel(f"network {row}", fontsize=10)
    figure.supxlabel("layer, 0 the stem", fontsize=10)
    figure.supylabel("layer", fontsize=10)
    figure.colorbar(image, ax=axes, label="CKA", shrink=0.7, pad=0.02)
    return figure


def architecture_maps(pairs: Pairs, seeds: Seeds, names: Roles) -> Figure:
    """The paper's Fig. E.1: a row for every two architectures, the map within network 0 of each and that across."""
    figure, axes = subplots(len(pairs), 3, width=PAGE / 3, height=PAGE / 3.4, squeeze=False)
    for row, ((first, second), found) in zip(axes, pairs.items()):
        for axis, role in zip(row[::2], (first, second)):
            cka_map(axis, seeds[role].maps[0, 0], seeds[role].blocks[0])
            axis.set(title=f"{names[role]}", xlabel="layer", ylabel="layer")
        across = found.maps[0, 0]
        image = cka_map(row[1], across.T)
        row[1].plot(np.arange(len(across)), found.there.place[0, 0], "o", color="#D55E00", markersize=3)
        row[1].plot([0, len(across) - 1], [0, across.shape[1] - 1], color="white", linewidth=1, linestyle="--")
        row[1].set(title="across", xlabel=f"layer of {names[first]}", ylabel=f"layer of {names[second]}")
    for axis in axes.flat:
        axis.title.set_fontsize(10)
    figure.colorbar(image, ax=axes, label="CKA", shrink=0.6, pad=0.02)
    return figure


def cka_map(axis: Axes, values: np.ndarray, block: Block | None = None) -> AxesImage:
    """One map [rows, columns], with a frame about the block of a network with itself."""
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_locator(MaxNLocator(4, integer=True))
    if block is not None:
        frame(axis, block, colour="#56B4E9", width=1.5)
    return layer_map(axis, values, cmap="magma", aspect="auto")


def likeness_over_depth(seeds: Seeds, names: Roles) -> Figure:
    """A panel an architecture: CKA of the same layer of every two networks over relative depth, marked by blocks."""
    figure, axes = panel_grid(len(seeds), len(seeds), height=3.2, sharey=True)
    small = _mean_of_pairs(seeds["small"].corresponding)
    for axis, (role, found) in zip(axes, seeds.items()):
        depths, pairs = relative_depths(found.layers), np.triu_indices(len(found.maps), 1)
        for shared, (words, colour, marker) in KINDS.items():
            chosen = found.shared[pairs] == shared
            at, likeness = np.broadcast_to(depths, chosen.shape)[chosen], found.corresponding[pairs][chosen]
            points: dict[str, Any] = {"markersize": 4, "alpha": 0.5, "markeredgewidth": 0, "label": words}
            axis.plot(at, likeness, marker, color=colour, **points)
        axis.plot(depths, _mean_of_pairs(found.corresponding), color="black", label="mean of all pairs")
        if role != "small":
            depths, words = relative_depths(seeds["small"].layers), f"mean of {names['small']}"
            axis.plot(depths, small, color="grey", linestyle="--", label=words)
        axis.set_title(f"{role}: {names[role]}", fontsize=10)
        axis.set_xlabel("relative depth (0 stem, 1 last)")
    axes[0].set_ylabel("CKA of the same layer")
    shared_legend(figure, 3)
    return figure


def matches_over_depth(pairs: Pairs, names: Roles) -> Figure:
    """A row for every two architectures: relative depth of the best match over that of the layer, either way."""
    figure, axes = subplots(len(pairs), 2, width=PAGE / 2, height=3.1, sharex=True, sharey=True, squeeze=False)
    for row, ((first, second), found) in zip(axes, pairs.items()):
        for axis, best, (own, other) in zip(row, (found.there, found.back), ((first, second), (second, first))):
            _matches(axis, best)
            axis.set_title(f"{names[own]} in {names[other]}", fontsize=10)
        row[0].set_ylabel("relative depth of the match")
    for axis in axes[-1]:
        axis.set_xlabel("relative depth of the layer")
    shared_legend(figure, 3)
    return figure


def _matches(axis: Axes, best: BestLayers) -> None:
    own, other = relative_depths(best.place.shape[2]), relative_depths(best.others)
    inside = np.broadcast_to(best.inside[:, None], best.place.shape)
    for kind, shift in ((NEITHER, -0.006), (BOTH, 0.006)):
        _, colour, marker = KINDS[kind]
        chosen, label = inside == (kind == BOTH), "layer inside its block" if kind == BOTH else "layer outside"
        points: dict[str, Any] = {"markersize": 5, "alpha": 0.25, "markeredgewidth": 0, "label": label}
        at = np.broadcast_to(own, inside.shape)[chosen] + shift
        axis.plot(at, other[best.place[chosen]], marker, color=colour, **points)
    axis.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="equal relative depth")


def _mean_of_pairs(corresponding: np.ndarray) -> np.ndarray:
    return known_mean(corresponding.reshape(-1, corresponding.shape[-1]))
