"""The pictures and tables of appendix 1."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from lib import figures
from lib.chapters.hypothesis_claims import ALIKE, EXPLAINED
from lib.chapters.open_choices_claims import DEFAULT, Outcome, Outcomes
from lib.statistics.intervals import Interval

# conclusion -> label of its statistic, and where its rule draws the line
STATISTICS = {
    "growth": ("mean step of ρ to the next width", 0.0),
    "H1": ("mean fall of 1 - E[t] at a step of the width", 0.0),
    "H2": ("corrected cosine of two mean directions", ALIKE),
    "rank one": ("R² of the rank-one law", EXPLAINED),
}


def by_choice(outcomes: Outcomes, family: str) -> Figure:
    """A panel a choice: rho(k, k) over the width under each of its settings, the default in black."""
    choices = list(dict.fromkeys(choice for choice, _ in outcomes if choice != DEFAULT[0]))
    widths = outcomes[DEFAULT][family].widths
    figure, axes = figures.panel_grid(len(choices), width=4.8, height=3.5, sharey=True)
    for axis, choice in zip(axes, choices):
        settings = [setting for setting in outcomes if setting[0] == choice and family in outcomes[setting]]
        lines = {label: _diagonal(outcomes[setting][family], widths)
                 for setting in (DEFAULT, *settings) for label in [setting[1] if setting != DEFAULT else "default"]}
        figures.by_width(lines, widths, "ρ(k, k) (cosine)", axis=axis)
        axis.set_title(choice)
        axis.legend(loc="lower right", fontsize=10)
    return figure


def statistics(outcomes: Outcomes, families: Sequence[str]) -> Figure:
    """A panel a conclusion: a row a setting, a point with its interval a family, and the line that its rule draws."""
    figure, axes = figures.panel_grid(len(STATISTICS), width=4.8, height=0.5 * len(outcomes) + 0.8, sharey=True)
    rows = np.arange(len(outcomes))[::-1]
    for axis, (conclusion, (label, threshold)) in zip(axes, STATISTICS.items()):
        for place, family in enumerate(families):
            points = [(row + 0.15 * ((len(families) - 1) / 2 - place), found[family].claims[conclusion])
                      for row, found in zip(rows, outcomes.values()) if family in found]
            estimate, low, high = (np.array([getattr(claim, part) for _, claim in points])
                                   for part in ("estimate", "low", "high"))
            colour, marker = figures.look(family, place)
            axis.errorbar(estimate, [row for row, _ in points], xerr=np.abs([estimate - low, high - estimate]),
                          fmt=marker, markersize=4, capsize=2, color=colour, label=family)
        axis.axvline(threshold, color="black", linewidth=1)
        axis.set(title=conclusion, xlabel=label, xlim=_range(outcomes, conclusion, threshold))
        axis.locator_params(axis="x", nbins=5)
        axis.set_yticks(rows, [setting[0] if setting == DEFAULT else ": ".join(setting) for setting in outcomes])
    for axis in axes[1::2]:
        axis.tick_params(labelleft=False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(families))
    return figure


def precisions(found: Mapping[str, Mapping[int, Interval]]) -> Figure:
    """rho(k, k) over the epochs, a line a precision."""
    figure, axis = figures.subplots()
    for place, (precision, by_count) in enumerate(found.items()):
        estimate, low, high = np.array(list(by_count.values())).T
        colour, marker = figures.look(precision, place)
        axis.errorbar(np.array(list(by_count)) * 1.03**place, estimate, np.abs([estimate - low, high - estimate]),
                      label=precision, capsize=3, color=colour, marker=marker)
    axis.set(xlabel="epochs", ylabel="ρ(k, k) (cosine)", xscale="log")
    axis.set_xticks(list(by_count), map(str, by_count))
    axis.minorticks_off()
    axis.legend()
    return figure


def spaced_table(table: pd.DataFrame, name: str) -> Styler:
    """A table whose cells, with a mark or number for each family, stand apart.

    `name`: of its elements on the page; pandas would draw another in each run.
    """
    return table.style.set_uuid(name).set_table_styles(
        [{"selector": "td, th", "props": "padding: 0.2em 1.5em; text-align: left"}])


def _range(outcomes: Outcomes, conclusion: str, threshold: float) -> tuple[float, float]:
    """All estimates, the threshold and nine in ten of the intervals' ends: a few wide ones would hide the rest."""
    claims = [outcome.claims[conclusion] for found in outcomes.values() for outcome in found.values()]
    estimate, low, high = (np.array([threshold, *(getattr(claim, part) for claim in claims)])
                           for part in ("estimate", "low", "high"))
    left = np.nanmin([*estimate, np.nanquantile(low, 0.1)])
    right = np.nanmax([*estimate, np.nanquantile(high, 0.9)])
    pad = 0.05 * (right - left) or 0.05  # where nothing is known the threshold stands alone
    return left - pad, right + pad


def _diagonal(outcome: Outcome, widths: Sequence[int]) -> tuple[np.ndarray, ...]:
    """rho(k, k) with its interval at all `widths`, NaN at those that were not looked at."""
    places = [outcome.widths.index(width) if width in outcome.widths else None for width in widths]
    return tuple(np.array([np.nan if place is None else part[place, place] for place in places])
                 for part in outcome.matrix.interval())
