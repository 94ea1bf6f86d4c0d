"""The pictures of chapter 10: accuracies, numbers beside those of the released pictures, and E[t] over the width."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.chapters.picture_comparison import PictureComparison
from lib.figures import heatmap, look, subplots, width_axis
from lib.statistics.intervals import Interval

HERE, PICTURE = "here", "released picture"


def over_width(lines: Mapping[str, tuple[Sequence[int], Interval]], label: str, axis: Axes | None = None) -> Figure:
    """A line each over its own widths: name -> widths, (estimate, low, high); no bars where low is the estimate."""
    axis = axis or subplots(width=7)[1]
    for position, (name, (widths, (estimate, low, high))) in enumerate(lines.items()):
        colour, marker = look(name, 3 * position)  # black and blue
        axis.errorbar(widths, estimate, [estimate - low, high - estimate], label=name, color=colour, marker=marker,
                      capsize=3, zorder=3 - position)
    longest = max((list(widths) for widths, _ in lines.values()), key=len)
    width_axis(axis, longest)
    axis.tick_params(axis="x", labelrotation=60 if len(longest) > 8 else 0)
    axis.set_ylabel(label)
    if len(lines) > 1:
        axis.legend()
    return axis.figure


def squares(panels: Mapping[str, np.ndarray], widths: Sequence[int], label: str, top: float,
            half_widths: Mapping[str, np.ndarray], axes_labels: tuple[str, str]) -> Figure:
    """Heatmaps side by side on one scale from 0 to `top`; `axes_labels`: of the columns and of the rows."""
    figure, axes = subplots(1, len(panels), width=5.2, height=4.4, squeeze=False)
    for axis, (title, values) in zip(axes[0], panels.items()):
        image = heatmap(axis, values, widths, top, half_widths.get(title))
        axis.set(title=title, xlabel=axes_labels[0], ylabel=axes_labels[1])
    figure.colorbar(image, ax=axes, label=label, shrink=0.8, pad=0.02)
    return figure


def against_picture(comparisons: Mapping[str, PictureComparison]) -> Figure:
    """Each number in the picture over the number here, with the band of other images and the line of equality."""
    figure, axes = subplots(1, len(comparisons), width=5.2, height=4.4, squeeze=False)
    for axis, (title, found) in zip(axes[0], comparisons.items()):
        low, high = found.band()
        axis.vlines(found.ours, low, high, color="#56B4E9", linewidth=5, alpha=0.6,
                    label="where 95 % of other samples lie")
        axis.plot(found.ours, found.theirs, "o", color="black", markersize=5, label="picture")
        ends = [min(low.min(), found.theirs.min()), max(high.max(), found.theirs.max())]
        axis.plot(ends, ends, color="#D55E00", linewidth=1.5, linestyle="dashed", label="equal")
        axis.set(title=title, xlabel="here", ylabel="in the released picture")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def attack_means(sources: Mapping[str, tuple[Sequence[int], Interval]],
                 targets: Mapping[str, tuple[Sequence[int], Interval]]) -> Figure:
    """alpha averaged over targets, over the source width, and averaged over sources, over the target width."""
    figure, (left, right) = subplots(1, 2, width=5.6, height=4.2, sharey=True)
    over_width(sources, "alpha, mean over targets (ratio)", left)
    over_width(targets, "alpha, mean over sources (ratio)", right)
    left.set_xlabel("source width k")
    right.set_xlabel("target width k")
    return figure
