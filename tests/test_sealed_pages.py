"""A page and its results are what was executed together, completely: what is damaged, cut off or incomplete is noticed."""

import re
import shutil

import nbformat
import pytest
from planted_project import DIVIDING, plant

import chapters
import pages
from lib.runtime.files import ROOT


def altered(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def a_folder(path):
    path.unlink()
    (path / "inside").mkdir(parents=True)


GIVEN = {"divisor": 2, "study": "mine"}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A project whose page was made."""
    with pytest.MonkeyPatch.context() as patch:
        folder = plant(tmp_path_factory.mktemp("executed"), patch, DIVIDING)
        chapters.refresh("trial", GIVEN, False)
    return folder


@pytest.mark.parametrize(
    "product, damage, said",
    [
        ("results", lambda path: path.write_text('{"verdict": "contradicted"}'), "are not what was executed together"),
        ("results", a_folder, "is a folder; it is set aside as"),
        ("page", lambda path: altered(path, "0.5", "0.9"), "are not what was executed together"),
        ("page", lambda path: altered(path, "divisor = 2", "divisor = 4"), "are not what was executed together"),
        ("page", lambda path: path.write_bytes(path.read_bytes()[:-300]), "cannot be read .*set aside as"),
        ("page", lambda path: path.write_text("null"), "cannot be read .*set aside as"),
        ("page", lambda path: altered(path, '"book": {', '"book": true, "was": {'), "cannot be read .*set aside as"),
        ("page", a_folder, "cannot be read .*set aside as"),
    ],
)
def test_a_damaged_product_is_told_and_made_again(executed, project, capsys, product, damage, said):
    for part in ("book", "results"):
        shutil.copytree(executed / part, project / part, dirs_exist_ok=True)
    products = {"page": project / "book/chapters/trial.ipynb", "results": project / "results/mine/trial.json"}
    damage(products[product])
    chapters.refresh("trial", GIVEN, False)
    assert re.search(said, capsys.readouterr().out)
    cells = pages.read(products["page"]).cells
    assert products["results"].read_text() == "{}" and cells[-1].outputs[0].text == "0.5\n"
    assert "divisor = 2" in cells[1].source
    chapters.refresh("trial", GIVEN, False)
    assert capsys.readouterr().out == "chapter trial: up to date\n"


@pytest.mark.parametrize("step", ["results", "page"])
def test_a_kill_between_results_and_page_leaves_nothing_that_passes_for_current(project, monkeypatch, step):
    class Killed(BaseException):
        pass

    def cut(*_):
        raise Killed

    page, kept = project / "notebooks" / "trial.ipynb", project / "results" / "digits" / "trial.json"
    chapters.refresh("trial", {}, True)
    source = project / "notebooks" / "trial.py"
    old = source.read_text()
    source.write_text(old.replace("print(1", "print(3").replace('"{}"', '"[3]"'))
    with monkeypatch.context() as patch:
        patch.setattr(*((chapters, "write_whole") if step == "results" else (pages, "write")), cut)
        with pytest.raises(Killed):
            chapters.refresh("trial", {}, True)
    for text, number in ((old, "{}"), (source.read_text(), "[3]")):
        source.write_text(text)
        chapters.refresh("trial", {}, True)
        assert kept.read_text() == number and ("3.0" in page.read_text()) == (number == "[3]")


def test_a_page_without_seals_is_sealed_and_not_executed(project, capsys):
    page = project / "notebooks" / "trial.ipynb"
    chapters.refresh("trial", {}, True)
    whole = page.read_bytes()
    notebook = nbformat.read(page, 4)
    notebook.metadata["book"] = {"digest": notebook.metadata["book"]["digest"]}
    nbformat.write(notebook, page)
    capsys.readouterr()
    chapters.refresh("trial", {}, True)
    assert capsys.readouterr().out == "chapter trial: up to date\n" and page.read_bytes() == whole


@pytest.mark.parametrize("fault", ["never executed", "out of order", "error"])
def test_an_incomplete_notebook_is_told_apart(fault):
    cells = [nbformat.v4.new_code_cell("1", execution_count=count) for count in (1, 2)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert pages.incomplete(notebook, ROOT) == []
    if fault == "never executed":
        cells[1].execution_count = None
    elif fault == "out of order":
        cells[0].execution_count, cells[1].execution_count = 2, 1
    else:
        cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    assert len(pages.incomplete(notebook, ROOT)) == 1


def test_progress_bars_go_and_warnings_stay():
    text = "\rtraining 4 networks:  50%|█████   | 00:01 passed, 00:01 left\r        \rUserWarning: look here\n"
    cell = nbformat.v4.new_code_cell(
        "1", execution_count=1, outputs=[nbformat.v4.new_output("stream", name="stderr", text=text)]
    )
    cleaned = pages.clean(nbformat.v4.new_notebook(cells=[cell]))
    assert cleaned.cells[0].outputs[0].text == "UserWarning: look here\n"
