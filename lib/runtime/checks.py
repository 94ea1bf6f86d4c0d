"""Checks of what a user gives, in sentences; without torch, so that a mistake is told at once."""

import difflib
from collections.abc import Iterable
from numbers import Integral

import numpy as np

SHOWN = 60  # characters of a wrong value


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raises ValueError, with the argument's name, unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {shown(value)}")


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raises ValueError, naming the choices there are, for any other `value`."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:  # an array would be compared element by element
        raise ValueError(f"unknown {name} {shown(value)}; the {name}s are {', '.join(choices)}")


def real_numbers(name: str, values: object) -> np.ndarray:
    """Real numbers as an array, float32 as it is and all others in float64; of a tensor, on any device, its numbers.

    Raises:
        ValueError: what is no array of real numbers.
    """
    try:
        if hasattr(values, "detach"):  # a tensor, perhaps with a graph, perhaps in a precision that numpy lacks
            values = values.detach().cpu()
            values = (values.double() if values.is_floating_point() else values).numpy()
        array = np.asarray(values)
        return array if array.dtype in (np.float32, np.float64) else array.astype(float, casting="same_kind")
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must be real numbers, not a {type(values).__name__}") from None


def shown(value: object) -> str:
    """A value as it is written, in one line, its middle left out where it is long."""
    try:
        text = " ".join(repr(value).split())
    except (RecursionError, ValueError):  # lists within lists within lists, whole numbers of thousands of digits
        return f"this {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 4 :]}"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The nearest known word as a question, ending in a space; empty where none is near."""
    near = difflib.get_close_matches(str(word), known, 1)
    return f"did you mean {near[0]!r}? " if near else ""
