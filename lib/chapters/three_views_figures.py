"""The pictures of chapter 18: views against each other, over the width, and against what two networks do."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lib.chapters.three_views import DEEDS, NAMES
from lib.figures import PAGE, by_width, dots, shared_legend, subplots, width_axis
from lib.statistics.pairs import PairTable
from lib.views.measures import Measures
from lib.views.outcomes import AGREEMENT, ERRORS, OUTCOMES, TRANSFER
from lib.views.prediction import ALL, ALONE, MODELS, WIDTHS
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

LABELS = {RHO: "gradients: ρ (cosine)", CKA: "linear CKA (0 to 1)", MATCHING: "direct matching (1 − residual)"}
UNITS = {AGREEMENT: "equal predictions (share)", ERRORS: "errors in common (κ)", TRANSFER: "attack takes (share)"}
SHOWN = {**NAMES, ALL: "all three views", WIDTHS: WIDTHS, ALONE: ALONE, f"{ALONE} + {ALL}": "each alone + views"}


def views_against_views(families: Mapping[str, Measures]) -> Figure:
    """A row a family, a panel for every two views: a point a pair of networks, its colour their mean width."""
    figure, axes = _panels(families, sharex="col", sharey="col")
    for row, (family, measures) in zip(axes, families.items()):
        over, within = measures.between_views(False)[0], measures.between_views(True)[0]
        for axis, (x, y), everywhere, inside in zip(row, combinations(VIEWS, 2), over, within):
            points = _scatter(axis, measures.table, measures.table.views[x], measures.table.views[y])
            axis.set(title=f"{family}\nall {everywhere:.2f}, within widths {inside:.2f}", ylabel=LABELS[y])
            axis.title.set_fontsize(10)
    for axis, (x, _) in zip(axes[-1], combinations(VIEWS, 2)):
        axis.set_xlabel(LABELS[x])
    _width_bar(figure, axes, points, measures.table)
    return figure


def over_width(families: Mapping[str, Measures]) -> Figure:
    """A panel a view: its mean over pairs of one width, with intervals, a line a family."""
    figure, axes = subplots(1, len(VIEWS), width=PAGE / 3, height=3.2)
    for place, (axis, view) in enumerate(zip(axes, VIEWS)):
        found = {
            family: tuple(part[place] for part in measures.means.interval()) for family, measures in families.items()
        }
        widths = np.unique(next(iter(families.values())).table.widths).tolist()
        by_width(found, widths, LABELS[view], axis=axis, legend=not place)
        width_axis(axis, widths, "width k of both")
    return figure


def views_against_outcome(families: Mapping[str, Measures], outcome: str) -> Figure:
    """A row a family, a panel a view: what two networks do over how alike the view finds them."""
    figure, axes = _panels(families, sharex="col", sharey="row")
    column = OUTCOMES.index(outcome)
    for row, (family, measures) in zip(axes, families.items()):
        skills = dict(zip(list(MODELS)[1:], measures.skill()[0][:, column]))
        within = measures.with_outcomes(True)[0][:, column]
        for axis, view, inside in zip(row, VIEWS, within):
            points = _scatter(axis, measures.table, measures.table.views[view], measures.table.outcomes[outcome])
            axis.set_title(f"{family}: held-out R² {skills[view]:.2f}\nwithin widths {inside:.2f}", fontsize=10)
        row[0].set_ylabel(UNITS[outcome])
    for axis, view in zip(axes[-1], VIEWS):
        axis.set_xlabel(LABELS[view])
    _width_bar(figure, axes, points, measures.table)
    return figure


def rank_correlations(families: Mapping[str, Measures]) -> Figure:
    """A panel an outcome: rank correlation of each view with it, hollow over all pairs, filled within widths."""
    figure, axes = _outcome_panels()
    for place, (family, measures) in enumerate(families.items()):
        for half, within in enumerate((False, True)):
            found = measures.with_outcomes(within)
            words = "within widths" if within else "all pairs"
            for column, axis in enumerate(axes):
                rows = np.arange(len(VIEWS)) + 0.18 * (2 * place + half - len(families) + 0.5)
                looks = {"label": f"{family}, {words}", "linewidth": 1} | (
                    {} if within else {"markerfacecolor": "white"}
                )
                dots(axis, rows, [part[:, column] for part in found], family, place, **looks)
    return _finished(figure, axes, list(NAMES.values()), "rank correlation", (-1.05, 1.05))


def skills(families: Mapping[str, Measures]) -> Figure:
    """A panel an outcome: held-out R^2 with its interval of each of SHOWN; what lies below -1 is not seen."""
    figure, axes = _outcome_panels()
    chosen = [list(MODELS).index(model) - 1 for model in SHOWN]
    for place, (family, measures) in enumerate(families.items()):
        found = [part[chosen] for part in measures.skill()]
        rows = np.arange(len(SHOWN)) + 0.24 * (place - (len(families) - 1) / 2)
        for column, axis in enumerate(axes):
            dots(axis, rows, [part[:, column] for part in found], family, place, linewidth=1)
    return _finished(figure, axes, list(SHOWN.values()), "held-out R²", (-1.05, 1.05))


def _panels(families: Mapping[str, Measures], **sharing) -> tuple[Figure, np.ndarray]:
    return subplots(len(families), len(VIEWS), width=PAGE / 3, height=3.0, squeeze=False, **sharing)


def _outcome_panels() -> tuple[Figure, np.ndarray]:
    figure, axes = subplots(1, len(OUTCOMES), width=PAGE / 3, height=3.4, sharey=True)
    for axis, outcome in zip(axes, OUTCOMES):
        axis.set_title(DEEDS[outcome], fontsize=10)
        axis.axvline(0, color="black", linewidth=1)
    return figure, axes


def _scatter(axis: Axes, table: PairTable, x: np.ndarray, y: np.ndarray) -> ScalarMappable:
    """Points of all pairs; the colour is the geometric mean of the two widths."""
    pairs = table.first, table.second
    width = np.sqrt(table.widths[pairs[0]] * table.widths[pairs[1]])
    colours = {"c": width, "norm": LogNorm(table.widths.min(), table.widths.max()), "cmap": "viridis"}
    return axis.scatter(x[pairs], y[pairs], s=9, alpha=0.8, linewidths=0, **colours)


def _width_bar(figure: Figure, axes: np.ndarray, points: ScalarMappable, table: PairTable) -> None:
    widths = np.unique(table.widths).tolist()
    bar = figure.colorbar(points, ax=axes, label="geometric mean of the two widths k", shrink=0.7, pad=0.02)
    bar.set_ticks(widths, labels=[str(width) for width in widths])
    bar.minorticks_off()


def _finished(figure: Figure, axes: np.ndarray, names: list[str], label: str, limits: tuple[float, float]) -> Figure:
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    for axis in axes:
        axis.set(xlabel=label, xlim=limits)
    shared_legend(figure, 2)
    return figure
