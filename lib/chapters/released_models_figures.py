"""The pictures of chapter 10: accuracies, numbers beside those of the released pictures, and E[t] over the width."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.chapters.released_pictures import PictureComparison
from lib.figures import bars, figure_of, look, subplots, width_axis
from lib.statistics.intervals import Interval

HERE, PICTURE = "here", "released picture"

Lines = Mapping[str, tuple[Sequence[int], Interval]]  # name -> its widths, (estimate, low, high)


def over_width(lines: Lines, label: str, axis: Axes | None = None) -> Figure:
    """A line each over its own widths; no bars where low is the estimate."""
    axis = axis or subplots(width=7)[1]
    for position, (name, (widths, interval)) in enumerate(lines.items()):
        colour, marker = look(name, 3 * position)  # black and blue
        bars(axis, widths, interval, label=name, color=colour, marker=marker, zorder=3 - position)
    longest = max((list(widths) for widths, _ in lines.values()), key=len)
    width_axis(axis, longest)
    axis.tick_params(axis="x", labelrotation=60 if len(longest) > 8 else 0)
    axis.set_ylabel(label)
    if len(lines) > 1:
        axis.legend()
    return figure_of(axis)


def against_picture(comparisons: Mapping[str, PictureComparison]) -> Figure:
    """Each number in the picture over the number here, with the band of other images and the line of equality."""
    figure, axes = subplots(1, len(comparisons), width=5.2, height=4.4, squeeze=False)
    for axis, (title, found) in zip(axes[0], comparisons.items()):
        low, high = found.band()
        bands = {"color": "#56B4E9", "linewidth": 5, "alpha": 0.6}
        axis.vlines(found.ours, low, high, **bands, label="where 95 % of other samples lie")
        axis.plot(found.ours, found.theirs, "o", color="black", markersize=5, label="picture")
        ends = [min(low.min(), found.theirs.min()), max(high.max(), found.theirs.max())]
        axis.plot(ends, ends, color="#D55E00", linewidth=1.5, linestyle="dashed", label="equal")
        axis.set(title=title, xlabel="here", ylabel="in the released picture")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def attack_means(sources: Lines, targets: Lines) -> Figure:
    """alpha averaged over targets, over the source width, and averaged over sources, over the target width."""
    figure, (left, right) = subplots(1, 2, width=5.6, height=4.2, sharey=True)
    over_width(sources, "α, mean over targets (ratio)", left)
    over_width(targets, "α, mean over sources (ratio)", right)
    left.set_xlabel("source width k")
    right.set_xlabel("target width k")
    return figure
