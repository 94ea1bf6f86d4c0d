"""The house: who may import whom in lib/, and that each module stands in the documentation."""

import ast
import os

import pytest

import house

GRAPH = house.imports()
SCIENCE = set(house.ROOMS) - {"lib", "chapters"}


def forbidden(graph):
    """(module, what it imports) for each import that climbs."""
    return [
        (name, other)
        for name, others in graph.items()
        for other in others
        if house.ROOMS.index(house.room(other)) > house.ROOMS.index(house.room(name))
    ]


def test_every_module_stands_in_a_room():
    assert {house.room(name) for name in GRAPH} == set(house.ROOMS)


def test_imports_run_one_way():
    assert forbidden(GRAPH) == []
    assert len(house.from_the_ground(GRAPH)) == len(GRAPH)  # no circle inside a room either


def test_a_climbing_import_is_found():
    graph = {"lib.sphere.saw": {"lib.cka.estimators"}, "lib.cka.estimators": {"lib.sphere.saw"}}
    assert forbidden(graph) == [("lib.sphere.saw", "lib.cka.estimators")]


def test_statistics_sphere_and_similarity_know_no_networks():
    for name, others in GRAPH.items():
        if house.room(name) in ("statistics", "sphere", "similarity"):
            assert {house.room(other) for other in others} <= {
                "code",
                "runtime",
                "statistics",
                "sphere",
                "similarity",
            }, name


def test_no_science_draws_or_judges():
    for name, others in GRAPH.items():
        if house.room(name) in SCIENCE:
            assert {house.room(other) for other in others} <= SCIENCE, name


@pytest.mark.parametrize("path", sorted((house.ROOT / "lib").rglob("*.py")), ids=lambda path: path.stem)
def test_imports_are_absolute_and_name_what_they_take(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 and all(alias.name != "*" for alias in node.names)


def test_the_documentation_has_every_module_once(tmp_path, monkeypatch):
    monkeypatch.setattr(house, "PAGES", tmp_path)
    house.write_pages()
    text = "".join(path.read_text() for path in tmp_path.glob("*.md"))
    assert all(text.count(f"automodule:: {name}\n") == 1 for name in GRAPH)
    assert all(f"file: book/api/{name}" in (house.ROOT / "_toc.yml").read_text() for name in house.ROOMS)


def test_documentation_that_stays_the_same_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(house, "PAGES", tmp_path)
    house.write_pages()
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    (tmp_path / "cka.md").write_text("another")
    house.write_pages()
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_mtime] == ["cka.md"]
    assert "another" not in (tmp_path / "cka.md").read_text()
