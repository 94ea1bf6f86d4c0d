"""Write the tables that pages include: `make book` runs this when the chapters are executed.

book/chapters/claims_table.md holds all claims of the book and of the studies, agreement_table.md where the studies agree,
studies_table.md what the studies are.  The chapters' claims are those of results/book/, from this machine; a study's
are those committed with its pages.
"""

import json
import sys
from pathlib import Path

import chapters
import pages
import studies
from chapters import PAGES, ROOT

FIRST = "Digits"  # the data set of the chapters themselves


def write_tables() -> None:
    """The three tables, if anything that they are made from is newer; a table that stays the same is not touched.

    Ends the program with a sentence where a chapter's claims are missing or faulty.
    """
    executed = executed_studies()
    folders = {"book": chapters.chapter_names()} | {name: study["chapters"] for name, study in executed.items()}
    files = [ROOT / "results" / folder / f"{name}.json" for folder, names in folders.items() for name in names]
    made = [PAGES / f"{name}_table.md" for name in ("claims", "agreement", "studies")]
    sources = [ROOT / "_toc.yml", studies.TABLE, Path(__file__), *files]
    if all(page.exists() for page in made) and all(
        path.exists() and path.stat().st_mtime < page.stat().st_mtime for path in sources for page in made
    ):
        return
    import claims_page  # with torch, which takes seconds: a book that is up to date does without
    from lib.runtime.files import write_whole

    found = read_all(folders, executed)
    for page, content in zip(
        made, (claims_page.overview(found), claims_page.agreement(found), studies_table(executed))
    ):
        if not page.exists() or page.read_text() != content:  # or the pages would be built again
            write_whole(page, content.encode())


def executed_studies() -> dict[str, dict]:
    """The studies whose executed chapters the project keeps, each with the chapters that are there."""
    found = {}
    for name, study in studies.read_table().items():
        there = {
            chapter: own
            for chapter, own in study["chapters"].items()
            if (studies.PAGES / name / f"{chapter}.ipynb").exists()
        }
        if there:
            found[name] = study | {"chapters": there}
    return found


def read_all(folders: dict[str, list[str]], executed: dict[str, dict]) -> dict:
    """Study -> chapter -> claims, the book itself first."""
    from claims_page import Study
    from lib import results

    for name, study in executed.items():
        for chapter in study["chapters"]:
            page = pages.read(studies.PAGES / name / f"{chapter}.ipynb")
            kept = ROOT / "results" / name / f"{chapter}.json"
            if kept.is_file() and not (page and pages.intact(page, kept)):
                sys.exit(
                    f"results/{name}/{chapter}.json and its page in book/studies/ were not made together: restore both "
                    f"with git checkout, or execute them again with make study STUDY={name}"
                )
    titles = {"book": Study(FIRST, "/book/chapters")} | {
        name: Study(study["title"], f"/book/studies/{name}") for name, study in executed.items()
    }
    try:
        return {titles[folder]: results.read(ROOT / "results" / folder, names) for folder, names in folders.items()}
    except ValueError as error:
        sys.exit(f"the page of claims cannot be made: {error}")


def studies_table(executed: dict[str, dict]) -> str:
    """What each executed study is, from the results of its first chapter, which trains the networks of most others."""
    from claims_page import pipe_table

    rows = []
    for name, study in executed.items():
        first = next(iter(study["chapters"]))
        found = json.loads((ROOT / "results" / name / f"{first}.json").read_text())
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
