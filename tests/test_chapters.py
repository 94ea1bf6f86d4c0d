"""A chapter is executed when something changed, and no faulty page reaches the book."""

import base64
from io import BytesIO

import nbformat
import pytest
from PIL import Image

import chapters
import pages
from lib.execution import DENSITY


def test_a_page_is_made_and_known_as_current_until_something_changes(project):
    page = project / "page.ipynb"
    assert not chapters.is_current("trial", {"divisor": 2}, page)
    chapters.execute("trial", {"divisor": 2}, page)
    assert any(
        "0.5" in output.get("text", "") for cell in nbformat.read(page, 4).cells for output in cell.get("outputs", [])
    )
    assert chapters.is_current("trial", {"divisor": 2}, page)
    assert not chapters.is_current("trial", {"divisor": 4}, page)
    for file, line, current in (
        ("lib/module.py", "changed = 1\n", False),
        ("notebooks/trial.py", "changed = 1\n", False),
        ("constraints.txt", "numpy==2.1\n", False),
        ("constraints.txt", "mypy==1\n", True),
    ):
        content = (project / file).read_text()
        (project / file).write_text(content + line)
        assert chapters.is_current("trial", {"divisor": 2}, page) == current, file
        (project / file).write_text(content)
    assert chapters.is_current("trial", {"divisor": 2}, page)
    (project / "results" / "digits" / "trial.json").unlink()
    assert not chapters.is_current("trial", {"divisor": 2}, page)


def test_one_thread_at_a_time_parses(project, monkeypatch):
    held = []
    monkeypatch.setattr(chapters.closure, "digest", lambda *_: held.append(chapters.PARSING.locked()) or "")
    chapters.digest("trial", {})
    assert held == [True] and not chapters.PARSING.locked()


def test_prose_and_comments_come_into_the_page_without_an_execution(project):
    page, source = project / "page.ipynb", project / "notebooks" / "trial.py"
    chapters.execute("trial", {"divisor": 2}, page)
    executed = nbformat.read(page, 4)
    source.write_text("# %% [markdown]\n# New prose.\n\n" + source.read_text().replace("print(", "# Why.\nprint("))
    pages.merge_prose(source, page, project / "results" / "digits" / "trial.json")
    merged = nbformat.read(page, 4)
    assert [cell.cell_type for cell in merged.cells] == ["markdown", *(cell.cell_type for cell in executed.cells)]
    assert merged.cells[0].source == "New prose." and "# Why." in merged.cells[-1].source
    assert [cell.outputs for cell in merged.cells[1:]] == [cell.outputs for cell in executed.cells]
    assert [cell.id for cell in merged.cells[1:]] == [cell.id for cell in executed.cells]
    assert chapters.is_current("trial", {"divisor": 2}, page)
    before = page.stat().st_mtime_ns
    pages.merge_prose(source, page, project / "results" / "digits" / "trial.json")
    assert page.stat().st_mtime_ns == before


def test_the_same_chapter_gives_the_same_bytes(project):
    chapters.execute("trial", {}, project / "notebooks" / "trial.ipynb")  # the committed pair: it names the cells
    for name in ("first.ipynb", "second.ipynb"):
        chapters.execute("trial", {"divisor": 2}, project / name)
    assert (project / "first.ipynb").read_bytes() == (project / "second.ipynb").read_bytes()


def test_pictures_have_the_density_of_the_book_and_no_width_of_their_own(project, monkeypatch):
    monkeypatch.delenv("MPLBACKEND")
    with open(project / "notebooks" / "trial.py", "a") as source:
        source.write("import matplotlib.pyplot as plt\nplt.figure(figsize=(2, 1), dpi=50).add_subplot()\n")
    chapters.execute("trial", {}, project / "page.ipynb")
    (shown,) = (
        output
        for cell in nbformat.read(project / "page.ipynb", 4).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    )
    picture = Image.open(BytesIO(base64.b64decode(shown.data["image/png"])))
    assert picture.info["dpi"] == pytest.approx((DENSITY, DENSITY), rel=0.01) and not shown.metadata


def test_a_failing_chapter_ends_the_build_and_keeps_the_page(project):
    page = project / "page.ipynb"
    page.write_text("the page of yesterday")
    with pytest.raises(SystemExit, match="chapter trial failed in cell 3: ZeroDivisionError"):
        chapters.execute("trial", {"divisor": 0}, page)
    assert page.read_text() == "the page of yesterday"
    assert not list(project.glob("*.unfinished"))


def test_a_chapter_that_writes_no_results_is_refused(project):
    (project / "results" / "mine").mkdir(parents=True)
    (project / "results" / "mine" / "trial.json").write_text("of yesterday")
    (project / "notebooks" / "trial.py").write_text('# %% tags=["parameters"]\na = 1\n')
    with pytest.raises(SystemExit, match="wrote no results/mine/trial.json"):
        chapters.execute("trial", {}, project / "page.ipynb")
    assert not (project / "page.ipynb").exists()


def test_an_output_with_a_path_of_the_machine_is_refused(project):
    with pytest.raises(SystemExit, match="names a path of this machine"):
        with open(project / "notebooks" / "trial.py", "a") as source:
            source.write(f'print("{project}")\n')
        chapters.execute("trial", {}, project / "page.ipynb")


def test_a_killed_kernel_is_told_with_its_chapter(project):
    (project / "notebooks" / "trial.py").write_text("# %%\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(SystemExit, match="chapter trial failed: its kernel was killed"):
        chapters.execute("trial", {}, project / "page.ipynb")
