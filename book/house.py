"""The rooms of lib/ from the ground up, who imports whom, and the pages that show it: `make book` runs this."""

import ast
import io
from collections import Counter
from pathlib import Path

from changed import write_changed
from lib.code import closure
from lib.execution import DENSITY

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "book" / "api"
# A room imports from those before it, and from itself; `lib` are the modules beside the rooms.
ROOMS = (
    "code",
    "runtime",
    "statistics",
    "sphere",
    "data",
    "models",
    "similarity",
    "training",
    "salience",
    "attacks",
    "ensembles",
    "effects",
    "cka",
    "released",
    "stitching",
    "own",
    "views",
    "lib",
    "chapters",
)


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
    """One page of documentation a room, a table of all modules and a picture; pages of rooms that are gone are removed."""
    graph = imports()
    ordered = from_the_ground(graph)
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.stem not in (*ROOMS, "where"):
            path.unlink()
    write_changed(PAGES / "where.md", table(ordered).encode())
    write_changed(PAGES / "house.png", drawn(graph))
    for name in ROOMS:
        package = "lib" if name == "lib" else f"lib.{name}"
        parts = [f"# {package}", f"```{{eval-rst}}\n.. automodule:: {package}\n```"]
        for module in (module for module in ordered if room(module) == name):
            parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        write_changed(PAGES / f"{name}.md", ("\n\n".join(parts) + "\n").encode())


def table(ordered: list[str]) -> str:
    """A Markdown table: each room, its modules and what each is about."""
    rows = ["| room | module | what it is about |", "| --- | --- | --- |"]
    for module in ordered:
        text = ast.get_docstring(closure.tree(ROOT.joinpath(*module.split(".")).with_suffix(".py")))
        first = text.split("\n\n")[0].replace("\n", " ")
        rows.append(f"| {room(module)} | `{module.split('.')[-1]}` | {first} |")
    return "\n".join(rows) + "\n"


def crossings(graph: dict[str, set[str]]) -> Counter:
    """(room, room it imports from) -> how many imports of one module by another there are."""
    return Counter((room(name), room(other)) for name, others in graph.items() for other in others)


def drawn(graph: dict[str, set[str]]) -> bytes:
    """A PNG of who imports from whom, as a matrix of rooms: all below the diagonal, because imports run one way."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    counts = crossings(graph)
    figure, axis = plt.subplots(figsize=(8, 7), layout="constrained")
    shown = [[counts[row, column] or float("nan") for column in ROOMS] for row in ROOMS]
    axis.imshow(shown, cmap="cividis", vmin=0)
    for row, column in ((i, j) for i in range(len(ROOMS)) for j in range(len(ROOMS))):
        if count := counts[ROOMS[row], ROOMS[column]]:
            axis.text(
                column, row, count, ha="center", va="center", fontsize=8, color="white" if count < 20 else "black"
            )
    axis.set_xticks(range(len(ROOMS)), ROOMS, rotation=60, ha="right")
    axis.set_yticks(range(len(ROOMS)), ROOMS)
    axis.set(xlabel="imports from", ylabel="room")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=DENSITY, metadata={"Software": None})
    plt.close(figure)
    return picture.getvalue()


if __name__ == "__main__":
    write_pages()
