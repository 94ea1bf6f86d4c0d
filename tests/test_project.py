"""The house: one list of dependencies, imports in one direction, sources and committed notebooks in step."""

import re
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

import chapters
import pages

ROOT = Path(__file__).resolve().parents[1]
NAMES = chapters.chapter_names()


def requirements():
    """What `make` installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [project["optional-dependencies"][name] for name in ("test", "bench")]
    return {*project["dependencies"], *(item for extra in extras for item in extra)}, project["requires-python"]


def test_conda_and_pip_users_get_the_same_packages():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(item["pip"] for item in listed if isinstance(item, dict))
    packages, python = requirements()
    assert {item for item in pip if not item.startswith("--")} == packages
    assert f"python{python}" in listed


def test_every_dependency_is_pinned_by_the_constraints():
    name = re.compile(r"[A-Za-z0-9_.-]+")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert {name.match(item)[0].lower() for item in requirements()[0]} <= pinned


def test_the_citation_is_of_this_version_and_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])


def test_the_container_runs_commands_of_the_makefile_and_binder_the_pinned_packages():
    container, makefile = ((ROOT / name).read_text() for name in ("Containerfile", "Makefile"))
    commands = re.findall(r'\bmake"?,? "?(book|test)\b', container)
    assert commands == ["book", "test"] and all(f"\n{name}: " in makefile for name in commands)
    assert "../constraints.txt" in (ROOT / "binder" / "requirements.txt").read_text()


def test_every_source_is_a_chapter_of_the_book():
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.py")) == sorted([*NAMES, "conftest"])
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_notebook_is_its_source(name):
    def content(notebook):
        return [
            (cell.cell_type, cell.source, cell.metadata.get("tags", []), cell.metadata.get("mystnb", {}))
            for cell in notebook.cells
        ]

    path = ROOT / "notebooks" / f"{name}.py"
    assert content(nbformat.read(path.with_suffix(".ipynb"), 4)) == content(jupytext.read(path))


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_notebook_is_executed_completely(name):
    """nbval lets a cell without an execution count pass unseen, so none may be stored."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    digest = notebook.metadata["book"]["digest"]
    assert pages.intact(notebook, chapters.results(name, {})), "its outputs and results/digits were not made together"
    assert digest == chapters.digest(name, {}), "older than its source, lib/ or the constraints: run make notebooks"
    assert pages.incomplete(notebook, ROOT) == []
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    assert sum("parameters" in cell for cell in tags) == 1 and not any("injected-parameters" in cell for cell in tags)
    assert not any(
        output.output_type == "stream" and output.name == "stderr"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_text_alternative(name):
    for cell in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).cells:
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            assert len(cell.metadata["mystnb"]["image"]["alt"]) > 40


def test_the_picture_of_the_readme_is_that_of_the_committed_notebook(tmp_path):
    chapters.extract_pictures(ROOT / "notebooks" / "03_individual_similarity.ipynb", tmp_path)
    assert (tmp_path / "main_result.png").read_bytes() == (ROOT / "book" / "main_result.png").read_bytes()
    assert "(book/main_result.png)" in (ROOT / "README.md").read_text()


def test_tests_that_prose_and_docstrings_name_are_there():
    files = [
        path for pattern in ("lib/**/*.py", "notebooks/*.py", "book/*.md", "README.md") for path in ROOT.glob(pattern)
    ]
    named = {name for path in files for name in re.findall(r"tests/(test_\w+\.py)", path.read_text())}
    assert len(named) > 5 and [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []
