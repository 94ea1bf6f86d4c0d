"""The settings in book/deviations.md: what this book does where a paper does otherwise, as chapters and studies have it.

Beside `measured`: settings.toml has the text of each name that the page calls, in Jinja; the functions here are what it asks.
"""

import tomllib
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np

import chapters
import evidence
from lib.run import defaults
from measured import MEASURED, provenance, span
from plain_markdown import filled
from tables import networks, sizes  # noqa: F401  the texts ask for them

TEXTS = Path(__file__).with_name("settings.toml")


def default(chapter: str, parameter: str) -> object:
    """What a chapter's parameter is unless it is given; a chapter by its number."""
    (source,) = chapters.NOTEBOOKS.glob(f"{chapter}_*.py")
    return defaults(source)[parameter]


def executed(chapter: str) -> list[tuple[str, dict]]:
    """Title and results of every study whose page of this chapter is kept; a chapter by its number."""
    return [
        (study["title"], evidence.written(name, own))
        for name, study in evidence.executed_studies().items()
        for own in study["chapters"]
        if own.startswith(f"{chapter}_")
    ]


def program(module: str, name: str) -> object:
    """A constant of the program, or a class of a library."""
    return getattr(import_module(module), name)


def counted(numbers: list[int]) -> str:
    """'400, 200 and 100', the largest first."""
    *others, smallest = sorted(numbers, reverse=True)
    return f"{', '.join(map(str, others))} and {smallest}" if others else str(smallest)


def digits() -> int:
    """How many digits the networks are trained on."""
    return provenance("02")["data"]["digits"][0]["train"]


def trained(results: dict) -> str:
    """'50,000 images'."""
    return f"{max(entry['train'] for own in results['provenance']['data'].values() for entry in own):,} images"


def accuracies(results: dict) -> str:
    """From the lowest to the highest test accuracy of the networks of chapter 2."""
    return span(np.concatenate([row for family in results["numbers"]["test_accuracy"].values() for row in family]))


def psi_coverage() -> float:
    """The share of the mass on which psi is drawn."""
    return signature(program("lib.sphere.fits", "log_psi")).parameters["coverage"].default


def setting(text: str) -> str:
    """A text of settings.toml with what it asks for, in one line."""
    return " ".join(filled(text, globals()).split())


MEASURED.update({name: partial(setting, text) for name, text in tomllib.loads(TEXTS.read_text()).items()})
