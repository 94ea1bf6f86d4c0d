"""The chapters as `make book` executed them here against the committed notebooks, without executing them again.

Cells are compared as `pytest --nbval notebooks/` would: by nbval's own comparison, rules of sanitising and tags.
"""

from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile, coalesce_streams, get_sanitize_patterns

import chapters

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")


def differences(committed: Path, page: Path, session: pytest.Session) -> list[str]:
    """One text a code cell whose outputs are to agree and do not: the cell's number, as nbval counts, and both outputs."""
    file = IPyNbFile.from_parent(session, path=committed)
    file.compare_outputs = True
    file.sanitize_patterns.update(get_sanitize_patterns(SANITIZE.read_text()))
    cells, executed = list(file.collect()), of_source(page)
    assert [cell.cell.source for cell in cells] == [cell.source for cell in executed], f"{page.stem} has other cells"
    found = []
    for cell, fresh in zip(cells, executed):
        outputs = [coalesce_streams(one.outputs) for one in (cell.cell, fresh)]
        if cell.options["check"] and not cell.options["skip"] and not cell.compare_outputs(outputs[1], outputs[0]):
            kept, new = ("\n".join(shown(output, cell) for output in those) for those in outputs)
            found.append(f"chapter {committed.stem}, cell {cell.cell_num}:\ncommitted:\n{kept}\nexecuted here:\n{new}")
    return found


def of_source(page: Path) -> list[nbformat.NotebookNode]:
    """The code cells without the parameters that papermill put in."""
    return [
        cell
        for cell in nbformat.read(page, 4).cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def shown(output: nbformat.NotebookNode, cell) -> str:
    """What nbval compares of an output, in words."""
    if output.output_type == "stream":
        return cell.sanitize(output.text)
    return "\n".join(
        f"{kind}: {cell.sanitize(value)}"
        for kind, value in output.get("data", {}).items()
        if kind not in cell.parent.skip_compare
    )


@pytest.mark.parametrize("name", chapters.chapter_names())
def test_a_chapter_executed_here_has_the_committed_outputs(name, request):
    page = chapters.PAGES / f"{name}.ipynb"
    if not page.exists():
        pytest.skip("needs the executed pages")
    if found := differences(chapters.NOTEBOOKS / f"{name}.ipynb", page, request.session):
        pytest.fail("\n\n".join(found), pytrace=False)


def notebook(path: Path, text: str, tags: list[str], *, injected: bool = False) -> Path:
    output = nbformat.v4.new_output("display_data", {"text/plain": text, "image/png": "pixels of " + path.stem})
    cells = [
        nbformat.v4.new_code_cell("a = 1", execution_count=1, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_markdown_cell("Prose."),
        nbformat.v4.new_code_cell("a", execution_count=2, outputs=[output], metadata={"tags": tags}),
    ]
    if injected:
        cells.insert(1, nbformat.v4.new_code_cell("a = 2", metadata={"tags": ["injected-parameters"]}))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize(
    "text, tags, differs",
    [
        ("value 1", [], False),
        ("value 2", [], True),
        ("value 2", ["nbval-ignore-output"], False),
        ("value 1 at 0x7f00aa11", [], True),
        ("<Style at 0x7f00bb22>", [], False),
    ],
)
def test_a_difference_is_told_with_chapter_cell_and_both_values(tmp_path, request, text, tags, differs):
    kept = "<Style at 0x7f00aa11>" if "Style" in text else "value 1"
    committed = notebook(tmp_path / "05_trial.ipynb", kept, tags)
    found = differences(committed, notebook(tmp_path / "page.ipynb", text, tags, injected=True), request.session)
    assert bool(found) == differs
    for part in ("chapter 05_trial, cell 1:", "committed:\ntext/plain: value 1", "here:\ntext/plain: value"):
        assert all(part in one for one in found)


def test_a_page_with_other_cells_is_no_page_of_the_chapter(tmp_path, request):
    committed = notebook(tmp_path / "05_trial.ipynb", "value", [])
    page = notebook(tmp_path / "page.ipynb", "value", [])
    page.write_text(page.read_text().replace('"a"', '"a + 0"'))
    with pytest.raises(AssertionError, match="page has other cells"):
        differences(committed, page, request.session)
