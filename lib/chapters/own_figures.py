"""The pictures of a comparison of any networks: maps over groups, and E[t] of each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib.figures import subplots
from lib.map_figures import heatmap
from lib.statistics.intervals import Interval


def maps(panels: Mapping[str, Interval], groups: Sequence[str], label: str = "cosine") -> Figure:
    """A heatmap each, title -> [groups, groups] with its interval: the estimate, and below it the interval.

    Each panel's colours go from 0, or from its smallest estimate where that is negative, to its largest.
    """
    side = max(4.6, 0.62 * len(groups) + 1.6)
    figure, axes = subplots(1, len(panels), width=side + 0.8, height=side, squeeze=False)
    for axis, (title, found) in zip(axes[0], panels.items()):
        known = found[0][np.isfinite(found[0])]
        image = heatmap(axis, found, groups, known.max(initial=0), known.min(initial=0))
        axis.set_xticks(range(len(groups)), groups, rotation=45, ha="right", rotation_mode="anchor")
        axis.set(title=title, xlabel="", ylabel="")
        figure.colorbar(image, ax=axis, label=label, shrink=0.7, pad=0.02)
    for axis in axes[0][1:]:
        axis.set_yticklabels([])
    return figure


def expected_t(interval: Interval, groups: Sequence[str]) -> Figure:
    """E[t] of every group with its interval, a row each; a group without E[t] keeps an empty row."""
    figure, axis = subplots(width=6.4, height=0.35 * len(groups) + 1.2)
    estimate, low, high = interval
    margin = np.nan_to_num([estimate - low, high - estimate])  # a bar of no length where there is no interval
    axis.errorbar(estimate, range(len(groups)), xerr=margin, fmt="o", color="#0072B2", capsize=3)
    axis.set_yticks(range(len(groups)), groups)
    axis.set(
        ylim=(len(groups) - 0.5, -0.5),
        xlabel="mean cosine with the group's mean direction, E[t]",
        xlim=(np.nanmin(low, initial=0), np.nanmax(high, initial=1)),
    )
    return figure
