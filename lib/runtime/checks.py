"""Checks of numbers that a user gives."""

from numbers import Integral


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raises ValueError, with the argument's name, unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
