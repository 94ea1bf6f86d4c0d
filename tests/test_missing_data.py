"""Where a chapter's data is missing the committed outputs stand and say so; where it comes, the chapter is executed."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

import chapters
import pages
from lib.runtime.files import ROOT


@pytest.fixture
def with_data(project, monkeypatch):
    """The chapter `trial` prints what stands in data/number and needs that file."""
    (project / "data").mkdir()
    (project / "data" / "number").write_text("17")
    (project / "notebooks" / "trial.py").write_text(
        '# %% [markdown]\n# # Trial\n\n# %% tags=["parameters"]\nstudy = "mine"\n\n# %%\n'
        "import json\nfrom pathlib import Path\n"
        'number = int(Path("../data/number").read_text())\nprint("found", number)\n'
        'Path(f"../results/{study}").mkdir(parents=True, exist_ok=True)\n'
        'content = json.dumps({"study": study, "number": number, "claims": []})\n'
        'Path(f"../results/{study}/trial.json").write_text(content)\n'
    )
    monkeypatch.setattr(chapters, "NEEDS", {"trial": ("data/number",)})
    (project / "results" / "digits").mkdir(parents=True)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["chapters.py", *arguments])
        chapters.main()
        return project / "book" / "chapters" / "trial.ipynb"

    return run


def test_where_data_is_missing_the_committed_outputs_stand_and_say_so(project, with_data, capsys):
    with_data("--commit")
    committed = (project / "notebooks" / "trial.ipynb").read_bytes()
    (project / "data" / "number").unlink()
    page = with_data()
    reason = "for lack of data/number (seen from the root of the checkout)"
    assert f"chapter trial: not executed {reason}; the committed outputs stand" in capsys.readouterr().out
    notebook = nbformat.read(page, 4)
    assert "{warning}" in notebook.cells[1].source and reason in notebook.cells[1].source
    assert "found 17" in json.dumps(notebook.cells) and pages.incomplete(notebook, ROOT) == []
    written = project / "results" / "book" / "trial.json"
    assert json.loads(written.read_text()) == {"study": "book", "number": 17, "claims": []}
    for path in (page, written):
        os.utime(path, ns=(1, 1))
    with_data()
    assert page.stat().st_mtime_ns == written.stat().st_mtime_ns == 1
    (project / "lib" / "module.py").write_text("ANSWER = 43\n")
    with_data("--commit")
    assert (project / "notebooks" / "trial.ipynb").read_bytes() == committed


def test_a_chapter_is_executed_as_soon_as_its_data_is_there_and_then_kept(project, with_data, capsys):
    with_data("--commit")
    (project / "data" / "number").rename(project / "elsewhere")
    with_data()
    (project / "elsewhere").rename(project / "data" / "number")
    (project / "data" / "number").write_text("18")
    page = with_data()
    assert "found 18" in page.read_text() and "{warning}" not in page.read_text()
    assert json.loads((project / "results" / "book" / "trial.json").read_text())["number"] == 18
    (project / "data" / "number").unlink()  # what this machine computed is still current
    capsys.readouterr()
    with_data()
    assert "found 18" in page.read_text() and "chapter trial: up to date" in capsys.readouterr().out


def test_without_data_and_without_committed_outputs_there_is_no_book(project, with_data):
    (project / "data" / "number").unlink()
    for arguments in ((), ("--commit",)):
        with pytest.raises(SystemExit, match="trial cannot be executed for lack of data/number .*, and no outputs"):
            with_data(*arguments)


def test_what_a_chapter_needs_is_what_its_parameters_name():
    for name, paths in chapters.NEEDS.items():
        source = (chapters.NOTEBOOKS / f"{name}.py").read_text()
        assert all(f'= "{path}"\n' in source for path in paths)


def test_nbval_skips_a_chapter_without_its_data_and_no_other(tmp_path):
    for file in (
        "pyproject.toml",
        "book/changed.py",
        "book/chapters.py",
        "book/closure.py",
        "book/order.py",
        "book/pages.py",
        "notebooks/conftest.py",
        "tests/nbval_sanitize.cfg",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    needs = 'NEEDS = {"01_needy": ("nowhere/x",), "02_served": ("book", "tests")}'
    source = tmp_path / "book" / "chapters.py"
    source.write_text(re.sub("^NEEDS = .*$", needs, source.read_text(), flags=re.MULTILINE))
    output = nbformat.v4.new_output("stream", name="stdout", text="1\n")
    cells = [nbformat.v4.new_code_cell("print(1)", execution_count=1, outputs=[output])]
    for name in ("01_needy", "02_served", "03_other"):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "notebooks", "-p", "no:cacheprovider"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0 and "2 passed, 1 skipped" in result.stdout, result.stdout
    assert "needs nowhere/x, seen from the root of the checkout" in " ".join(result.stdout.split())
