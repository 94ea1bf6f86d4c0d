"""The pictures of appendix 1."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.chapters.hypotheses import ALIKE, OFF
from lib.chapters.open_choices import CONCLUSIONS, DEFAULT, Outcome, Outcomes
from lib.statistics.intervals import Interval, bounded

LINES = {"growth": 0.0, "H1": 0.0, "H2": ALIKE, "rank one": OFF}  # conclusion -> where its rule draws the line


def by_choice(outcomes: Outcomes, family: str) -> Figure:
    """A panel a choice: rho(k, k) over the width under each of its settings, the default in black."""
    choices = list(dict.fromkeys(choice for choice, _ in outcomes if choice != DEFAULT[0]))
    widths = outcomes[DEFAULT][family].widths
    figure, axes = figures.panel_grid(len(choices), width=4.8, height=3.5, sharey=True)
    for axis, choice in zip(axes, choices):
        settings = {"default": DEFAULT} | {setting[1]: setting for setting in outcomes if setting[0] == choice}
        lines = {
            label: _diagonal(outcomes[setting][family], widths)
            for label, setting in settings.items()
            if family in outcomes[setting]
        }
        figures.by_width(lines, widths, "ρ(k, k) (cosine)", axis=axis, legend=False)
        axis.set_title(choice)
        axis.legend(loc="upper left", fontsize=10)
    return figure


def statistics(outcomes: Outcomes, families: Sequence[str]) -> Figure:
    """A panel a conclusion: a row a setting, a point with its interval a family, and the line that its rule draws."""
    figure, axes = figures.panel_grid(len(LINES), width=4.8, height=0.5 * len(outcomes) + 0.8, sharey=True)
    rows = np.arange(len(outcomes))[::-1]
    for axis, (conclusion, threshold) in zip(axes, LINES.items()):
        for place, family in enumerate(families):
            shown = [(row, found[family]) for row, found in zip(rows, outcomes.values()) if family in found]
            at = [row + 0.15 * ((len(families) - 1) / 2 - place) for row, _ in shown]
            figures.dots(axis, at, _intervals([one for _, one in shown], conclusion), family, place, markersize=4)
        axis.axvline(threshold, color="black", linewidth=1)
        axis.set(title=conclusion, xlabel=CONCLUSIONS[conclusion].number, xlim=_range(outcomes, conclusion, threshold))
        axis.locator_params(axis="x", nbins=5)
        axis.set_yticks(rows, [setting[0] if setting == DEFAULT else ": ".join(setting) for setting in outcomes])
    for axis in axes[1::2]:
        axis.tick_params(labelleft=False)
    figures.shared_legend(figure, where="upper center")
    return figure


def precisions(found: Mapping[str, Mapping[int, Interval]]) -> Figure:
    """rho(k, k) over the epochs, a line a precision."""
    figure, axis = figures.subplots()
    lines = {name: (list(of), np.transpose(list(of.values()))) for name, of in found.items()}
    figures.lines(axis, lines)
    figures.width_axis(axis, next(iter(lines.values()))[0], "epochs")
    axis.set_ylabel("ρ(k, k) (cosine)")
    axis.legend()
    return figure


def _intervals(outcomes: Sequence[Outcome], conclusion: str) -> Interval:
    """What was estimated for a conclusion, with intervals: three arrays [outcomes]."""
    claims = [outcome.claims[conclusion] for outcome in outcomes]
    return tuple(np.array([getattr(claim, part) for claim in claims]) for part in ("estimate", "low", "high"))


def _range(outcomes: Outcomes, conclusion: str, threshold: float) -> tuple[float, float]:
    """All estimates, the threshold and nine in ten of the intervals' ends: a few wide ones would hide the rest."""
    everyone = [outcome for found in outcomes.values() for outcome in found.values()]
    estimate, low, high = (np.array([threshold, *part]) for part in _intervals(everyone, conclusion))
    left = np.nanmin([*estimate, np.nanquantile(low, 0.1)])
    right = np.nanmax([*estimate, np.nanquantile(high, 0.9)])
    pad = 0.05 * (right - left) or 0.05  # where nothing is known the threshold stands alone
    return left - pad, right + pad


def _diagonal(outcome: Outcome, widths: Sequence[int]) -> tuple[np.ndarray, ...]:
    """rho(k, k) with its interval at all `widths`, NaN at those that were not looked at."""
    places = [outcome.widths.index(width) if width in outcome.widths else None for width in widths]
    return tuple(
        np.array([np.nan if place is None else part[place, place] for place in places])
        for part in bounded(outcome.matrix.interval(), -1, 1)
    )
