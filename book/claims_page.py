"""The page of detail checks: how many verdicts each chapter has, and each claim once with a cell for each data set."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from evidence import ORDER, Found, Study, columns
from flips import flip
from lib.rules import CONTRADICTED, MARKS, SUPPORTED
from lib.verdicts import Claim
from light_forest import light_forest
from plain_markdown import escaped, pipe_table
from verdict_html import rendered
from what_holds import PAPERS, Cell, Line, Place, latest, paper_of


def each(found: Found, level: str | None = None) -> list[Line]:
    """A line for every claim by its name, in the order of the chapters; of one level, if that is told."""
    by_name: dict[str, dict[str, list[Place]]] = {}
    for column, study, chapter, claim in columns(found):
        if level in (None, claim.level):
            by_name.setdefault(claim.name, {}).setdefault(column, []).append(Place(claim, study, chapter))
    return [_line(name, by_column) for name, by_column in by_name.items()]


def _line(name: str, by_column: Mapping[str, Sequence[Place]]) -> Line:
    first = next(iter(by_column.values()))[0].claim
    cells = {column: Cell(latest(by_column[column])) for column in ORDER if column in by_column}
    return Line(name, first.statement, first.source, cells)


def details(found: Found, level: str, ledger: Callable[[str], str]) -> str:
    """HTML: the claims of a level with what a reader may filter by, and a light card for each that opens in its row."""
    rows = each(found, level)
    used = [column for column in ORDER if any(column in line.cells for line in rows)]
    papers = [paper for paper in [*PAPERS, "this book"] if any(paper_of(line.source) == paper for line in rows)]
    return rendered(
        "details.html",
        lines=rows,
        columns=used,
        papers=papers,
        paper_of=paper_of,
        disagree=disagree,
        ledger=ledger,
        flip=flip,
        light_forest=light_forest,
    )


def disagree(line: Line) -> bool:
    """Whether one data set supports a claim and another contradicts it."""
    return {SUPPORTED, CONTRADICTED} <= {cell.verdict for cell in line.cells.values()}


def by_chapter(found: Found) -> str:
    """A Markdown table: how many verdicts of which kind each chapter has, a column for each study."""
    names = list(dict.fromkeys(chapter for of_study in found.values() for chapter in of_study))
    rows = [
        [chapter_link(found, chapter), *(_counts(of_study.get(chapter)) for of_study in found.values())]
        for chapter in names
    ]
    rows.append(["all", *(_counts(sum(map(list, of_study.values()), [])) for of_study in found.values())])
    return pipe_table(["chapter", *(escaped(study.title) for study in found)], rows)


def agreement(found: Found) -> str:
    """Two tables about the first study and each other one: how often they come to which verdicts on the claims that
    both look at, and the claims that one supports and another contradicts."""
    first, *others = found
    by_name: dict[str, dict[Study, Claim]] = {}
    for _, study, _, claim in columns(found):
        by_name.setdefault(claim.name, {})[study] = claim
    rows = []
    for other in others:
        pairs = Counter(
            (claims[first].verdict, claims[other].verdict)
            for claims in by_name.values()
            if first in claims and other in claims
        )
        same, turned = sum(pairs[verdict, verdict] for verdict in MARKS), pairs[SUPPORTED, CONTRADICTED]
        rows.append([escaped(other.title), pairs.total(), same, turned + pairs[CONTRADICTED, SUPPORTED]])
    table = pipe_table(["study", f"claims shared with {escaped(first.title)}", "same verdict", "turned round"], rows)
    turned = [line for line in each(found) if disagree(line)]
    if not turned:
        return table + "\nNo claim is supported on one data set and contradicted on another.\n"
    told = [
        [escaped(line.statement), *(_linked(line.cells[column]) if column in line.cells else "–" for column in ORDER)]
        for line in turned
    ]
    return table + "\n" + pipe_table(["claim", *map(escaped, ORDER)], told)


def chapter_link(found: Found, chapter: str) -> str:
    """A link to the chapter in the first study that has it."""
    study = next(study for study, of_study in found.items() if chapter in of_study)
    return f"{{doc}}`{study.pages}/{chapter}`"


def _linked(cell: Cell) -> str:
    place = cell.shown
    return f"{{doc}}`{MARKS[cell.verdict]} {cell.verdict} <{place.study.pages}/{place.chapter}>`"


def _counts(claims: Sequence[Claim] | None) -> str:
    if claims is None:
        return "–"
    verdicts = [claim.verdict for claim in claims]
    return ", ".join(f"{mark}\N{NO-BREAK SPACE}{verdicts.count(verdict)}" for verdict, mark in MARKS.items())
