"""The headline claims by data sets: claims of one row make a line, those of a data set a cell, papers stand one after another."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from evidence import AUTHORS, COLUMNS, ORDER, Found, Study, columns
from lib.rules import CONTRADICTED, MARKS, NOT_TESTED, SUPPORTED, UNDECIDED
from lib.verdicts import HEADLINE, Claim

# What a source calls a paper -> its title.
PAPERS = {
    "Great Minds": "Great Minds Think Alike",
    "Wide and Deep": "Do Wide and Deep Networks Learn the Same Things?",
    "Stitching": "How not to Stitch Representations to Measure Similarity",
}
OURS = "this book"
WORST = (CONTRADICTED, UNDECIDED, SUPPORTED)
# Rows of chapter 10, about the authors' networks -> the rows that say the same of ours.
SAME = {"10-width": "03-growth-{family}", "10-wide-sources": "07-wide-sources-{family}"}
LEVEL = 0.05  # of Holm's procedure in a column


@dataclass(frozen=True)
class Place:
    """A claim, and where it is judged."""

    claim: Claim
    study: Study
    chapter: str

    @property
    def drawable(self) -> bool:
        """Whether there is an interval to draw beside a threshold; results of before the gates have none."""
        return bool(self.claim.thresholds) and None not in (self.claim.estimate, self.claim.low, self.claim.high)

    @property
    def file(self) -> str:
        """The numbers behind it, seen from the root of the project and of the built book."""
        return f"results/{self.study.results}/{self.chapter}.json"


@dataclass(frozen=True)
class Cell:
    """What one data set says about a line.  `holm`: whether the verdict stands after Holm's correction in the column."""

    places: Sequence[Place]
    holm: bool = False

    @cached_property
    def tested(self) -> list[Place]:
        """Those whose gates are passed."""
        return [place for place in self.places if place.claim.verdict != NOT_TESTED]

    @property
    def verdict(self) -> str:
        """The worst of those that are tested: supported only if every one is."""
        found = {place.claim.verdict for place in self.tested}
        return next((verdict for verdict in WORST if verdict in found), NOT_TESTED)

    @property
    def counts(self) -> dict[str, int]:
        """Verdict -> how many families or other cases have it."""
        found = Counter(place.claim.verdict for place in self.places)
        return {verdict: found[verdict] for verdict in MARKS if found[verdict]}

    @property
    def shown(self) -> Place:
        """The claim that decides: of those with the cell's verdict the surest contradiction, else the least sure one."""
        own = [place for place in self.places if place.claim.verdict == self.verdict]
        return (min if self.verdict == CONTRADICTED else max)(own, key=lambda place: level_of(place.claim))

    @property
    def p(self) -> float:
        """The error level at which the cell keeps its verdict; 1 where there is none.

        All families have to support a claim, so that the largest decides; one of several contradicts it (Bonferroni).
        """
        if self.verdict not in (SUPPORTED, CONTRADICTED):
            return 1.0
        times = len(self.tested) if self.verdict == CONTRADICTED else 1
        return min(1.0, times * level_of(self.shown.claim))


@dataclass(frozen=True)
class Line:
    """One headline claim: its row, its words, where it stands, and a cell for each data set that looked at it."""

    row: str
    statement: str
    source: str
    cells: Mapping[str, Cell]

    @property
    def first(self) -> Claim:
        """Its first claim, for what all share."""
        return next(iter(self.cells.values())).places[0].claim


def level_of(claim: Claim) -> float:
    """The smallest error level at which a claim keeps its verdict; 1 where none was found."""
    return 1.0 if claim.p is None else claim.p


def lines(found: Found, level: str = HEADLINE) -> list[Line]:
    """The lines of a level by paper and figure, in the abstract by chapter, with Holm's correction within each column.

    Those of no paper, the book's own, stand last and are corrected by themselves.
    """
    by_row: dict[str, dict[str, list[Place]]] = {}
    for column, study, chapter, claim in columns(found):
        if claim.level == level:
            row = SAME.get(claim.row, claim.row) or claim.name
            by_row.setdefault(row, {}).setdefault(column, []).append(Place(claim, study, chapter))
    unsorted = [_line(row, by_column) for row, by_column in by_row.items()]
    ordered = sorted(unsorted, key=lambda line: place_in_papers(line.source))
    return with_holm(of_papers(ordered)) + with_holm([line for line in ordered if paper_of(line.source) == OURS])


def _line(row: str, by_column: Mapping[str, list[Place]]) -> Line:
    cells = {name: Cell(latest(by_column[name])) for name in ORDER if name in by_column}
    own = [place.claim for name in ORDER if name in by_column and name != AUTHORS for place in by_column[name]]
    own = own or [place.claim for place in by_column[AUTHORS]]
    digits = [place.claim for place in by_column.get(COLUMNS["digits"], [])] or own
    return Line(row, together([claim.statement for claim in digits]), own[0].source, cells)


def latest(places: Iterable[Place]) -> list[Place]:
    """Of studies of one data set that judge the same claim the one that tests it, else the last one."""
    found: dict[str, Place] = {}
    for place in places:
        before = found.get(place.claim.name)
        if before is None or place.claim.verdict != NOT_TESTED or before.claim.verdict == NOT_TESTED:
            found[place.claim.name] = place
    return list(found.values())


def with_holm(unmarked: Sequence[Line]) -> list[Line]:
    """The same lines, whose cells know whether their verdict stands after Holm's correction within their column."""
    marked = [dict(line.cells) for line in unmarked]
    for column in {column for line in unmarked for column in line.cells}:
        tested = [cells for cells in marked if column in cells and cells[column].verdict != NOT_TESTED]
        for rank, cells in enumerate(sorted(tested, key=lambda cells: cells[column].p)):
            if cells[column].p > LEVEL / (len(tested) - rank):
                break  # no larger one is looked at
            cells[column] = replace(cells[column], holm=True)
    return [replace(line, cells=cells) for line, cells in zip(unmarked, marked)]


def paper_of(source: str) -> str:
    """The key in `PAPERS` of the first paper that a source names, or `OURS`."""
    named = {source.find(name): name for name in PAPERS if name in source}
    return named[min(named)] if named else OURS


def of_papers(lines: Iterable[Line]) -> list[Line]:
    """Those that some paper claims; what the book claims by itself is on a list of its own."""
    return [line for line in lines if paper_of(line.source) != OURS]


def title_of(source: str) -> str:
    """The title of the paper that a source names."""
    return PAPERS.get(paper_of(source), "This book's own")


def place_in_papers(source: str) -> tuple[int, int, float]:
    """Where a source stands: the paper, then abstract, figures, appendix and tables, by number."""
    paper = [*PAPERS, OURS].index(paper_of(source))
    if "abstract" in source:
        return paper, 0, 0.0
    if found := re.search(r"Fig(?:ure|s)?\.?s? (?:([A-Z])\.)?(\d+)", source):
        return paper, 2 if found[1] else 1, float(found[2]) + (100 * (ord(found[1]) - 64) if found[1] else 0)
    return (paper, 3, 0.0) if "Table" in source or paper_of(source) == OURS else (paper, 0, 0.0)


def together(statements: Sequence[str]) -> str:
    """One sentence for several that differ in some words: both of two, 'each family' for families, else an ellipsis."""
    words = [statement.split() for statement in statements]
    if len({len(own) for own in words}) > 1:
        return statements[0]
    runs = groupby(zip(*words), key=lambda own: len(set(own)) == 1)
    return " ".join(_one_of(list(run)) for _, run in runs)


def _one_of(run: Sequence[Sequence[str]]) -> str:
    phrases = list(dict.fromkeys(map(" ".join, zip(*run))))
    end = re.search(r"[.:,]?$", phrases[0])[0]
    if len(phrases) <= 2:
        return " / ".join(phrase.removesuffix(end) for phrase in phrases) + end
    for kind, name in (("family", r"(cnn|resnet)-"), ("architecture", r"(ResNet|plain)-")):
        if all(re.match(name, phrase) for phrase in phrases):
            return f"each {kind}{end}"
    return "…"


def totals(rows: Sequence[Line], column: str) -> dict[str, int]:
    """Verdict -> how many lines have it on a data set, all verdicts in their order."""
    counted = Counter(line.cells[column].verdict for line in rows if column in line.cells)
    return {verdict: counted[verdict] for verdict in MARKS}
