"""Markdown that is written by programs: tables, and words that mean only themselves."""

import re
from collections.abc import Sequence


def pipe_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table; cells are Markdown without line breaks."""
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in [header, ["---"] * len(header), *rows])


def escaped(text: str) -> str:
    """Plain text as Markdown: one line, every sign that could mean something behind a backslash."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
