"""What the title page says of the headline claims: the totals of each data set, and a sentence for each paper."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from evidence import AUTHORS, COLUMNS, ORDER
from lib.rules import CONTRADICTED, MARKS, NOT_TESTED
from plain_markdown import escaped, pipe_table
from verdict_html import anchor
from what_holds import Line, of_papers, title_of, totals

DIGITS = COLUMNS["digits"]


def front(lines: Sequence[Line]) -> str:
    """MyST Markdown: a table of the papers' totals, a data set a row, then a sentence a paper and one of the book's own."""
    shown = [column for column in ORDER if any(column in line.cells for line in lines)]
    rows = [[escaped(column), *totals(of_papers(lines), column).values()] for column in shown]
    table = pipe_table(["headline claims on", *(f"{mark} {verdict}" for verdict, mark in MARKS.items())], rows)
    papers = groupby(lines, key=lambda line: title_of(line.source))
    return table + "\n" + "\n".join(f"- {sentence(title, list(own), shown)}" for title, own in papers) + "\n"


def sentence(title: str, lines: Sequence[Line], columns: Sequence[str]) -> str:
    """How one paper's headline claims fare on the digits, those that are contradicted by name, then on the other data sets."""
    counts = {column: totals(lines, column) for column in columns if any(column in line.cells for line in lines)}
    judged = [column for column in counts if set(_found(counts[column])) != {NOT_TESTED}]
    others = [
        f"on {_named([column])} {', '.join(f'{count} {verdict}' for verdict, count in _found(counts[column]).items())}"
        for column in judged
        if column != DIGITS
    ]
    if untested := [column for column in counts if column not in judged]:
        others.append(f"not tested yet on {_named(untested)}, whose networks have not learnt enough or are too few")
    return f"*{title}*: {'; '.join(([_on_digits(lines)] if DIGITS in judged else []) + others)}."


def _found(counts: Mapping[str, int]) -> dict[str, int]:
    return {verdict: count for verdict, count in counts.items() if count}


def _named(columns: Sequence[str]) -> str:
    """'CIFAR-10, CIFAR-100 and the authors' networks'."""
    names = [f"the {column}" if column == AUTHORS else column for column in columns]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _on_digits(lines: Sequence[Line]) -> str:
    counts = totals(lines, DIGITS)
    against = [line for line in lines if DIGITS in line.cells and line.cells[DIGITS].verdict == CONTRADICTED]
    named = "; ".join(f"[{escaped(line.statement.rstrip('.'))}](#card-{anchor(line.row)})" for line in against)
    parts = [
        f"{count} {verdict}" + (f" ({named})" if verdict == CONTRADICTED else "")
        for verdict, count in _found(counts).items()
    ]
    return f"of {sum(counts.values())} headline claims on digits " + ", ".join(parts)
