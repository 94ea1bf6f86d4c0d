"""The pictures of appendix 2: similarity within a width beside the released picture, and over images and epochs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib.chapters.batch_size import measure_label
from lib.effects.paired import Measures, by_population
from lib.effects.scale import Lines, sizes
from lib.family_widths import union
from lib.figures import by_size, by_width, subplots, width_axis
from lib.released.heatmaps import WIDTHS, neighbours, own_similarity
from lib.statistics.intervals import Interval


def beside_picture(
    families: Mapping[str, Interval], widths: Mapping[str, Sequence[int]], picture: np.ndarray | None
) -> Figure:
    """rho(k, k) of every family with intervals, and of the picture, [widths, widths], its two readings in black."""
    axis = subplots(width=8)[1]
    by_width(families, widths, "similarity ρ(k, k) (cosine)", axis=axis)
    if picture is not None:
        axis.plot(WIDTHS, own_similarity(picture), color="black", marker=".", label="released picture, exp(2a)")
        crosses = {"color": "black", "marker": "x", "linestyle": "none", "markersize": 6}
        axis.plot(*neighbours(picture, WIDTHS), **crosses, label="released picture,\nneighbouring widths")
        width_axis(axis, sorted({*union(widths), WIDTHS[0], *(width for width in WIDTHS if width.bit_count() == 1)}))
    for legend in filter(None, (axis.get_legend(), *axis.figure.legends)):
        legend.remove()  # one of all lines follows
    axis.figure.legend(*axis.get_legend_handles_labels(), loc="outside right center")
    return axis.figure


def over_scale(family: str, measures: Measures, found: Lines, widths: Sequence[int]) -> Figure:
    """Similarity above, test accuracy below; a column a line of settings, a line with intervals a width."""
    names = "similarity", "test accuracy"
    figure, axes = subplots(len(names), len(found), width=4.6, height=3.1, sharex="col", sharey="row", squeeze=False)
    for row, name in zip(axes, names):
        of_all = by_population(measures, name)
        for axis, (line, settings) in zip(row, found.items()):
            places = [measures.recipes.index(setting) for setting in settings]
            by_size(axis, sizes(line, settings), [part[:, places] for part in of_all], widths, f"{line} (number)")
            axis.label_outer()
        row[0].set_ylabel(measure_label(name))
    for axis, (line, settings) in zip(axes[0], found.items()):
        alike = len({setting.epochs for setting in settings}) == 1
        held = f"{settings[0].epochs} epochs" if alike else f"{settings[0].n_train} training images"
        axis.set_title(f"{family}, {held}", fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(widths), 6))
    return figure
