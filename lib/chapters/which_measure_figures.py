"""The pictures of chapter 19: ranks of measures in tests, their scores, and what three of them see of groups."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lib.chapters.which_measure import NAMES
from lib.figures import PAGE, bars, look, subplots
from lib.statistics.pairs import PairTable
from lib.statistics.sample import ranks
from lib.views.similarity_measures import KINDS, Measure
from lib.views.six_tests import CONTROLS, DESIGNS, LAYERS, TESTS, Scores

CHANCE = {test: 0.5 if test in (*DESIGNS, LAYERS) else 0.0 for test in TESTS}


def order(scores: Scores) -> np.ndarray:
    """The measures, from the best to the worst mean rank over the tests that each takes part in."""
    found = np.stack([ranks(scores.samples[test])[0] for test in TESTS])
    shares = found / np.nanmax(found, axis=1, keepdims=True)  # a test that some do not take has fewer ranks
    return np.argsort(np.nanmean(shares, axis=0), kind="stable")


def ranks_by_test(scores: Scores, measures: Mapping[str, Measure]) -> Figure:
    """A panel a test, a row a measure: its rank with the best and the worst that it may have."""
    found = {test: ranks(scores.samples[test]) for test in TESTS}
    return _rows(scores, measures, found, "rank (1 is best)", dict.fromkeys(TESTS, None))


def scores_by_test(scores: Scores, measures: Mapping[str, Measure]) -> Figure:
    """The same with scores, and chance as a line."""
    found = {test: scores.samples[test].interval() for test in TESTS}
    return _rows(scores, measures, found, "score", CHANCE)


def _rows(scores: Scores, measures: Mapping[str, Measure], found: Mapping, label: str, chance: Mapping) -> Figure:
    figure, axes = subplots(1, len(TESTS), width=PAGE / len(TESTS), height=0.36 * len(measures) + 1.6, sharey=True)
    placed = order(scores)
    names = [scores.measures[place] for place in placed]
    for axis, test in zip(axes, TESTS):
        for row, (name, place) in enumerate(zip(names, placed)):
            interval = [part[place] for part in found[test]]
            if np.isfinite(interval[0]):
                colour, marker = look("", KINDS.index(measures[name].sees))
                bars(axis, row, interval, sideways=True, fmt=marker, color=colour, markersize=6, capsize=2)
        axis.set_title(NAMES[test].replace(" ", "\n", 1), fontsize=8)
        _line(axis, chance[test], len(names))
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.supxlabel(label, fontsize=10)
    kinds = [kind for kind in KINDS if any(measure.sees == kind for measure in measures.values())]
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=look("", KINDS.index(kind))[1],
            color=look("", KINDS.index(kind))[0],
            label=kind,
        )
        for kind in kinds
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=9)
    return figure


def _line(axis: Axes, chance: float | None, count: int) -> None:
    axis.tick_params(labelsize=8)
    if chance is None:
        axis.set(xlim=(0.3, count + 0.7), xticks=[1, (count + 1) // 2, count])
    else:
        axis.axvline(chance, color="black", linewidth=1)


def seen(tables: Mapping[str, PairTable], names: tuple[str, ...]) -> Figure:
    """A row a measure, a panel a design: how alike every two networks are, groups framed."""
    figure, axes = subplots(len(names), len(DESIGNS), width=PAGE / len(DESIGNS), height=3.0, squeeze=False)
    for row, name in zip(axes, names):
        for axis, design in zip(row, DESIGNS):
            _groups(axis, tables[design], name)
            axis.set_title(f"{name}\n{design}", fontsize=9)
    return figure


def _groups(axis: Axes, table: PairTable, name: str) -> None:
    order = np.argsort(table.widths, kind="stable")  # CONTROLS go from the mildest on
    shown = table.views[name][np.ix_(order, order)].astype(float)
    np.fill_diagonal(shown, np.nan)
    axis.imshow(shown)
    axis.grid(False)
    places, counts = np.unique(table.widths, return_counts=True)
    edges = np.cumsum(counts)
    for edge in edges[:-1]:
        axis.axhline(edge - 0.5, color="white", linewidth=1)
        axis.axvline(edge - 0.5, color="white", linewidth=1)
    labels = [CONTROLS[place] for place in places]
    axis.set_xticks([])
    axis.set_yticks(edges - counts / 2 - 0.5, labels, fontsize=8)
