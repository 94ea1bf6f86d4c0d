"""The pictures of chapter 7: attacked images, who can attack whom, strategies, and summaries of a heavy tail."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, MaxNLocator

from lib import figures, map_figures
from lib.attacks.one_step import SUMMARIES
from lib.chapters.black_box_attack import MEAN, RANDOM, own_width, single, source_means
from lib.family_widths import Widths, union
from lib.statistics.sample import Sample

# The paper's red, green and blue, in shades that are told apart with every kind of colour vision.
STRATEGIES = {
    "largest width": ("#D55E00", "s", "solid", lambda outcome: outcome[..., MEAN - 1, :]),
    "target's own width": ("#009E73", "^", "dashed", own_width),
    "mean direction": ("#0072B2", "o", "solid", lambda outcome: outcome[..., MEAN, :]),
    "random signs": ("#666666", "v", "dotted", lambda outcome: outcome[..., RANDOM, :]),
}


def attacked_images(rows: Mapping[str, np.ndarray], columns: Sequence[str]) -> Figure:
    """A row an attack, a column a step: pictures [columns, height, width], all on one scale of grey."""
    figure, axes = figures.subplots(len(rows), len(columns), width=1.5, height=1.6, squeeze=False)
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


def transfer(families: Mapping[str, Sample], widths: Widths) -> Figure:
    """Fig. 25: alpha of source widths (rows) against target widths (columns), a panel a family."""
    found = {family: outcome.interval(single) for family, outcome in families.items()}
    names = "target width k2", "source width k1"
    return map_figures.heatmaps(found, widths, "α (ratio of probabilities)", top=1, axes_labels=names)


def strategies(families: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> Figure:
    """Fig. 11: alpha of the strategies over the target width, a panel a family."""
    figure, axes = figures.panel_grid(len(families), height=4.2, sharex=True, sharey="row")
    for axis, (family, outcome) in zip(axes, families.items()):
        found = np.stack([outcome.interval(measure) for *_, measure in STRATEGIES.values()])
        _strategy_lines(axis, np.asarray(widths[family]), found, 1.04)
        figures.width_axis(axis, union(widths))
        axis.axhline(1, color="black", linewidth=1)  # no effect
        axis.set_yscale("log")  # one wide interval about random signs would press all others together
        axis.yaxis.set_major_locator(MaxNLocator(6))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axis.yaxis.minorticks_off()
        axis.set(title=family, xlabel="target width k", ylabel="α (ratio)")
        axis.label_outer()
    figures.shared_legend(figure, 4)
    return figure


def over_eps(families: Mapping[str, Mapping[float, Sample]]) -> Figure:
    """(1 - alpha) / eps over the size of the step, a panel a family.

    Matrices [strategies, 1] in the order of STRATEGIES.  Without the division large steps would hide the small ones.
    """
    figure, axes = figures.panel_grid(len(families), height=3.8, sharex=True, sharey="row")
    for axis, (family, outcomes) in zip(axes, families.items()):
        steps = np.array(list(outcomes))
        found = np.array([outcome.interval(lambda alpha: (1 - alpha) / step) for step, outcome in outcomes.items()])
        _strategy_lines(axis, steps, found[..., 0].transpose(2, 1, 0), 1.03)
        figures.width_axis(axis, list(outcomes), "ε (normalised units)")
        axis.axhline(0, color="black", linewidth=1)  # no effect
        axis.set(title=family, ylabel="(1 − α) / ε")
        axis.label_outer()
    figures.shared_legend(figure, 4)
    return figure


def _strategy_lines(axis: Axes, places: np.ndarray, found: np.ndarray, apart: float) -> None:
    """A line a strategy with its intervals, [strategies, 3, places], each moved by a factor so that bars do not overlap."""
    looks = [{"color": colour, "marker": marker, "linestyle": line} for colour, marker, line, _ in STRATEGIES.values()]
    figures.lines(axis, {name: (places, interval) for name, interval in zip(STRATEGIES, found)}, apart, looks)


def summaries(families: Mapping[str, Mapping[str, Sample]], widths: Widths) -> Figure:
    """Averages over targets at each source width, a panel a summary, a line a family."""
    figure, axes = figures.panel_grid(len(SUMMARIES), height=3.4)
    for axis, summary in zip(axes, SUMMARIES):
        lines = {family: outcomes[summary].interval(source_means) for family, outcomes in families.items()}
        label = f"{summary} ({'share' if 'accuracy' in summary else 'ratio'})"
        figures.by_width(lines, widths, label, axis=axis, legend=False)
        axis.set_xlabel("source width k")
    figures.shared_legend(figure, 4)
    return figure


def across(outcome: Sample, families: Sequence[str]) -> Figure:
    """alpha of source families and random signs (rows) against target families (columns)."""
    figure, axis = figures.subplots(width=6.6, height=5.2)
    found = outcome.interval()
    image = map_figures.heatmap(axis, found, range(len(families)), top=1)
    axis.set_xticks(range(len(families)), families, rotation=15)
    axis.set_yticks(range(len(families) + 1), [*families, "random signs"])
    axis.set(xlabel="target family", ylabel="source")
    figure.colorbar(image, ax=axis, label="α (ratio of probabilities)", shrink=0.8)
    return figure
