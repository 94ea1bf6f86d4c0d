"""Write what pages include: `make book` runs this when the chapters are executed.

Into book/chapters/: MADE, and the cards' pictures in forest/.  The chapters' claims are those of results/book/, from this
machine; a study's are those committed with its pages.
"""

import json
from functools import partial
from itertools import groupby
from pathlib import Path

import evidence
import studies
from changed import write_changed
from chapters import PAGES, ROOT
from evidence import executed_studies
from plain_markdown import pipe_table

MADE = (
    "what_holds.html",
    "details.html",
    "machinery.html",
    "cards_table.md",
    "front_table.md",
    "chapters_table.md",
    "agreement_table.md",
    "studies_table.md",
    "everything_table.md",
    "report_table.md",
    "differences.json",
)


def write_tables() -> None:
    """All of them, if anything that they are made from is newer; a file that stays the same is not touched.

    Ends the program with a sentence where a chapter's claims are missing or faulty.
    """
    executed = executed_studies()
    if up_to_date(executed):
        return
    for name, content in rendered_tables(executed).items():
        write_changed(PAGES / name, content.encode())


def up_to_date(executed: dict[str, dict]) -> bool:
    """Whether every file is newer than all that it is made from."""
    made = [PAGES / name for name in MADE]
    claims = [
        ROOT / "results" / study.results / f"{name}.json"
        for study, names in evidence.folders(executed).items()
        for name in names
    ]
    here = Path(__file__).parent
    sources = [
        ROOT / "_toc.yml",
        studies.TABLE,
        *here.glob("*.py"),
        *here.glob("templates/*"),
        *here.glob("*.toml"),
        *claims,
    ]
    return all(page.exists() for page in made) and all(
        path.exists() and path.stat().st_mtime < page.stat().st_mtime for path in sources for page in made
    )


def rendered_tables(executed: dict[str, dict]) -> dict[str, str]:
    """File name -> content."""
    import cards  # with torch, which takes seconds: a book that is up to date does without
    import claims_page
    import differences
    import everything
    import front
    import ledger
    import report
    import what_holds
    from lib.verdicts import DETAIL, MACHINERY
    from verdict_html import rendered

    found = evidence.read_all(executed)
    history = partial(ledger.history, known=ledger.entries())
    lines = what_holds.lines(found)
    cards.draw_forests(lines, PAGES / "forest")
    papers = [(paper, list(own)) for paper, own in groupby(lines, lambda line: what_holds.title_of(line.source))]
    columns = [column for column in evidence.ORDER if any(column in line.cells for line in lines)]
    content = (
        rendered("what_holds.html", papers=papers, columns=columns),
        claims_page.details(found, DETAIL, history),
        claims_page.details(found, MACHINERY, history),
        cards.cards(lines, history),
        front.front(lines),
        claims_page.by_chapter(found),
        claims_page.agreement(found),
        studies_table(executed),
        everything.everything(executed),
        report.report(lines),
        json.dumps(differences.differences(found)),
    )
    return dict(zip(MADE, content, strict=True))


def studies_table(executed: dict[str, dict]) -> str:
    """What each executed study is, from the results of its first chapter, which trains the networks of most others."""

    rows = []
    for name, study in executed.items():
        found = evidence.written(name, next(iter(study["chapters"])))
        given, used = found["parameters"], found["provenance"]
        images = [f"{entry['train']} + {entry['test']}" for entries in used["data"].values() for entry in entries]
        rows.append(
            [
                study["title"],
                given["dataset"].rpartition("/")[2],
                " and ".join(images),
                sizes(given),
                networks(given["seeds"]),
                given["epochs"],
                f"{used['training_hours']:.1f}",
                ", ".join(
                    f"{{doc}}`{chapter.split('_')[0].lstrip('0')} </book/studies/{name}/{chapter}>`"
                    for chapter in study["chapters"]
                ),
            ]
        )
    return pipe_table(
        [
            "study",
            "data set",
            "training + test images",
            "sizes",
            "networks of each",
            "epochs",
            "hours of training them",
            "chapters",
        ],
        rows,
    )


def sizes(given: dict) -> str:
    """The widths of a study, of each family where they differ, and the depths where it has them."""
    if isinstance(given["widths"], dict):
        return "; ".join(f"{family}: k = {', '.join(map(str, own))}" for family, own in given["widths"].items())
    widths = ", ".join(map(str, given["widths"]))
    if "depths" not in given:
        return f"k = {widths}"
    return f"depth {', '.join(map(str, given['depths']))}; at depth {given['wide_depth']} widths {widths}"


def networks(seeds: int | dict[str, int]) -> str:
    """How many networks of each size, of each family where they differ."""
    return str(seeds) if isinstance(seeds, int) else ", ".join(f"{family}: {count}" for family, count in seeds.items())


if __name__ == "__main__":
    write_tables()
