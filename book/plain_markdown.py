"""Markdown that is written by programs: tables, texts with blanks, and words that mean only themselves."""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

TEMPLATES = Path(__file__).resolve().parent / "templates"


def pipe_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table; cells are Markdown without line breaks."""
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in [header, ["---"] * len(header), *rows])


def filled(text: str, words: dict) -> str:
    """A text in Jinja with its blanks filled; a word that is not there is an error."""
    options = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True, "undefined": StrictUndefined}
    return Environment(**options).from_string(text).render(words)


def escaped(text: str) -> str:
    """Plain text as Markdown: one line, every sign that could mean something behind a backslash."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
