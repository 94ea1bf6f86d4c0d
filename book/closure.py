"""What decides a chapter's outputs: its code cells and the code of every module of lib/ that they reach."""

import ast
from pathlib import Path

import jupytext

from lib.code import closure


def code_cells(source: Path) -> list[str]:
    """The code of a chapter, cell by cell."""
    return [cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code"]


def digest(source: Path, root: Path) -> str:
    """sha256 over a chapter's code cells and the modules under root/lib that they reach."""
    return closure.digest([ast.parse(cell) for cell in code_cells(source)], root)
