"""Execute the chapters: `make book` runs this before it builds the pages, `make notebooks` with --commit.

A chapter's source is notebooks/NN_title.py.  It is executed under papermill into a file of another name, which takes
the page's place only when every cell ran and the chapter wrote its results.  The page remembers a digest of its code and of the
modules of lib/ that it reaches, its parameters and the pinned versions, and digests of its outputs and results (`pages`);
where all of them hold it is not executed: its prose, comments and tags become those of the source.

The book's pages write to results/book/.  With --commit the chapters run with their default parameters, and what they
write to results/mine/ is copied to results/digits/, the numbers that the project keeps.  Results come before their page:
a kill between them leaves a page that does not know its results, and is executed again.

A chapter may need data from beside the checkout (NEEDS).  Where that is missing, its committed outputs stand.
"""

import argparse
import base64
import hashlib
import json
import logging
import os
import re
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs

import closure
import pages
from changed import write_changed
from lib import execution
from lib.runtime.files import set_aside, write_whole
from order import in_turn

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, PAGES = ROOT / "notebooks", ROOT / "book" / "chapters"
PARSING = Lock()  # Python 3.11 mixes up the depths of trees that two threads parse: python/cpython issue 106905
PICTURES = {"main-result": "main_result.png", "figure-12": "figure_12.png"}  # what is glued -> the file
# chapter -> what it reads from beside the checkout, which a clone elsewhere lacks; seen from the root
NEEDS = {"10_released_models": ("../shared/data/authors_checkpoints", "../shared/data/cifar10.zip")}


def chapter_names() -> list[str]:
    """The chapters of the table of contents, in its order."""
    files = re.findall(r"file:\s*book/chapters/(\S+)", (ROOT / "_toc.yml").read_text())
    if missing := [name for name in files if not (NOTEBOOKS / f"{name}.py").exists()]:
        sys.exit(f"_toc.yml names chapters without a source in notebooks/: {', '.join(missing)}")
    return files


def digest(name: str, parameters: dict) -> str:
    """sha256 over all that decides a chapter's outputs, except the machine."""
    sha = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    with PARSING:
        sha.update(closure.digest(NOTEBOOKS / f"{name}.py", ROOT).encode())
    released = (ROOT / "networks").glob(f"{parameters.get('study')}.sha256")  # what a study is computed from
    for content in ["\n".join(pins()).encode(), *(path.read_bytes() for path in released)]:
        sha.update(f"{len(content)}\n".encode() + content)
    return sha.hexdigest()


def pins() -> list[str]:
    """The pinned versions of what lib and the chapters run with; those of tests and of packages beneath do not count."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", line)[0] for line in needed}
    return [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.split("==")[0] in names]


def missing(name: str) -> list[str]:
    """What a chapter needs (NEEDS) and this machine does not have."""
    return [path for path in NEEDS.get(name, ()) if not (ROOT / path).exists()]


def results(name: str, parameters: dict) -> Path:
    """The file of numbers and verdicts that belong to a chapter with these parameters."""
    return ROOT / "results" / parameters.get("study", "digits") / f"{name}.json"


def paired_notebook(name: str) -> nbformat.NotebookNode:
    """The source as a notebook without outputs, with the cell ids of the committed one."""
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    if committed := pages.read(NOTEBOOKS / f"{name}.ipynb"):
        notebook = combine_inputs_with_outputs(notebook, committed, fmt={"extension": ".py"})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def execute(name: str, parameters: dict, page: Path) -> None:
    """Run one chapter; `page` and the results that are kept change only if every cell succeeded, the results first."""
    written, kept = results(name, {"study": "mine"} | parameters), results(name, parameters)
    for path in {written, kept}:
        if path.is_dir():
            set_aside(path)
            print(f"{path.relative_to(ROOT)} is a folder; it is set aside as *.damaged")
    start = time.time_ns()
    try:
        notebook = pages.clean(execution.executed(name, paired_notebook(name), parameters, NOTEBOOKS))
    except execution.Failed as error:
        sys.exit(f"\n{error}\nThe book is not built; what was trained is kept.")
    if not written.exists() or written.stat().st_mtime_ns < start:
        sys.exit(f"chapter {name} cannot go into the book: it wrote no {written.relative_to(ROOT)}")
    if faults := pages.incomplete(notebook, ROOT):
        sys.exit(f"chapter {name} cannot go into the book: {'; '.join(faults)}")
    if written != kept:
        write_whole(kept, written.read_text().replace('"study": "mine"', '"study": "digits"').encode())
    notebook.metadata["book"] = {"digest": digest(name, parameters)}
    pages.seal(notebook, kept)
    pages.write(notebook, page)


def keep_committed(name: str, absent: list[str], page: Path) -> None:
    """Without executing it, make a page and its results of the committed ones, and say so; only changes are written."""
    committed, kept = NOTEBOOKS / f"{name}.ipynb", results(name, {})
    reason = f"for lack of {' and '.join(absent)} (seen from the root of the checkout)"
    if not (notebook := pages.read(committed)) or not kept.is_file():
        sys.exit(f"chapter {name} cannot be executed {reason}, and no outputs of it are committed")
    print(f"chapter {name}: not executed {reason}; the committed outputs stand")
    if page == committed:
        return
    note = (
        f"```{{warning}}\nThese outputs are the project's own, not of this machine: here the chapter was not executed, "
        f"{reason}. Once the data is there, `make book` executes it.\n```"
    )
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(note, id="committed-outputs"))
    found = kept.read_text().replace('"study": "digits"', '"study": "book"')
    for path, content in ((page, nbformat.writes(notebook) + "\n"), (results(name, {"study": "book"}), found)):
        if path.is_dir():
            set_aside(path)
        write_changed(path, content.encode())


def extract_pictures(page: Path, folder: Path, pictures: Mapping[str, str] = PICTURES) -> None:
    """Save what a chapter glued, for the first page of the book and the README; `pictures`: name -> file."""
    for cell in nbformat.read(page, 4).cells:
        for output in cell.get("outputs", []):
            if name := pictures.get(output.get("metadata", {}).get("scrapbook", {}).get("name")):
                content = base64.b64decode(output.data["application/papermill.record/image/png"])
                write_changed(folder / name, content)


def is_current(name: str, parameters: dict, page: Path) -> bool:
    """Whether the page and its results were made, completely and together, from what is there now."""
    kept = results(name, parameters)
    if not (notebook := pages.read(page)) or not kept.is_file():
        return False
    if notebook.metadata.get("book", {}).get("digest") != digest(name, parameters) or pages.incomplete(notebook, ROOT):
        return False
    if not pages.intact(notebook, kept):
        print(
            f"chapter {name}: {page.relative_to(ROOT)} and {kept.relative_to(ROOT)} are not what was executed together"
        )
        return False
    return True


def refresh(name: str, parameters: dict, in_place: bool) -> None:
    """Bring the page of one chapter up to date, if it is not."""
    page = (NOTEBOOKS if in_place else PAGES) / f"{name}.ipynb"
    if is_current(name, parameters, page):
        pages.merge_prose(NOTEBOOKS / f"{name}.py", page, results(name, parameters))
        print(f"chapter {name}: up to date")
    elif absent := missing(name):
        keep_committed(name, absent, page)
    else:
        print(f"chapter {name}: executing", flush=True)
        start = time.monotonic()
        execute(name, parameters, page)
        print(f"chapter {name}: executed in {time.monotonic() - start:.0f} s", flush=True)
    if in_place:
        extract_pictures(page, ROOT / "book", {"main-result": PICTURES["main-result"]})  # all that the README shows
    else:
        extract_pictures(page, PAGES)


def refresh_all(names: list[str], parameters: dict, in_place: bool) -> None:
    """Several chapters at once, because a kernel alone does not keep two cores busy."""
    cores = os.cpu_count() or 1
    at_once = min(cores, 4)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores // at_once))  # for the kernels: threads that wait burn time
    in_turn(names, lambda name: refresh(name, parameters, in_place), at_once)


def main() -> None:
    parser = argparse.ArgumentParser(description="Execute the chapters of the book.")
    parser.add_argument("--commit", action="store_true", help="refresh notebooks/*.ipynb instead of the book's pages")
    in_place = parser.parse_args().commit
    logging.getLogger("papermill").setLevel(logging.ERROR)
    refresh_all(chapter_names(), {} if in_place else {"study": "book"}, in_place)


if __name__ == "__main__":
    main()
