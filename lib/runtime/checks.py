"""Checks of what a user gives, in sentences; without torch, so that a mistake is told at once."""

import difflib
from collections.abc import Iterable
from numbers import Integral


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raises ValueError, with the argument's name, unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raises ValueError, naming the choices there are, for any other `value`."""
    choices = list(choices)  # no set: also for what cannot be hashed
    if value not in choices:
        raise ValueError(f"unknown {name} {value!r}; the {name}s are {', '.join(choices)}")


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The nearest known word as a question, ending in a space; empty where none is near."""
    near = difflib.get_close_matches(str(word), known, 1)
    return f"did you mean {near[0]!r}? " if near else ""
