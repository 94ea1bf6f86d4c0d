"""What the pages about verdicts rest on: the claims of the book and of the executed studies, behind their gates."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import chapters
import pages
import studies
from chapters import ROOT

COLUMNS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet": "Tiny ImageNet", "digits": "Digits"}
AUTHORS = "authors' networks"
ORDER = (*COLUMNS.values(), AUTHORS)  # of the columns of all tables
RELEASED = ("10-", "21-authors-")  # how the names of claims about networks that the authors trained begin


@dataclass(frozen=True)
class Study:
    """One run of chapters: its title, the folder of its executed pages seen from the book's root, and that of its numbers.

    data: a name in `COLUMNS`.
    """

    title: str
    pages: str
    results: str
    data: str


Found = Mapping[Study, Mapping[str, Sequence]]  # study -> chapter -> claims


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


def folders(executed: Mapping[str, dict]) -> dict[Study, list[str]]:
    """Every study with its chapters, the book itself first."""
    book = Study("Digits", "/book/chapters", "book", "digits")
    return {book: chapters.chapter_names()} | {
        Study(study["title"], f"/book/studies/{name}", name, data_of(study["dataset"])): list(study["chapters"])
        for name, study in executed.items()
    }


def written(study: str, chapter: str) -> dict:
    """What a chapter wrote: its claims, numbers, parameters and what they rest on; study: a folder of results/."""
    return json.loads((ROOT / "results" / study / f"{chapter}.json").read_text())


def data_of(dataset: str) -> str:
    """'cifar10-16' -> 'cifar10', 'tiny-imagenet:FILE' -> 'tiny-imagenet': the data set whatever its resolution and place."""
    return re.sub(r"-\d+$", "", dataset.partition(":")[0])


def read_all(executed: Mapping[str, dict]) -> Found:
    """Study -> chapter -> claims, the book itself first; those of older results as the book has them, behind their gates.

    Ends the program with a sentence where a chapter's claims are missing or faulty.
    """
    from earlier_gates import gated  # with torch, which takes seconds: a book that is up to date does without
    from lib import results

    check_sealed(executed)
    found, known = {}, {}
    try:
        for study, names in folders(executed).items():
            folder = ROOT / "results" / study.results
            by_chapter = results.read(folder, names)
            known = known or {claim.name: claim for claims in by_chapter.values() for claim in claims}
            found[study] = {
                chapter: gated([_described(claim, known) for claim in claims], chapter, folder, study.data)
                for chapter, claims in by_chapter.items()
            }
    except (ValueError, OSError, KeyError) as error:
        sys.exit(f"the pages of claims cannot be made: {error}")
    return found


def check_sealed(executed: Mapping[str, dict]) -> None:
    """End with a sentence where numbers of a study are not those that its page was sealed with."""
    for name, study in executed.items():
        for chapter in study["chapters"]:
            page = pages.read(studies.PAGES / name / f"{chapter}.ipynb")
            kept = ROOT / "results" / name / f"{chapter}.json"
            if kept.is_file() and not (page and pages.intact(page, kept)):
                sys.exit(
                    f"results/{name}/{chapter}.json and its page in book/studies/ were not made together: restore both "
                    f"with git checkout, or execute them again with make study STUDY={name}"
                )


def _described(claim, known: Mapping):
    """A claim of results that do not say its row: of the row, level, source and formula that the book has."""
    if claim.row or claim.name not in known:
        return claim
    own = known[claim.name]
    return replace(claim, row=own.row, level=own.level, source=own.source, formula=own.formula)


def columns(found: Found) -> Iterator[tuple[str, Study, str, object]]:
    """Every claim with the column of its data set, its study and its chapter."""
    for study, by_chapter in found.items():
        for chapter, claims in by_chapter.items():
            for claim in claims:
                column = AUTHORS if claim.name.startswith(RELEASED) else COLUMNS[study.data]
                yield column, study, chapter, claim
