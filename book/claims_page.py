"""The page of all claims in MyST Markdown: each claim once, with a column for each study that looked at it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lib.results import short
from lib.rules import CONTRADICTED, MARKS, SUPPORTED
from lib.verdicts import Claim


@dataclass(frozen=True)
class Study:
    """One run of the chapters: its title, and the folder of its executed pages as seen from the book's root."""

    title: str
    pages: str


# study -> chapter -> claims
Found = Mapping[Study, Mapping[str, Sequence[Claim]]]


def overview(found: Found) -> str:
    """Two tables: how many verdicts each chapter has, and every claim once; a column for each study."""
    chapters = list(dict.fromkeys(chapter for by_chapter in found.values() for chapter in by_chapter))
    counts = [
        [chapter_link(found, chapter), *(_counts(by_chapter.get(chapter)) for by_chapter in found.values())]
        for chapter in chapters
    ]
    counts.append(["all", *(_counts(sum(map(list, by_chapter.values()), [])) for by_chapter in found.values())])
    rows = [_row(name, by_study, found) for name, by_study in _by_name(found).items()]
    titles = [_escaped(study.title) for study in found]
    return pipe_table(["chapter", *titles], counts) + "\n" + pipe_table(["claim", "statistic", "rule", *titles], rows)


def agreement(found: Found) -> str:
    """Two tables about the first study and each other one: how often they come to which verdicts on the claims that
    both look at, and the claims that one supports and another contradicts."""
    first, *others = found
    by_name = _by_name(found)
    rows = []
    for other in others:
        pairs = Counter(
            (claims[first].verdict, claims[other].verdict)
            for claims in by_name.values()
            if first in claims and other in claims
        )
        rows.append(
            [
                _escaped(other.title),
                sum(pairs.values()),
                sum(pairs[verdict, verdict] for verdict in MARKS),
                sum(count for pair, count in pairs.items() if set(pair) == {SUPPORTED, CONTRADICTED}),
            ]
        )
    turned = [
        _row(name, claims, found)
        for name, claims in by_name.items()
        if {SUPPORTED, CONTRADICTED} <= {claim.verdict for claim in claims.values()}
    ]
    titles = [_escaped(study.title) for study in found]
    return (
        pipe_table(["study", f"claims shared with {_escaped(first.title)}", "same verdict", "turned round"], rows)
        + "\n"
        + (
            pipe_table(["claim", "statistic", "rule", *titles], turned)
            if turned
            else "No claim is supported in one study and contradicted in another.\n"
        )
    )


def chapter_link(found: Found, chapter: str) -> str:
    """A link to the chapter in the first study that has it."""
    study = next(study for study, by_chapter in found.items() if chapter in by_chapter)
    return f"{{doc}}`{study.pages}/{chapter}`"


def pipe_table(header: list[str], rows: list[list]) -> str:
    """A Markdown table; cells are Markdown without line breaks."""
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in [header, ["---"] * len(header), *rows])


def _by_name(found: Found) -> dict[str, dict[Study, Claim]]:
    """Claims by name, in the order of the chapters of the first study that has them."""
    by_name: dict[str, dict[Study, Claim]] = {}
    for study, by_chapter in found.items():
        for claim in sum(map(list, by_chapter.values()), []):
            by_name.setdefault(claim.name, {})[study] = claim
    return by_name


def _counts(claims: Sequence[Claim] | None) -> str:
    if claims is None:
        return "–"
    verdicts = [claim.verdict for claim in claims]
    return ", ".join(f"{mark}\N{NO-BREAK SPACE}{verdicts.count(verdict)}" for verdict, mark in MARKS.items())


def _row(name: str, by_study: Mapping[Study, Claim], found: Found) -> list[str]:
    claim = next(iter(by_study.values()))
    cells = [
        _cell(by_study[study], _chapter(study, name, found), study) if study in by_study else "–" for study in found
    ]
    return [
        f"{_escaped(claim.statement)}<br><small><code>{_escaped(name)}</code></small>",
        _escaped(claim.statistic),
        _escaped(claim.rule),
        *cells,
    ]


def _chapter(study: Study, name: str, found: Found) -> str:
    return next(chapter for chapter, claims in found[study].items() if any(claim.name == name for claim in claims))


def _cell(claim: Claim, chapter: str, study: Study) -> str:
    estimate, low, high = (short(value).replace("-", "−") for value in (claim.estimate, claim.low, claim.high))
    counted = ", ".join(
        f"{count} {what}" for count, what in ((claim.networks, "networks"), (claim.images, "images")) if count
    )
    lines = [
        f"{{doc}}`{MARKS[claim.verdict]}\N{NO-BREAK SPACE}{claim.verdict} <{study.pages}/{chapter}>`",
        f"{estimate}<br>[{low}, {high}]".replace(" ", "\N{NO-BREAK SPACE}"),
        f"<small>{counted}</small>" if counted else "",
    ]
    return "<br>".join(filter(None, lines))


def _escaped(text: str) -> str:
    """Plain text for a cell of Markdown: one line, every sign that could mean something behind a backslash."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
