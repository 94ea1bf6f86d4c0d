"""The findings of the book on two pages: every headline claim of the papers with its verdict on each data set."""

from collections.abc import Sequence
from itertools import groupby

from evidence import ORDER
from lib.rules import MARKS
from plain_markdown import escaped, pipe_table
from verdict_html import number
from what_holds import Line, of_papers, title_of


def report(lines: Sequence[Line]) -> str:
    """MyST Markdown: a heading and a table for each paper, a row a claim with a mark and a number for each data set."""
    shown = [column for column in ORDER if any(column in line.cells for line in of_papers(lines))]
    papers = groupby(of_papers(lines), key=lambda line: title_of(line.source))
    return "\n".join(
        f"## {title}\n\n" + pipe_table(["claim", *map(escaped, shown)], [_row(line, shown) for line in own])
        for title, own in papers
    )


def _row(line: Line, columns: Sequence[str]) -> list[str]:
    """The claim, and for each data set '✔ 0.42': the mark, and the number that decides."""
    cells = [line.cells.get(column) for column in columns]
    found = [f"{MARKS[cell.verdict]} {escaped(number(cell))}".strip() if cell else "–" for cell in cells]
    return [f"{escaped(line.statement)} ({escaped(line.source)})", *found]
