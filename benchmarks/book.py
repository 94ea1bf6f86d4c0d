"""The committed chapters when nothing has changed, and how many a change of one module would execute again.

A benchmark executes no chapter: where one is out of date, the times are left out.
"""

import ast
import subprocess
import sys
import time
from pathlib import Path

from lib.code.closure import closure

ROOT = Path(__file__).resolve().parents[1]
ONE = "03_individual_similarity"
HOPED = {"one chapter": 2.0, "all chapters": 15.0}  # seconds
COMMANDS = {
    "one chapter": ("-c", f"import chapters; chapters.refresh('{ONE}', {{}}, True)"),
    "all chapters": ("book/chapters.py", "--commit"),
}


def found(quick: bool) -> dict:
    """Seconds to find everything up to date, and module of a chapter -> how many chapters reach it."""
    sys.path.append(str(ROOT / "book"))
    import chapters
    from closure import code_cells

    names = chapters.chapter_names()
    current = [chapters.is_current(name, {}, chapters.NOTEBOOKS / f"{name}.ipynb") for name in names]
    reached = [
        set(closure([ast.parse(cell) for cell in code_cells(ROOT / "notebooks" / f"{name}.py")], ROOT))
        for name in names
    ]
    own = sorted(f"lib.chapters.{path.stem}" for path in (ROOT / "lib" / "chapters").glob("[!_]*.py"))
    return {
        "chapters": len(names),
        "current": sum(current),
        "unchanged": {} if quick or not all(current) else {name: timed(command) for name, command in COMMANDS.items()},
        "hoped": HOPED,
        "reached": {module: sum(module in modules for modules in reached) for module in own},
    }


def timed(command: tuple[str, ...]) -> float:
    """Seconds of a Python of its own, the start included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, env=ENVIRONMENT)
    return round(time.perf_counter() - start, 2)


ENVIRONMENT = {"PYTHONPATH": f"{ROOT}:{ROOT / 'book'}", "PATH": ""}
