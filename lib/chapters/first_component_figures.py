"""The pictures of chapter 12: first components over layers (Figs. 3 and D.5), and the images that dominate them."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.chapters.first_component import BOUNDS, Columns
from lib.cka.block_components import Found, NetworkComponents, late_shares
from lib.cka.components import TOP, carried, dominant, normal_carried
from lib.figures import PAGE, band_of_curves, look, panel_grid, shades, shared_legend, subplots
from lib.map_figures import cell_numbers, frame, layer_map
from lib.statistics.contrasts import known_values, means
from lib.statistics.intervals import bounded
from lib.training.wide_and_deep import Architecture

SIGNS = {False: "#0072B2", True: "#D55E00"}  # of a coefficient: is it positive?


def four_plots(networks: Sequence[NetworkComponents], title: str) -> Figure:
    """The paper's Fig. 3 for the first network: squared cosines, CKA, shares (the other networks pale), CKA without."""
    network = networks[0]
    figure, axes = subplots(2, 2, width=PAGE / 2, height=3.9)
    for axis, (name, values) in zip((axes[0, 0], axes[0, 1], axes[1, 1]), layer_maps(network).items()):
        image = layer_map(axis, values)
        frame(axis, network.block)
        axis.set(xlabel="layer", ylabel="layer")
        axis.set_title(name, fontsize=10)
    figure.colorbar(image, ax=axes[:, 1], label="CKA, or squared cosine", shrink=0.6)
    for other in networks[1:]:
        axes[1, 0].plot(other.shares, color="0.75", linewidth=1)
    axes[1, 0].plot(network.shares, color="black", marker="o", markersize=3)
    inside = np.flatnonzero(network.block.inside())
    if len(inside):
        axes[1, 0].axvspan(inside[0] - 0.5, inside[-1] + 0.5, color="#E69F00", alpha=0.2, linewidth=0)
    axes[1, 0].set(xlabel="layer", ylabel="share of the variance", ylim=(0, 1), xlim=(-0.5, len(network.points) - 0.5))
    axes[1, 0].set_title("first component", fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure


def layer_maps(network: NetworkComponents) -> dict[str, np.ndarray]:
    """What is drawn over every two layers of a network, by its title: [layers, layers] each."""
    return {
        "squared cosine of first components": network.cosines,
        "CKA": network.cka,
        "CKA without the first components": network.without,
    }


def shares_by_depth(groups: Mapping[str, Found]) -> Figure:
    """A panel a group: share of the first component over the layers of each architecture, mean and range of seeds."""
    figure, axes = panel_grid(len(groups), len(groups), height=3.4, sharey=True)
    for axis, (title, found) in zip(axes, groups.items()):
        for colour, (architecture, networks) in zip(shades(len(found)), found.items()):
            shares = np.stack([network.shares for network in networks])
            band_of_curves(axis, np.linspace(0, 1, shares.shape[1]), shares, colour, str(architecture))
        axis.set(xlabel="place of the layer (0: stem, 1: last block)", ylim=(0, 1))
        axis.set_title(title, fontsize=10)
        axis.legend(fontsize=9)
    axes[0].set_ylabel("share of the variance")
    return figure


def late_share_heatmap(found: Found) -> Figure:
    """The paper's Fig. D.5 in numbers, seeds by architectures: the colour and upper number is the share of the last two
    stages' first component, the number in brackets the block's share of the depth; beside it one over the other."""
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=3.9, gridspec_kw={"width_ratios": [1.5, 1]})
    values = np.full((max(map(len, found.values())), len(found), 2), np.nan)
    for column, (architecture, networks) in enumerate(found.items()):
        values[: len(networks), column] = late_shares(networks)
        colour, marker = look("", column)
        right.scatter(*late_shares(networks).T[::-1], color=colour, marker=marker, alpha=0.8, label=str(architecture))
    image = left.imshow(values[..., 0], vmin=0, vmax=1, aspect="auto")
    texts = [f"{share:.2f}\n({block:.2f})" if np.isfinite(share) else "" for share, block in values.reshape(-1, 2)]
    cell_numbers(left, values[..., 0], np.reshape(texts, values.shape[:2]), lambda share: share < 0.6, 8)
    left.set_xticks(range(len(found)), list(map(str, found)), rotation=40, ha="right", fontsize=9)
    left.set_yticks(range(len(values)))
    left.set_ylabel("network")
    figure.colorbar(image, ax=left, label="share of the variance", shrink=0.8)
    right.set(xlabel="block / depth", ylabel="share of the variance", xlim=(-0.05, 1.05), ylim=(0, 1.05))
    shared_legend(figure, 4, fontsize=9)
    return figure


def dots(found: Found, panels: Mapping[str, Columns], labels: Sequence[str]) -> Figure:
    """A panel a set of columns, with the label of its abscissa: means over networks with 95 % intervals, a row an
    architecture; empty where fewer than three networks have a value."""
    figure, axes = panel_grid(len(panels), len(panels), height=1.6 + 0.4 * len(found), sharey=True)
    for axis, (title, columns), label in zip(axes, panels.items(), labels):
        for position, (name, value) in enumerate(columns.items()):
            shift = 0.22 * (position - (len(columns) - 1) / 2)  # so that bars do not hide others
            if values := known_values(found, value):
                rows = [list(found).index(architecture) + shift for architecture in values]
                figures.dots(axis, rows, bounded(means(values), *BOUNDS[name]), name, position)
        if axis.get_xlim()[0] < 0 < axis.get_xlim()[1]:
            axis.axvline(0, color="black", linewidth=1)
        axis.set(xlabel=label)
        axis.set_title(title, fontsize=10)
    axes[0].set_yticks(range(len(found)), list(map(str, found)))
    axes[0].set_ylim(len(found) - 0.5, -0.5)
    handles, names = axes[-1].get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, loc="outside lower right", ncols=len(names), fontsize=9)
    return figure


def carried_curves(found: Found) -> Figure:
    """A panel an architecture: share of the squared coefficients over the share of the images that carry it, a line a
    network, against a normal law."""
    figure, axes = panel_grid(len(found), len(found), height=3.4, sharey=True)
    for axis, (architecture, networks) in zip(axes, found.items()):
        images = len(networks[0].coefficients)
        share = np.arange(1, images + 1) / images
        for network in networks:
            colour = "#0072B2" if network.has_block else "0.6"
            axis.plot(share, carried(network.coefficients), color=colour, linewidth=1.2)
        axis.plot(share, normal_carried(images), color="black", linestyle="--", linewidth=1)
        axis.set(xscale="log", xlabel="share of the images", ylim=(0, 1))
        axis.set_title(str(architecture), fontsize=10)
    axes[0].set_ylabel("share of the squared coefficients")
    return figure


def gallery(
    architecture: Architecture, networks: Sequence[NetworkComponents], pixels: np.ndarray, labels: Sequence[str]
) -> Figure:
    """The images [n, H, W, C] with the largest coefficients, a row a network: above each its label and coefficient; a
    frame where it is also among those with the longest activations."""
    columns = min(TOP, len(pixels))
    figure, axes = subplots(len(networks), columns, width=PAGE / columns, height=1.25, squeeze=False)
    for number, (row, network) in enumerate(zip(axes, networks)):
        longest = set(dominant(network.norms).tolist())
        for axis, place in zip(row, dominant(network.coefficients)):
            coefficient = network.coefficients[place]
            axis.imshow(pixels[place], cmap="gray", vmin=0, vmax=1)  # the map is of grey images alone
            axis.set_title(f"{labels[place]}\n{coefficient:+.2f}", fontsize=8, color=SIGNS[coefficient > 0])
            axis.grid(False)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set(visible=int(place) in longest, color="#009E73", linewidth=3)
        row[0].set_ylabel(f"network {number}", fontsize=9)
    figure.suptitle(str(architecture), fontsize=11)
    return figure
