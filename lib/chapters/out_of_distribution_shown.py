"""What chapter 17 shows: how well detectors know stitched activations, specificity, indices over the rank, and tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lib.chapters.out_of_distribution import MATCHED, SHARES, STRANGE, Table, corresponding, over_layers
from lib.figures import PAGE, bars, look, panel_grid, shared_legend, subplots, width_axis
from lib.map_figures import cell_numbers
from lib.statistics.intervals import Interval, bounded, in_brackets, mean_interval
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection
from lib.stitching.sensitivity import Truncated

# Of the INDICES, by Okabe and Ito without black, which is the probe's.
LOOKS = (("#E69F00", "o"), ("#009E73", "s"), ("#0072B2", "^"), ("#CC79A7", "D"), ("#D55E00", "v"), ("#56B4E9", "*"))


def auroc_heatmaps(found: Sequence[Detection], points: Sequence[str]) -> Figure:
    """A row a detector, a column a matching: mean AUROC over pairs of networks of every source and target layer.

    Colours begin at 0.5: what looks more typical than the end's own is not strange.
    """
    figure, axes = subplots(len(DETECTORS), len(MATCHINGS), width=PAGE / 2, height=3.9, sharex=True, sharey=True)
    for row, detector in zip(axes, DETECTORS):
        for axis, name in zip(row, MATCHINGS):
            values = np.mean([one.auroc[detector][name] for one in found], axis=0)
            image = axis.imshow(values, vmin=0.5, vmax=1, origin="lower")
            cell_numbers(axis, values, "{:.2f}".format, lambda area: area < 0.8)
            axis.set_xticks(range(len(points)), points, rotation=45 if len(points) > 4 else 0)
            axis.set_yticks(range(len(points)), points)
            axis.set_title(f"{name}, {detector}", fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("target layer of the end")
    for axis in axes[:, 0]:
        axis.set_ylabel("source layer of the front")
    bar = {"label": "AUROC (0.5 or less: as the end's own, 1: strange)", "extend": "min"}
    figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02, **bar)
    return figure


def auroc_over_residual(found: Sequence[Detection]) -> Figure:
    """A panel a detector: AUROC over the residual of every stitch; colours: matchings, filled: corresponding layers.

    Left of the dotted line direct matching is possible, and above the other one activations are strange.
    """
    figure, axes = subplots(1, len(DETECTORS), width=PAGE / 2, height=3.6, sharey=True)
    for axis, detector in zip(axes, DETECTORS):
        for position, name in enumerate(MATCHINGS):
            colour, marker = look(name, position)
            x, y = np.transpose([(one.residual[name], one.auroc[detector][name]) for one in found], (1, 0, 2, 3))
            same = np.broadcast_to(np.eye(x.shape[1], dtype=bool), x.shape)
            hollow = {"facecolors": "none", "edgecolors": colour, "marker": marker, "alpha": 0.7}
            axis.scatter(x[~same], y[~same], s=22, **hollow, label=f"{name}, other layers")
            axis.scatter(x[same], y[same], s=26, color=colour, marker=marker, label=f"{name}, corresponding layers")
        axis.axhline(0.5, color="grey", linewidth=1, linestyle="--")
        axis.axhline(STRANGE, color="black", linewidth=1, linestyle=":")
        axis.axvline(MATCHED, color="black", linewidth=1, linestyle=":")
        axis.set(xscale="log", xlabel="residual (share of the target's squared norm)", title=f"{detector} detector")
    axes[0].set_ylabel("AUROC")
    shared_legend(figure, 2)
    return figure


def index_intervals(panels: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """A panel a statistic: the mean of every index with its interval; `panels`: axis label -> index -> interval."""
    figure, axes = panel_grid(len(panels), len(panels), height=3.2, sharey=True)
    places = np.arange(len(INDICES))[::-1]
    for axis, (label, found) in zip(axes, panels.items()):
        for place, name, (colour, marker) in zip(places, INDICES, LOOKS):
            bars(axis, place, found[name], sideways=True, color=colour, marker=marker)
        axis.axvline(0.5 if "chance" in label else 0, color="grey", linewidth=1, linestyle="--")
        axis.set_xlabel(label)
    axes[0].set_yticks(places, INDICES)
    return figure


def over_rank(found: Sequence[Mapping[str, Truncated]]) -> Figure:
    """A panel a layer: every index over the rank, means over networks, and the probe's accuracy in black."""
    layers = list(found[0])
    figure, axes = panel_grid(len(layers), height=3.1, sharey=True)
    for axis, layer in zip(axes, layers):
        parts = [one[layer] for one in found]
        kept = parts[0].ranks
        looks: dict[str, Any]
        for name, (colour, marker) in zip(INDICES, LOOKS):
            looks = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.2, "label": name}
            axis.plot(kept, np.mean([part.likeness[name] for part in parts], axis=0), **looks)
        looks = {"color": "black", "linewidth": 2.5, "linestyle": "--", "label": "linear probe's accuracy"}
        axis.plot(kept, np.mean([part.probe for part in parts], axis=0), **looks)
        width_axis(axis, kept, "rank kept (directions)")
        axis.set_title(f"{layer}, {kept[-1]} channels", fontsize=10)
    for axis in axes[::2]:
        axis.set_ylabel("likeness, or accuracy")
    shared_legend(figure, 4)
    return figure


def checks_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Mean AUROC of each detector, over layers, on what it ought to pass and to refuse, with intervals over pairs."""
    rows = {}
    for detector in DETECTORS:
        own = [one.own[detector].mean() for one in found]
        foreign = {kind: np.array([one.foreign[detector][kind].mean() for one in found]) for kind in FOREIGN}
        rows[detector] = {
            "own, test against training images": _share(own),
            **{kind: _share(values) for kind, values in foreign.items()},
        }
    return pd.DataFrame(rows).T


def scores_table(found: Sequence[Detection]) -> pd.DataFrame:
    """AUROC and false positives of each detector and matching, over all and over corresponding layers."""
    rows = {
        (detector, name): {
            **_both("AUROC", [one.auroc[detector][name] for one in found], _share),
            **_both("FPR at 95 % TPR", [one.false_positives[detector][name] for one in found], _share),
        }
        for detector in DETECTORS
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def accuracy_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Test accuracy and residual of the stitched networks of each matching, over all and over corresponding layers."""
    rows = {
        name: _both("accuracy", [one.accuracy[name] for one in found], _share)
        | _both("residual", [one.residual[name] for one in found], _number)
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def _both(title: str, values: Sequence[np.ndarray], written: Callable[[np.ndarray], str]) -> dict[str, str]:
    """Means over all and over corresponding layers, with intervals over pairs."""
    return {
        f"{title}, {where}": written(mean(np.array(values)))
        for where, mean in (("all layers", over_layers), ("corresponding", corresponding))
    }


def _number(values: np.ndarray) -> str:
    return in_brackets(mean_interval(values))


def _share(values: ArrayLike) -> str:
    return in_brackets(bounded(mean_interval(values), *SHARES))


def intervals(found: Table, bounds: tuple[float, float]) -> dict[str, Interval]:
    """index -> mean, of what lies between two bounds, with its interval."""
    return {name: bounded(mean_interval(found[name]), *bounds) for name in INDICES}
