"""The parameters of a chapter, checked before any work starts.

papermill accepts a misspelt parameter and runs with the default; the `papermill` command hands lists over as text.
Chapters therefore read their parameters through `read`, in the first cell after the parameters cell.  Every check raises
ParameterError, in one sentence that names the parameter, what was given and what is allowed.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import yaml

from lib.family_widths import Widths, by_family, one_if_alike
from lib.models import architectures
from lib.parameter_types import TYPES
from lib.runtime import machines
from lib.runtime.checks import did_you_mean, shown
from lib.runtime.files import ROOT
from lib.salience import extraction
from lib.training.specification import Specification

IPYTHON_NAMES = {"In", "Out"}
SCHEDULER = "scheduler"


class ParameterError(ValueError):
    """A parameter that no chapter could run with; in a notebook it shows as its one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"ParameterError: {self}"]


@contextmanager
def about(name: str) -> Iterator[None]:
    """What is refused inside is the fault of this parameter: a ValueError becomes a ParameterError."""
    try:
        yield
    except ParameterError:
        raise
    except ValueError as error:
        raise ParameterError(f"parameter {name!r}: {error}") from None


def read(namespace: Mapping[str, object], names: Iterable[str]) -> SimpleNamespace:
    """The checked values of the parameters `names`, found in a notebook's `globals()`.

    `seeds` is a number for each of the `families`; `widths` is a list, or a list for each of them where they differ.

    Every chapter also takes `scheduler`, where its tasks go (`lib.runtime.machines`).  Any other variable is taken for a
    misspelt parameter, so this comes before imports and other assignments.

    Raises:
        ParameterError: an unknown parameter, or a value that is not of its type (`lib.parameter_types.TYPES`), or a
            scheduler without workers to be used.
    """
    names = list(names)
    _check_spelling(namespace, [*names, SCHEDULER])
    with about(SCHEDULER):
        if given := namespace.get(SCHEDULER):
            os.environ[machines.VARIABLE] = str(given)
        machines.check()
    values = SimpleNamespace()
    for name in names:
        with about(name):
            setattr(values, name, TYPES[name](_parsed(namespace[name])))
    families = getattr(values, "families", None)
    for name in {"seeds", "widths"}.intersection(names):
        with about(name):
            setattr(values, name, _of_families(getattr(values, name), families))
    if "widths" in names:
        values.widths = one_if_alike(values.widths) if families else values.widths
        check_family_widths(families or [], values.widths)
    return values


def _check_spelling(namespace: Mapping[str, object], names: list[str]) -> None:
    if any(isinstance(value, SimpleNamespace) for value in namespace.values()):
        return  # a kernel runs the chapter once more: the variables of the first run are there too
    for name, value in sorted(namespace.items()):
        known = name in names or name in IPYTHON_NAMES or name.startswith("_")
        if not (known or callable(value) or isinstance(value, ModuleType)):
            hint = did_you_mean(name, names)
            raise ParameterError(f"unknown parameter {shown(name)}; {hint}the parameters are {', '.join(names)}")


def _parsed(value: object) -> object:
    """Lists and mappings that came as text from the command line."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return yaml.safe_load(value)
        except Exception:  # YAML's, or of what it makes: dates, whole numbers of thousands of digits
            raise ValueError(f"{shown(value)} is not a list or mapping") from None
    return value


def _of_families(value: object, families: list[str] | None) -> object:
    """family -> its value, of one value for all or a table; the value itself in a chapter without a choice of families."""
    if families is None:
        if isinstance(value, dict):
            raise ValueError(f"must not be a table in a chapter without the parameter 'families', not {value!r}")
        return value
    table = value if isinstance(value, dict) else dict.fromkeys(families, value)
    for family in families:
        if family not in table:
            raise ValueError(f"has nothing for the family {family!r}")
    return {family: table[family] for family in families}


def check_grid(grid: int | None, channels: int, image_size: int, name: str = "grid") -> None:
    """Refuses a grid finer than the images, or too coarse for directions; `name`: of the parameter."""
    with about(name):
        extraction.check_grid(grid, image_size)
        if (dims := channels * (grid or image_size) ** 2) < 3:
            raise ValueError(f"directions need at least 3 dimensions; a grid of {grid} gives {dims}")


def check_batch_sizes(batch_sizes: list[int], n_train: int) -> None:
    """Refuses a batch of more images than there are, or one that leaves a single image over."""
    check_at_most("batch_sizes", batch_sizes, n_train, "training images")
    for size in batch_sizes:
        _check_none_over("batch_sizes", n_train, size)


def check_train_counts(counts: list[int], n_train: int, classes: int, batch: int = Specification.batch_size) -> None:
    """Refuses more training images than there are, fewer than one a class, or a number of which batches leave one over."""
    for count in counts:
        with about("train_counts"):
            if not classes <= count <= n_train:
                allowed = f"from {classes} (one a class) to {n_train}, the training images of this run"
                raise ValueError(f"must be {allowed}, not {count}")
        _check_none_over("train_counts", count, batch)


def _check_none_over(name: str, n_train: int, batch: int) -> None:
    if (n_train - 1) % batch == 0:
        over = f"batches of {batch} leave one of {n_train} training images over"
        raise ParameterError(f"parameter {name!r}: {over}, which BatchNorm cannot normalise")


def check_epoch_counts(counts: list[int], least: int) -> None:
    """Refuses fewer numbers of epochs than a chapter needs."""
    _check_enough("epoch_counts", len(counts), least, "numbers of epochs")


def check_widths(widths: dict[str, list[int]], least: int) -> None:
    """Refuses a family with fewer widths than a chapter needs."""
    for family, own in widths.items():
        _check_enough("widths", len(own), least, "widths of each family", f" of {family}")


def check_seeds(seeds: dict[str, int], least: int) -> None:
    """Refuses a family with fewer networks than a chapter needs."""
    for family, count in seeds.items():
        _check_enough("seeds", count, least, "networks of each family", f" of {family}")


def _check_enough(name: str, count: int, least: int, what: str, whose: str = "") -> None:
    if count < least:
        raise ParameterError(f"parameter {name!r}: this chapter needs at least {least} {what}, not {count}{whose}")


def check_shared_widths(widths: Widths) -> None:
    """Refuses different widths of the families, in a chapter that puts all beside each other."""
    if isinstance(widths, dict):
        needed = "this chapter needs the same widths for all its families, one list"
        raise ParameterError(f"parameter 'widths': {needed}, not {widths!r}")


def check_family_widths(families: list[str], widths: Widths, name: str = "widths") -> None:
    """Refuses a width that a family cannot have; `name`: of the parameter."""
    with about(name):
        for family, own in by_family(widths, families).items():
            for width in own:
                architectures.check_width(family, width)


def check_deeper(deep_depth: int, shallow_depth: int) -> None:
    """Refuses a deep network that is not deeper than the shallow one."""
    if deep_depth <= shallow_depth:
        raise ParameterError(f"parameter 'deep_depth': must be above shallow_depth, {shallow_depth}, not {deep_depth}")


def check_among(name: str, value: object, others: str, allowed: list) -> None:
    """Refuses a parameter, a value or a list, that is not among the `allowed`; `others`: what these are called."""
    if not set(value if isinstance(value, list) else [value]) <= set(allowed):
        among = f"{others} {', '.join(map(str, allowed))}"
        raise ParameterError(f"parameter {name!r}: must be among the {among}, not {value!r}")


def check_together(values: SimpleNamespace, *names: str) -> None:
    """Refuses some of these parameters where others are None."""
    missing = [name for name in names if getattr(values, name) is None]
    given = [name for name in names if name not in missing]
    if missing and given:
        raise ParameterError(f"parameter {given[0]!r}: needs {' and '.join(map(repr, missing))} too")


def check_at_most(name: str, count: int | list[int] | None, most: int, what: str = "test images") -> None:
    """Refuses a parameter, a count or a list, above `most`, the number of `what`.  None means all of them."""
    for one in count if isinstance(count, list) else [count]:
        if one is not None and one > most:
            raise ParameterError(f"parameter {name!r}: must be at most {most}, the number of {what}, not {one}")


def located(name: str, path: str, what: str) -> Path:
    """Where a parameter's path leads, relative ones from the root of the checkout; refuses it where no `what` is there."""
    found = ROOT / path
    if not found.exists():
        there = f"there is no {path} (seen from the root of the checkout)"
        raise ParameterError(f"parameter {name!r}: {there}; put {what} there, or name the place with -p {name} PATH")
    return found
