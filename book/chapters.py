"""Execute the chapters: `make book` runs this before it builds the pages, `make notebooks` with --commit.

A chapter's source is notebooks/NN_title.py.  It is executed under papermill into a file of another name, which takes
the page's place only when every cell ran and the chapter wrote its results.  The page remembers a digest of its code and of the
modules of lib/ that it reaches, its parameters and the pinned versions; a page with the same digest is not executed: its
prose, comments and tags become those of the source.

The book's pages write to results/book/.  With --commit the chapters run with their default parameters, and what they
write to results/mine/ is copied to results/digits/, the numbers that the project keeps.

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
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import jupytext
import nbformat
import papermill
from jupytext.combine import combine_inputs_with_outputs
from papermill.exceptions import PapermillExecutionError

import closure

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, PAGES = ROOT / "notebooks", ROOT / "book" / "chapters"
# chapter -> what it reads from beside the checkout, which a clone elsewhere lacks; seen from the root
NEEDS = {"10_released_models": ("../shared/data/authors_checkpoints", "../shared/data/cifar10.zip")}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# chapter -> those that store networks or directions which it loads: it begins after them, so that nothing is computed twice
DIRECTIONS, DEPTHS = ("02_populations", "03_individual_similarity"), ("11_block_structure",)
LOADS = {
    **dict.fromkeys(
        ("03_individual_similarity", "07_black_box_attack", "08_batch_size", "16_stitching"), ("02_populations",)
    ),
    **dict.fromkeys(
        (
            "04_hypotheses",
            "05_saw_distribution",
            "06_deep_ensembles",
            "09_vision_transformer",
            "A1_open_choices",
            "A2_scale",
        ),
        DIRECTIONS,
    ),
    **dict.fromkeys(("12_first_component", "13_probes_and_deletion", "14_across_networks", "15_predictions"), DEPTHS),
    "17_out_of_distribution": ("02_populations",),
    "18_three_views": DIRECTIONS,
    "own_models": (*DIRECTIONS, "09_vision_transformer"),
}
# About how many seconds of a core a chapter takes from nothing; all others take OTHERS.
SECONDS = {
    "02_populations": 550,
    "11_block_structure": 200,
    "16_stitching": 280,
    "09_vision_transformer": 170,
    "04_hypotheses": 85,
    "08_batch_size": 65,
    "15_predictions": 60,
    "17_out_of_distribution": 60,
    "A1_open_choices": 60,
    "07_black_box_attack": 55,
    "13_probes_and_deletion": 40,
    "12_first_component": 35,
    "05_saw_distribution": 30,
}
OTHERS = 15
BAR = re.compile(r"[^\r\n]*\d+%\|[^\r\n]*|\r")


def chapter_names() -> list[str]:
    """The chapters of the table of contents, in its order."""
    files = re.findall(r"file:\s*book/chapters/(\S+)", (ROOT / "_toc.yml").read_text())
    if missing := [name for name in files if not (NOTEBOOKS / f"{name}.py").exists()]:
        sys.exit(f"_toc.yml names chapters without a source in notebooks/: {', '.join(missing)}")
    return files


def digest(name: str, parameters: dict) -> str:
    """sha256 over all that decides a chapter's outputs, except the machine."""
    sha = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
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
    """The file of numbers and verdicts that a chapter writes."""
    return ROOT / "results" / parameters.get("study", "mine") / f"{name}.json"


def paired_notebook(name: str) -> nbformat.NotebookNode:
    """The source as a notebook without outputs, with the cell ids of the committed one."""
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    committed = NOTEBOOKS / f"{name}.ipynb"
    if committed.exists():
        notebook = combine_inputs_with_outputs(notebook, nbformat.read(committed, 4), fmt={"extension": ".py"})
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


class Labelled:
    """Standard error for the progress bars of one of several chapters: each begins with the chapter's number."""

    def __init__(self, label: str):
        self.label = label

    def write(self, text: str) -> None:
        sys.stderr.write(re.sub(r"\r(?=\S)", f"\r{self.label} ", text))  # not where a bar is wiped out

    def flush(self) -> None:
        sys.stderr.flush()


def execute(name: str, parameters: dict, page: Path) -> None:
    """Run one chapter; `page` changes only if every cell succeeded."""
    page.parent.mkdir(parents=True, exist_ok=True)
    start = time.time_ns()
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "source.ipynb", Path(folder) / "result.ipynb"
        nbformat.write(paired_notebook(name), source)
        try:
            papermill.execute_notebook(
                source,
                result,
                parameters,
                kernel_name="python3",
                cwd=NOTEBOOKS,
                progress_bar=False,
                record_timing=False,
                stderr_file=Labelled(name.split("_")[0]),
            )
        except PapermillExecutionError as error:
            sys.exit(
                f"\nchapter {name} failed in cell {error.exec_count}: {error.ename}: {error.evalue}\n"
                "The book is not built; what was trained is kept."
            )
        notebook = clean(nbformat.read(result, 4))
    if not (written := results(name, parameters)).exists() or written.stat().st_mtime_ns < start:
        sys.exit(f"chapter {name} cannot go into the book: it wrote no {written.relative_to(ROOT)}")
    notebook.metadata["book"] = {"digest": digest(name, parameters)}
    if faults := incomplete(notebook):
        sys.exit(f"chapter {name} cannot go into the book: {'; '.join(faults)}")
    write_page(notebook, page)


def keep_committed(name: str, absent: list[str], page: Path) -> None:
    """Without executing it, make a page and its results of the committed ones, and say so; only changes are written."""
    committed, kept = NOTEBOOKS / f"{name}.ipynb", ROOT / "results" / "digits" / f"{name}.json"
    reason = f"for lack of {' and '.join(absent)} (seen from the root of the checkout)"
    if not committed.exists() or not kept.exists():
        sys.exit(f"chapter {name} cannot be executed {reason}, and no outputs of it are committed")
    print(f"chapter {name}: not executed {reason}; the committed outputs stand")
    if page == committed:
        return
    notebook = nbformat.read(committed, 4)
    note = (
        f"```{{warning}}\nThese outputs are the project's own, not of this machine: here the chapter was not executed, "
        f"{reason}. Once the data is there, `make book` executes it.\n```"
    )
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(note, id="committed-outputs"))
    found = kept.read_text().replace('"study": "digits"', '"study": "book"')
    for path, content in ((page, nbformat.writes(notebook) + "\n"), (results(name, {"study": "book"}), found)):
        if not path.exists() or path.read_text() != content:  # or the pages would be built again
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def extract_main_result(page: Path, picture: Path) -> None:
    """Save the picture that a chapter glued as 'main-result', for the first page of the book and the README."""
    for cell in nbformat.read(page, 4).cells:
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == "main-result":
                content = base64.b64decode(output.data["application/papermill.record/image/png"])
                if not picture.exists() or picture.read_bytes() != content:  # or the pages would be built again
                    picture.write_bytes(content)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without run times, paths and progress bars, so that the same results give the same bytes."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        kept = {key: value for key, value in cell.metadata.items() if key in ("tags", "mystnb") and value}
        cell.metadata = nbformat.from_dict(kept)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"], cell.metadata["tags"] = "injected-parameters", ["injected-parameters", "hide-input"]
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "stream" and output.name == "stderr":
                    output.text = BAR.sub("", output.text).strip(" ")
            cell.outputs = [output for output in cell.outputs if output.get("text", "text")]
    return notebook


def incomplete(notebook: nbformat.NotebookNode) -> list[str]:
    """What keeps an executed notebook out of the book: cells that never ran or failed, paths of the machine."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    faults = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        faults.append("not every cell was executed, in order")
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        faults.append("a cell ended in an error")
    if re.search(re.escape(str(ROOT)) + r"|ipykernel_\d+", json.dumps([cell.outputs for cell in code])):
        faults.append("an output names a path of this machine")
    return faults


def is_current(name: str, parameters: dict, page: Path) -> bool:
    """Whether the page was made, completely, from what is there now."""
    if not page.exists() or not results(name, parameters).exists():
        return False
    notebook = nbformat.read(page, 4)
    return notebook.metadata.get("book", {}).get("digest") == digest(name, parameters) and not incomplete(notebook)


def merge_prose(name: str, page: Path) -> None:
    """Write the source's prose, comments and tags into an executed page whose code does the same; outputs stay."""
    executed, merged = nbformat.read(page, 4), clean(jupytext.read(NOTEBOOKS / f"{name}.py"))
    outputs = iter([cell for cell in executed.cells if cell.cell_type == "code"])
    names = {cell.source: cell.id for cell in executed.cells if cell.cell_type == "markdown"}
    cells = []
    for cell in merged.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell["id"] = names.get(cell.source, cell.id)
            continue
        own = next(outputs)
        cell["id"], cell.outputs, cell.execution_count = own.id, own.outputs, own.execution_count
        if "parameters" in cell.metadata.get("tags", []) and _injected(executed):
            cells.append(next(outputs))
    merged.cells, merged.metadata = cells, executed.metadata
    if nbformat.writes(merged).strip() != page.read_text().strip():  # or the pages would be built again
        write_page(merged, page)


def _injected(notebook: nbformat.NotebookNode) -> bool:
    """Whether papermill put a cell of parameters into a notebook."""
    return any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)


def write_page(notebook: nbformat.NotebookNode, page: Path) -> None:
    """Replace a page by a whole one."""
    unfinished = page.with_suffix(".unfinished")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, page)


def refresh(name: str, parameters: dict, in_place: bool) -> None:
    """Bring the page of one chapter up to date, if it is not."""
    page = (NOTEBOOKS if in_place else PAGES) / f"{name}.ipynb"
    if is_current(name, parameters, page):
        merge_prose(name, page)
        print(f"chapter {name}: up to date")
    elif absent := missing(name):
        keep_committed(name, absent, page)
    else:
        print(f"chapter {name}: executing", flush=True)
        start = time.monotonic()
        execute(name, parameters, page)
        print(f"chapter {name}: executed in {time.monotonic() - start:.0f} s", flush=True)
        if in_place:
            kept = ROOT / "results" / "digits" / f"{name}.json"
            kept.write_text(results(name, parameters).read_text().replace('"study": "mine"', '"study": "digits"'))
    extract_main_result(page, (ROOT / "book" if in_place else PAGES) / "main_result.png")


def refresh_all(names: list[str], parameters: dict, in_place: bool) -> None:
    """Several chapters at once, because a kernel alone does not keep two cores busy."""
    cores = os.cpu_count() or 1
    at_once = min(cores, 4)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores // at_once))  # for the kernels: threads that wait burn time
    in_turn(names, lambda name: refresh(name, parameters, in_place), at_once)


def in_turn(names: Sequence[str], work: Callable[[str], None], at_once: int) -> None:
    """work(name) for every chapter, `at_once` together, each after those whose networks it loads.

    Of the chapters that can begin, that with the longest way to go is the first, so that the end comes early.  After one
    that fails no other begins; its error comes out.
    """
    waiting, done = sorted(names, key=lambda name: -way_to_go(name, names)), set()
    running: dict[Future, str] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while waiting or running:
            ready = [name for name in waiting if done.issuperset({*LOADS.get(name, ())} & {*names})]
            for name in ready[: at_once - len(running)]:
                waiting.remove(name)
                running[pool.submit(work, name)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                future.result()
                done.add(running.pop(future))


def way_to_go(name: str, names: Sequence[str]) -> float:
    """SECONDS of a chapter and of the longest row of chapters that wait for it."""
    after = [way_to_go(later, names) for later in names if name in LOADS.get(later, ())]
    return SECONDS.get(name, OTHERS) + max(after, default=0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Execute the chapters of the book.")
    parser.add_argument("--commit", action="store_true", help="refresh notebooks/*.ipynb instead of the book's pages")
    in_place = parser.parse_args().commit
    logging.getLogger("papermill").setLevel(logging.ERROR)
    refresh_all(chapter_names(), {} if in_place else {"study": "book"}, in_place)


if __name__ == "__main__":
    main()
