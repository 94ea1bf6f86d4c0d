"""The page of cards: each headline claim in words and in mathematics, what decides, what was found, what would turn it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from flips import flip
from lib import figures
from lib.rules import MARKS, NOT_TESTED
from lib.verdicts import Claim
from plain_markdown import escaped
from verdict_html import anchor, case, counted, rendered
from what_holds import Cell, Line, title_of

MOST, LINE = 12, 60  # cases of a cell drawn in a forest; letters of a line below it


def cards(rows: Sequence[Line], ledger: Callable[[str], str]) -> str:
    """All cards in MyST Markdown, a part for each paper; `ledger` says the history of a row's rule."""
    parts = []
    for paper, own in groupby(rows, key=lambda line: title_of(line.source)):
        parts.append(f"## {paper}\n")
        parts += [card(line, ledger(line.first.row or line.row)) for line in own]
    return "\n".join(parts)


def card(line: Line, history: str) -> str:
    """One claim; its place in the page is card-ROW."""
    claim, name = line.first, anchor(line.row)
    decide = next((cell for cell in line.cells.values() if cell.tested), next(iter(line.cells.values())))
    formula = f"$$\n{in_lines(claim.formula)}\n$$\n\n" if claim.formula else ""
    flips = "".join(f"- {escaped(column)}: {escaped(flip(cell.shown.claim))}\n" for column, cell in line.cells.items())
    return (
        f"(card-{name})=\n### {escaped(line.statement)}\n\n"
        f"{escaped(line.source)}\n\n{formula}"
        f"```{{image}} chapters/forest/{name}.svg\n:alt: {_alternative(line)}\n```\n\n"
        f"```{{raw}} html\n{rendered('card.html', cells=line.cells)}\n```\n\n"
        f"**Statistic.** {escaped(decide.shown.claim.statistic)}\n\n"
        f"**Rule.** {escaped(claim.rule)}.\n\n"
        f"**What would turn the verdict.**\n\n{flips}\n"
        f"**The rule's history.** {history}\n\n"
        f"````{{dropdown}} The numbers as JSON\n```json\n{_as_json(line)}\n```\n````\n"
    )


def in_lines(formula: str) -> str:
    """A formula with its conditions below it, so that it is no wider than a telephone."""
    lines = formula.replace(r"\quad", r"\\")
    return rf"\begin{{gathered}} {lines} \end{{gathered}}"


def _alternative(line: Line) -> str:
    """What the picture shows, for those who do not see it."""
    found = "; ".join(f"{column}: {cell.verdict} ({counted(cell)})" for column, cell in line.cells.items())
    return f"Estimates with 95 % intervals beside the rule's threshold. {found}."


def _as_json(line: Line) -> str:
    found = {
        column: [
            {"file": place.file}
            | {key: value for key, value in asdict(place.claim).items() if key not in ("statement", "rule", "formula")}
            for place in cell.places
        ]
        for column, cell in line.cells.items()
    }
    return json.dumps(found, indent=1, ensure_ascii=False)


def draw_forests(rows: Sequence[Line], folder: Path) -> None:
    """folder/ROW.svg for every line; text stays text."""
    folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "great minds"}):
        for line in rows:
            figure = forest(line.cells)
            figure.savefig(folder / f"{anchor(line.row)}.svg", metadata={"Date": None})
            plt.close(figure)


def forest(cells: dict[str, Cell]) -> Figure:
    """Estimates with intervals, a line a family or other case, data sets one below another, thresholds as dashed lines.

    Open grey marks: not tested.  Results of before the gates have no line: their rules were others.
    """
    drawn = [(column, place) for column, cell in cells.items() for place in cell.places[:MOST] if place.drawable]
    figure, axis = figures.subplots(width=6.4, height=0.9 + 0.28 * max(len(drawn), 1))
    for at, (_, place) in enumerate(drawn):
        colour, marker = figures.look(_family(place.claim), at)
        look = {"color": colour} if place.claim.verdict != NOT_TESTED else {"color": "grey", "markerfacecolor": "none"}
        claim = place.claim
        figures.bars(axis, [at], (claim.estimate, claim.low, claim.high), sideways=True, fmt=marker, **look)
    for threshold in {limit for _, place in drawn for limit in place.claim.thresholds}:
        axis.axvline(threshold, color="black", linestyle="--", linewidth=1)
    axis.set_yticks(range(len(drawn)), [_label(column, place.claim) for column, place in drawn], fontsize=9)
    axis.set(ylim=(len(drawn) - 0.5, -0.5))
    axis.set_xlabel(fill(drawn[0][1].claim.statistic.split(":")[0], LINE) if drawn else "", fontsize=9)
    if not drawn:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "not tested on any data set", ha="center", transform=axis.transAxes)
    return figure


def _family(claim: Claim) -> str:
    """The family that a claim's name holds, if it does."""
    return next((family for family in figures.COLOURS if family in claim.name), "")


def _label(column: str, claim: Claim) -> str:
    return f"{': '.join(filter(None, [column, case(claim)]))}  {MARKS[claim.verdict]}"
