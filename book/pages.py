"""Pages, executed notebooks: read, cleaned, checked, sealed and written whole.

A page's metadata, `book`, hold digests: of all that decides its outputs (`chapters.digest`), of the outputs, and of the
file of results that was written with them.  What does not match them was not made together.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat

from lib.execution import METADATA
from lib.runtime.files import set_aside, write_whole

# Cells that no source has: what papermill was given, and what a study's page rests on
MADE = ("injected-parameters", "provenance")
BAR = re.compile(r"[^\r\n]*\d+%\|[^\r\n]*|\r")


def read(page: Path) -> nbformat.NotebookNode | None:
    """A page, or None if there is none; what is no notebook is set aside, which is said, and is none."""
    if not page.exists():
        return None
    try:
        notebook = nbformat.reads(page.read_text(), 4)
        nbformat.validate(notebook)
        if not isinstance(notebook.metadata.get("book", {}), dict):
            raise TypeError("seals are a table")
        return notebook
    except Exception as error:  # nbformat raises many kinds
        set_aside(page)
        print(f"{page.parent.name}/{page.name} cannot be read ({type(error).__name__}); it is set aside as *.damaged")
        return None


def seal(notebook: nbformat.NotebookNode, results: Path) -> None:
    """Note in a page what it and its results are now."""
    notebook.metadata["book"] |= _seals(notebook, results)


def intact(notebook: nbformat.NotebookNode, results: Path) -> bool:
    """Whether a page and its results are as they were sealed; those that were made before there were seals are."""
    known = notebook.metadata.get("book", {})
    return "results" not in known or known == known | _seals(notebook, results)


def _seals(notebook: nbformat.NotebookNode, results: Path) -> dict[str, str]:
    code = [[cell.execution_count, cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]
    made = [cell.source for cell in notebook.cells if cell.get("id") in MADE]
    content = json.dumps([code, made], sort_keys=True).encode()
    return {
        name: hashlib.sha256(part).hexdigest()
        for name, part in (("outputs", content), ("results", results.read_bytes()))
    }


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without run times, paths, progress bars and the width that a picture is to have: the same results give the same bytes."""
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
                output.get("metadata", {}).pop("image/png", None)
            cell.outputs = [output for output in cell.outputs if output.get("text", "text")]
    return notebook


def incomplete(notebook: nbformat.NotebookNode, root: Path) -> list[str]:
    """What keeps an executed notebook out of the book: cells that never ran or failed, paths of the machine (below `root`)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    faults = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        faults.append("not every cell was executed, in order")
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        faults.append("a cell ended in an error")
    if re.search(re.escape(str(root)) + r"|ipykernel_\d+", json.dumps([cell.outputs for cell in code])):
        faults.append("an output names a path of this machine")
    return faults


def merge_prose(source: Path, page: Path, results: Path, adapt: Callable = lambda merged, executed: None) -> None:
    """Write the source's prose, comments and tags into an executed page whose code does the same; outputs stay.

    adapt: (source as a notebook, executed page): makes the changes that the page got after it ran.
    """
    executed, merged = nbformat.read(page, 4), clean(jupytext.read(source))
    adapt(merged, executed)
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
    seal(merged, results)
    if nbformat.writes(merged).strip() != page.read_text().strip():  # or the pages would be built again
        write(merged, page)


def _injected(notebook: nbformat.NotebookNode) -> bool:
    """Whether papermill put a cell of parameters into a notebook."""
    return any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)


def write(notebook: nbformat.NotebookNode, page: Path) -> None:
    """Replace a page by a whole one."""
    write_whole(page, (nbformat.writes(notebook) + "\n").encode())
