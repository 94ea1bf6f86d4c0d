"""Execute a study: the chapters with other data and parameters, as book/studies.toml has them.

`make study STUDY=name` trains what is missing and goes on where it stopped.  The executed chapters go to
book/studies/<study>/ and their numbers to results/<study>/; both are committed, because no `make book` repeats them.
A page tells what it was made from, by what, and how long it took.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import time
import tomllib

import nbformat

import chapters
import pages
from chapters import ROOT
from lib.run import defaults
from lib.runtime.checks import did_you_mean
from order import in_turn
from plain_markdown import TEMPLATES, filled

TABLE = ROOT / "book" / "studies.toml"
PAGES = ROOT / "book" / "studies"
FIELDS = {"title", "dataset", "nearby", "parameters", "chapters", "training", "committed"}
LINK = re.compile(r"\{doc\}`(?:[^`<]*<)?(\w+)>?`")


def read_table() -> dict[str, dict]:
    """The studies by name, checked against the chapters and their parameters.

    Ends the program with a sentence: a study with an unknown field or chapter, or a parameter that no chapter has.
    """
    studies = tomllib.loads(TABLE.read_text())
    for name, study in studies.items():
        _check_known(f"study {name}", study, FIELDS)
        _check_known(f"study {name}", study["chapters"], chapters.chapter_names())
        every = {word for chapter in chapters.chapter_names() for word in parameters_of(chapter)}
        _check_known(f"study {name}", study["parameters"], every)
        for chapter, parameters in study["chapters"].items():
            _check_known(f"study {name}, chapter {chapter}", parameters, parameters_of(chapter))
    return studies


def check_study(name: str, studies: dict, target: str) -> None:
    """End the program with a sentence where there is no such study; `target` is the one of the Makefile."""
    if name not in studies:
        sys.exit(
            f"there is no study {name or '(STUDY is empty)'}; the studies are {', '.join(studies)}: "
            f"make {target} STUDY=NAME"
        )


def _check_known(where: str, found: dict, allowed) -> None:
    for word in found:
        if word not in allowed:
            sys.exit(
                f"{where} in {TABLE.name}: there is no {word}; {did_you_mean(word, allowed)}known are {', '.join(sorted(allowed))}"
            )


def parameters_of(chapter: str) -> dict[str, object]:
    """The parameters of a chapter with their defaults."""
    return defaults(chapters.NOTEBOOKS / f"{chapter}.py")


def parameters(name: str, study: dict, chapter: str) -> dict[str, object]:
    """What papermill is given: of the study's parameters those that the chapter has, and its own."""
    nearby = study.get("nearby", "")
    path = ROOT / nearby.partition(":")[2]
    common = {"study": name, "dataset": nearby if nearby and path.exists() else study["dataset"], **study["parameters"]}
    known = parameters_of(chapter)
    return {key: value for key, value in common.items() if key in known} | study["chapters"][chapter]


def run(name: str, study: dict) -> None:
    """Execute every chapter of the study that is not up to date; each after those that train its networks."""
    check_images(name, study)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the kernels: threads that wait burn time
    in_turn(list(study["chapters"]), lambda chapter: refresh(name, study, chapter), at_once=2)


def check_images(name: str, study: dict) -> None:
    """End with a sentence where a chapter's images cannot be had, before anything is trained."""
    from lib import data  # with torch, which takes seconds: a misspelt study is told at once

    for chapter in study["chapters"]:
        found = parameters(name, study, chapter)
        try:
            data.load(found["dataset"], n_train=found.get("n_train"), n_test=found.get("n_test"))
        except ValueError as error:
            sys.exit(f"study {name}, chapter {chapter}: {error}")


def refresh(name: str, study: dict, chapter: str) -> None:
    """Bring the page of one chapter up to date, if it is not."""
    page, given = PAGES / name / f"{chapter}.ipynb", parameters(name, study, chapter)
    results = chapters.results(chapter, given)
    if chapters.is_current(chapter, given, page):
        pages.merge_prose(
            chapters.NOTEBOOKS / f"{chapter}.py",
            page,
            results,
            lambda merged, executed: adapt(merged, study, facts_of(executed)),
        )
        print(f"{name}, chapter {chapter}: up to date")
        return
    print(f"{name}, chapter {chapter}: executing", flush=True)
    code, start = revision(), time.monotonic()
    executed = page.with_suffix(".executed")
    chapters.execute(chapter, given, executed)
    hours = (time.monotonic() - start) / 3600
    notebook = pages.read(executed)
    adapt(notebook, study, provenance(json.loads(results.read_text()), given, hours, code))
    pages.seal(notebook, results)
    pages.write(notebook, page)
    chapters.extract_pictures(page, page.parent)
    executed.unlink()


def adapt(notebook: nbformat.NotebookNode, study: dict, facts: str) -> None:
    """The study's name in the title, what the numbers rest on below it, links to pages that the study has."""

    def target(match: re.Match) -> str:
        return match[0] if match[1] in study["chapters"] else match[0].replace(match[1], f"/book/chapters/{match[1]}")

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(target, cell.source)
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}: {study['title']}\n{rest}"
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(facts, id="provenance"))


def facts_of(notebook: nbformat.NotebookNode) -> str:
    """What an executed page says that it rests on."""
    return next(cell.source for cell in notebook.cells if cell.get("id") == "provenance")


def provenance(found: dict, given: dict, hours: float, code: str) -> str:
    """Markdown: what a page rests on."""
    used = found["provenance"]
    devices = [{"cpu": "core", "cuda": "GPU"}[device] for device in used["devices"]] if used["networks"] else []
    words = {
        "used": used,
        "devices": devices,
        "versions": found["versions"],
        "given": given,
        "hours": hours,
        "code": code,
    }
    return filled((TEMPLATES / "provenance.md").read_text(), words | {"json": json.dumps})


def revision() -> str:
    """The commit of the program, with a word where it was changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "lib", "notebooks/*.py")
        return git("rev-parse", "--short=12", "HEAD") + " with changes" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description="Execute the chapters of a study.")
    parser.add_argument("study", help="a name in book/studies.toml")
    name, studies = parser.parse_args().study, read_table()
    check_study(name, studies, "study")
    logging.getLogger("papermill").setLevel(logging.ERROR)
    run(name, studies[name])


if __name__ == "__main__":
    main()
