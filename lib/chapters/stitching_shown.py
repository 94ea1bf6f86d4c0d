"""What chapter 16 shows: scores of sources against targets, what they identify, and means over pairs with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.chapters.stitching import ACCURACIES, SHARES, Statistic, Stitched, identified_share, violated, violated_targets
from lib.figures import PAGE, bars, dots, lines, look, panel_grid, shared_legend, subplots, width_axis
from lib.map_figures import cell_numbers
from lib.statistics.intervals import Interval, bounded, in_brackets
from lib.stitching.identification import distance, later_share
from lib.stitching.layers import DIRECT, DISTANCES, MEASURES, RESIDUAL, TASK_LOSS
from lib.stitching.similarity_indices import PROCRUSTES

SHORT = {
    "task loss matching, accuracy": "task loss (accuracy)",
    "direct matching, accuracy": "direct (accuracy)",
    "direct matching, residual": "direct (residual)",
}


def matrices(
    panels: Mapping[str, np.ndarray], points: Sequence[str], label: str, columns: int = 3, diverging: bool = False
) -> Figure:
    """A panel a measure: sources in rows, targets in columns, the best sources of each target in frames.

    Colours go from 0 to 1, those of Procrustes distances to 2 and, diverging, from -1, in every study and panel.
    """
    figure, axes = panel_grid(len(panels), columns, width=PAGE / columns, height=PAGE / columns + 0.25)
    for axis, (name, values) in zip(axes, panels.items()):
        ends = (-1 if diverging else 0), 2 if name == PROCRUSTES else 1
        image = axis.imshow(values, vmin=ends[0], vmax=ends[1], cmap="PuOr" if diverging else None)
        _numbers(axis, values, ends, diverging)
        best = values.min(0) if name in DISTANCES else values.max(0)
        for source, target in np.argwhere(np.isclose(values, best, rtol=0, atol=1e-12)):  # means differ by rounding
            axis.add_patch(Rectangle((target - 0.5, source - 0.5), 1, 1, fill=False, color="#D55E00", linewidth=2))
        axis.set_title(SHORT.get(name, name), fontsize=10)
        _layer_axes(axis, points)
        figure.colorbar(image, ax=axis, shrink=0.75, pad=0.02).ax.tick_params(labelsize=8)
    figure.suptitle(label, fontsize=10)
    return figure


def _numbers(axis: Axes, values: np.ndarray, ends: Sequence[float], diverging: bool) -> None:
    def text(value: float) -> str:
        rounded = f"{value:+.2f}" if diverging else f"{value:.2f}" if value < 10 else f"{value:.0f}"
        return "0" if float(rounded) == 0 else rounded.replace("0.", ".")

    def dark(value: float) -> bool:
        share = (value - ends[0]) / (ends[1] - ends[0] or 1)
        return abs(share - 0.5) > 0.35 if diverging else share < 0.6

    cell_numbers(axis, values, text, dark, min(6.5, 52 / len(values)))


def _layer_axes(axis: Axes, points: Sequence[str]) -> None:
    names = [_block(point) for point in points]
    axis.set_xticks(range(len(points)), names, fontsize=8, rotation=90)
    axis.set_yticks(range(len(points)), names, fontsize=8)
    axis.set_xlabel("target j (block)", fontsize=9)
    axis.set_ylabel("source i (block)", fontsize=9)


def _block(point: str) -> str:
    return point.removeprefix("layer").removeprefix("stage")


def identified_layers(kinds: Mapping[str, Mapping[str, Mapping[str, Interval]]], chance: tuple[float, float]) -> Figure:
    """A row a measure, a colour a kind of pair: share of identified targets, and distance of the best source."""
    figure, axes = subplots(1, 2, width=PAGE / 2, height=4.6, sharey=True)
    labels = {
        "identified": "targets whose best source corresponds (share)",
        "distance": "distance of the best source (layers)",
    }
    for axis, (what, label), level in zip(axes, labels.items(), chance):
        for position, (kind, found) in enumerate(kinds.items()):
            rows = np.arange(len(found)) + 0.22 * (position - (len(kinds) - 1) / 2)
            dots(axis, rows, np.array([of[what] for of in found.values()], dtype=float).T, kind, position)
        axis.axvline(level, color="black", linestyle="--", linewidth=1, label="a source at random")
        axis.set_xlabel(label)
        axis.set_yticks(range(len(found)), [SHORT.get(name, name) for name in found])
    axes[0].set_xlim(-0.03, 1.03)
    axes[1].set_xlim(-0.1, None)
    axes[0].invert_yaxis()
    shared_legend(figure, 4)
    return figure


def by_target(shares: Mapping[str, np.ndarray], points: Sequence[str], sizes: Sequence[str]) -> Figure:
    """Share of pairs in which each target is identified, [targets] a measure; `sizes`: of the targets' maps."""
    figure, axis = subplots(width=PAGE * 0.75, height=3.6)
    values = np.stack(list(shares.values()))
    image = axis.imshow(values, vmin=0, vmax=1, aspect="auto")
    cell_numbers(axis, values, "{:.2f}".format, lambda share: share < 0.6)
    axis.set_yticks(range(len(shares)), [SHORT.get(name, name) for name in shares])
    axis.set_xticks(range(len(points)), [f"{_block(point)}\n{size}" for point, size in zip(points, sizes)])
    axis.set_xlabel("target j (block, size of its maps in pixels)")
    figure.colorbar(image, ax=axis, label="identified (share of pairs)", shrink=0.9)
    return figure


def residuals(direct: np.ndarray, task_loss: np.ndarray, distances: np.ndarray) -> Figure:
    """Residuals of both matchings of every source and target, [pairs, sources, targets], coloured by distance."""
    figure, axis = subplots(width=6.4, height=4.4)
    colours = {"c": np.broadcast_to(distances, direct.shape).ravel(), "cmap": "cividis"}
    image = axis.scatter(direct.ravel(), task_loss.ravel(), s=14, alpha=0.7, linewidths=0, **colours)
    ends = min(direct.min(), task_loss.min()), max(direct.max(), task_loss.max())
    axis.plot(ends, ends, color="black", linewidth=1, label="equal")
    axis.axhline(1, color="black", linestyle="--", linewidth=1, label="as far as zero")
    axis.set(xscale="log", xlabel="residual of direct matching (share of the target's squared norm)")
    axis.set(yscale="log", ylabel="residual of task loss matching")
    axis.legend()
    figure.colorbar(image, ax=axis, label="distance of the layers |i − j|")
    return figure


def over_distance(panels: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """A panel a label, a line a measure: the mean over pairs and layers [pairs, layers, layers] at each i − j."""
    figure, axes = panel_grid(len(panels), len(panels), height=3.6)
    for axis, (label, measures) in zip(axes, panels.items()):
        for position, (name, values) in enumerate(measures.items()):
            layers = values.shape[-1]
            steps = range(1 - layers, layers)
            means = [np.diagonal(values, -step, axis1=1, axis2=2).mean() for step in steps]
            colour, marker = look(name, position)
            axis.plot(steps, means, color=colour, marker=marker, markersize=5, label=SHORT.get(name, name))
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(xlabel="i − j (blocks; right: source behind target)", ylabel=label)
        axis.legend(fontsize=9)
    return figure


def over_epochs(found: Mapping[str, Mapping[int, Interval]]) -> Figure:
    """Over the epochs of training: violated targets, and accuracies (`trained_longer`)."""
    figure, axes = subplots(1, 2, width=PAGE / 2, height=3.6)
    for axis, labels in zip(axes, (("violated", "beyond chance"), ("the network", "into itself"))):
        of_epochs = {label: (list(found[label]), np.transpose(list(found[label].values()))) for label in labels}
        lines(axis, of_epochs, 1, capsize=2)
        width_axis(axis, list(found[labels[0]]), "epochs of task loss matching")
        axis.legend()
    axes[0].set_ylabel("targets (share)")
    axes[1].set_ylabel("test accuracy (share)")
    return figure


def over_counts(
    counts: Sequence[int], corresponding: Interval, others: Interval, found: Interval, chance: float
) -> Figure:
    """Over the number of fitting images: residuals on test images, and the share of identified targets."""
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=3.6)
    lines(left, {"i = j": (counts, corresponding), "i ≠ j": (counts, others)}, 1, capsize=2)
    bars(right, counts, found, color="#0072B2", marker="o", capsize=2)
    right.axhline(chance, color="black", linestyle="--", linewidth=1, label="a source at random")
    left.set(ylabel="residual on test images", yscale="log")
    right.set(ylabel="identified by residual (share)", ylim=(-0.03, 1.03))
    for axis in (left, right):
        width_axis(axis, counts, "images to fit")
        axis.legend()
    return figure


def identification(one: Stitched) -> dict[str, dict[str, Interval]]:
    """Measure -> 'identified' (share of targets) and 'distance' (layers), each with its interval over networks."""
    return {
        name: {
            "identified": bounded(one.interval(identified_share(name)), *SHARES),
            "distance": one.interval(lambda scores: distance(scores.likeness(name)).mean()),
        }
        for name in MEASURES
    }


def after_epochs(one: Stitched, epochs: int, compared: Sequence[int]) -> dict[int, Stitched]:
    """The accuracies of task loss matching after its `epochs`, and after each that it is compared with, in their order."""
    moments = {
        count: {
            pair: replace(found, task_loss_hits=found.hits_by_epochs[..., place]) for pair, found in one.scores.items()
        }
        for place, count in enumerate(compared)
    }
    found = {count: Stitched(scores, one.pairs) for count, scores in moments.items()} | {epochs: one}
    return dict(sorted(found.items()))


def trained_longer(lengths: Mapping[int, Stitched]) -> dict[str, dict[int, Interval]]:
    """What task loss matching finds within networks, after several numbers of epochs: label -> epochs -> mean over networks.

    Labels: 'violated' and 'beyond chance', of the targets; 'into itself' and 'the network', accuracies.  All are shares.
    """
    statistics = {
        "violated": violated_targets(TASK_LOSS, False),
        "beyond chance": violated_targets(TASK_LOSS),
        "into itself": lambda scores: np.diagonal(scores.measures[TASK_LOSS]).mean(),
        "the network": lambda scores: scores.own_hits.mean(),
    }
    return {
        label: {epochs: bounded(one.interval(statistic), *SHARES) for epochs, one in lengths.items()}
        for label, statistic in statistics.items()
    }


def violations_table(one: Stitched) -> pd.DataFrame:
    """A row a network stitched to itself: targets for which another source scores higher, at all and beyond chance."""
    rows = []
    for pair in one.pairs:
        scores, row = one.scores[pair], {"width, seed": "{}, {}".format(*pair[1])}
        for name in (TASK_LOSS, DIRECT, RESIDUAL):
            row[name] = f"{violated(scores, name, False).any(0).sum()}"
            row[name] += f" ({violated(scores, name).any(0).sum()})" if name in ACCURACIES else ""
        behind, expected = later_share(violated(scores, TASK_LOSS))
        row["behind their target (at random)"] = "–" if np.isnan(behind) else f"{behind:.2f} ({expected:.2f})"
        rows.append(row | {"own accuracy": f"{scores.own_hits.mean():.3f}"})
    return pd.DataFrame(rows)


def means(
    kinds: Mapping[str, Stitched], statistics: Mapping[str, Statistic], style: str, bounds: tuple[float, float]
) -> pd.DataFrame:
    """A row a kind of pair, a column a statistic between two bounds: means over pairs with their intervals."""
    return pd.DataFrame(
        {
            kind: {
                label: in_brackets(bounded(one.interval(statistic), *bounds), style)
                for label, statistic in statistics.items()
            }
            for kind, one in kinds.items()
        }
    ).T


FROM_LAST_BLOCK = {"end's own accuracy": lambda scores: scores.own_hits.mean()} | {
    f"{name.split(',')[0]}, {words}": lambda scores, name=name, source=source: scores.measures[name][source, 0]
    for name in ACCURACIES
    for source, words in ((-1, "last into first block"), (0, "first into first"))
}
