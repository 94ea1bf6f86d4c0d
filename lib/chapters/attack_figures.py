"""The pictures of chapter 7: attacked images, who can attack whom, strategies, and summaries of a heavy tail."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, MaxNLocator

from lib.attacks.gradient_signs import SUMMARIES
from lib.chapters.attack_claims import MEAN, RANDOM
from lib.family_widths import union
from lib.figures import by_width, heatmap, heatmaps, panel_grid, subplots, width_axis
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample

# The paper's red, green and blue, in shades that are told apart with every kind of colour vision.
STRATEGIES = {
    "largest width": ("#D55E00", "s", "solid", lambda outcome: outcome[..., -3, :]),
    "target's own width": ("#009E73", "^", "dashed",
                           lambda outcome: np.diagonal(outcome[..., :MEAN, :], axis1=-2, axis2=-1)),
    "mean direction": ("#0072B2", "o", "solid", lambda outcome: outcome[..., MEAN, :]),
    "random signs": ("#666666", "v", "dotted", lambda outcome: outcome[..., RANDOM, :]),
}


def attacked_images(rows: Mapping[str, np.ndarray], columns: Sequence[str]) -> Figure:
    """A row an attack, a column a step: pictures [columns, height, width], all on one scale of grey."""
    figure, axes = subplots(len(rows), len(columns), width=1.5, height=1.6, squeeze=False)
    low, high = (bound(list(rows.values())) for bound in (np.min, np.max))
    for panels, (name, pictures) in zip(axes, rows.items()):
        for panel, picture in zip(panels, pictures):
            shades = panel.imshow(picture, cmap="gray", vmin=low, vmax=high)
            panel.grid(False)
            panel.set(xticks=[], yticks=[])
        panels[0].set_ylabel(name, fontsize=10)
    for panel, title in zip(axes[0], columns):
        panel.set_title(title, fontsize=10)
    figure.colorbar(shades, ax=axes, label="normalised pixel value", shrink=0.7, pad=0.02)
    return figure


def transfer(families: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> Figure:
    """Fig. 25: alpha of source widths (rows) against target widths (columns), a panel a family."""
    found = {family: outcome.interval(lambda alpha: alpha[..., :MEAN, :]) for family, outcome in families.items()}
    figure = heatmaps({family: estimate for family, (estimate, _, _) in found.items()}, widths,
                      "alpha (ratio of probabilities)",
                      {family: (high - low) / 2 for family, (_, low, high) in found.items()},
                      min(estimate.min() for estimate, _, _ in found.values()))
    for axis in figure.axes[:len(families)]:
        axis.set(xlabel="target width k2", ylabel="source width k1")
    return figure


def strategies(families: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> Figure:
    """Fig. 11: alpha of the strategies over the target width, a panel a family."""
    figure, axes = panel_grid(len(families), width=4.6, height=4.2, sharex=True, sharey="row")
    for axis, (family, outcome) in zip(axes, families.items()):
        for place, (name, (colour, marker, line, measure)) in enumerate(STRATEGIES.items()):
            estimate, low, high = outcome.interval(measure)
            shifted = np.asarray(widths[family]) * 1.04 ** (place - 1.5)
            axis.errorbar(shifted, estimate, [estimate - low, high - estimate], color=colour, marker=marker,
                          linestyle=line, capsize=3, label=name)
        axis.set_title(family)
        width_axis(axis, union(widths))
        axis.axhline(1, color="black", linewidth=1)  # no effect
        axis.set_yscale("log")  # one wide interval about random signs would press all others together
        axis.yaxis.set_major_locator(MaxNLocator(6))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axis.yaxis.minorticks_off()
        axis.set(xlabel="target width k", ylabel="alpha (ratio)")
        axis.label_outer()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def over_eps(families: Mapping[str, Mapping[float, Sample]]) -> Figure:
    """(1 - alpha) / eps over the size of the step, a panel a family.

    Matrices [strategies, 1] in the order of STRATEGIES.  Without the division large steps would hide the small ones.
    """
    figure, axes = panel_grid(len(families), width=4.6, height=3.8, sharex=True, sharey="row")
    for axis, (family, outcomes) in zip(axes, families.items()):
        steps = np.array(list(outcomes))
        found = np.array([outcome.interval(lambda alpha: (1 - alpha) / step) for step, outcome in outcomes.items()])
        for place, (name, (colour, marker, line, _)) in enumerate(STRATEGIES.items()):
            estimate, low, high = found[:, :, place, 0].T
            axis.errorbar(steps * 1.03 ** (place - 1.5), estimate, [estimate - low, high - estimate], color=colour,
                          marker=marker, linestyle=line, capsize=3, label=name)
        axis.set_xscale("log")
        axis.set_xticks(steps, [f"{step:g}" for step in steps])
        axis.minorticks_off()
        axis.axhline(0, color="black", linewidth=1)  # no effect
        axis.set(title=family, xlabel="eps (normalised units)", ylabel="(1 - alpha) / eps")
        axis.label_outer()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def summaries(families: Mapping[str, Mapping[str, Sample]], widths: Mapping[str, Sequence[int]]) -> Figure:
    """Averages over targets at each source width, a panel a summary, a line a family."""
    figure, axes = panel_grid(len(SUMMARIES), width=4.6, height=3.4)
    for axis, summary in zip(axes, SUMMARIES):
        lines: dict[str, Interval] = {
            family: outcomes[summary].interval(lambda outcome: outcome[..., :MEAN, :].mean(-1))
            for family, outcomes in families.items()}
        by_width(lines, widths, f"{summary} ({'share' if 'accuracy' in summary else 'ratio'})", axis=axis)
        axis.set_xlabel("source width k")
        axis.get_legend().remove()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def across(outcome: Sample, families: Sequence[str]) -> Figure:
    """alpha of source families and random signs (rows) against target families (columns)."""
    figure, axis = subplots(width=6.6, height=5.2)
    estimate, low, high = outcome.interval()
    image = heatmap(axis, estimate, range(len(families)), estimate.max(), (high - low) / 2, estimate.min())
    axis.set_xticks(range(len(families)), families, rotation=15)
    axis.set_yticks(range(len(families) + 1), [*families, "random signs"])
    axis.set(xlabel="target family", ylabel="source")
    figure.colorbar(image, ax=axis, label="alpha (ratio of probabilities)", shrink=0.8)
    return figure
