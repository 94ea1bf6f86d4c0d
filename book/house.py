"""The rooms of lib/ from the ground up, who imports whom, and the pages of its documentation: `make book` runs this."""

from pathlib import Path

import closure

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "book" / "api"
# A room imports from those before it, and from itself; `lib` are the modules beside the rooms.
ROOMS = ("runtime", "statistics", "sphere", "data", "models", "similarity", "training", "salience", "attacks", "ensembles",
         "effects", "cka", "released", "stitching", "own", "views", "lib", "chapters")


def room(module: str) -> str:
    """'lib.cka.blocks' -> 'cka', 'lib.figures' -> 'lib'."""
    return module.split(".")[-2]


def imports(root: Path = ROOT) -> dict[str, set[str]]:
    """module of lib -> the modules it imports."""
    files = sorted(path for path in (root / "lib").rglob("*.py") if path.name != "__init__.py")
    names = {".".join(path.relative_to(root).with_suffix("").parts): path for path in files}
    return {name: closure.imported_by(path, root) for name, path in names.items()}


def from_the_ground(graph: dict[str, set[str]]) -> list[str]:
    """Modules in an order in which each comes after all that it imports, room by room."""
    ordered: list[str] = []
    waiting = sorted(graph, key=lambda name: (ROOMS.index(room(name)), name))
    while waiting:
        ready = next(name for name in waiting if graph[name] <= {*ordered, name})
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def write_pages() -> None:
    """One page of documentation a room; pages of rooms that are gone are removed."""
    ordered = from_the_ground(imports())
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.stem not in ROOMS:
            path.unlink()
    for name in ROOMS:
        package = "lib" if name == "lib" else f"lib.{name}"
        parts = [f"# {package}", f"```{{eval-rst}}\n.. automodule:: {package}\n```"]
        for module in (module for module in ordered if room(module) == name):
            parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        (PAGES / f"{name}.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    write_pages()
