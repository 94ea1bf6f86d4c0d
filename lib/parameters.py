"""The parameters of a chapter, checked before any work starts.

papermill accepts a misspelt parameter and runs with the default; the `papermill` command hands lists over as text.
Chapters therefore read their parameters through `read`, in the first cell after the parameters cell.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import yaml

from lib.family_widths import Widths, by_family, one_if_alike
from lib.models import architectures
from lib.parameter_rules import RULES
from lib.runtime.files import ROOT
from lib.salience import extraction
from lib.training.specification import Specification

IPYTHON_NAMES = {"In", "Out"}


class ParameterError(ValueError):
    """A parameter that no chapter could run with; in a notebook it shows as its one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"ParameterError: {self}"]


def read(namespace: Mapping[str, object], names: Iterable[str]) -> SimpleNamespace:
    """The checked values of the parameters `names`, found in a notebook's `globals()`.

    `seeds` is a number for each of the `families`; `widths` is a list, or a list for each of them where they differ.

    Any other variable is taken for a misspelt parameter, so this comes before imports and other assignments.

    Raises:
        ParameterError: an unknown parameter, or a value that its rule (RULES) refuses.
    """
    names = list(names)
    # Where a kernel runs the chapter once more, the variables of the first run are there too.
    again = any(isinstance(value, SimpleNamespace) for value in namespace.values())
    for name in [] if again else sorted(_variables(namespace) - set(names)):
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ParameterError(f"unknown parameter {name!r}; {hint}the parameters are {', '.join(names)}")
    values = SimpleNamespace()
    for name in names:
        with about(name):
            setattr(values, name, RULES[name](_parsed(namespace[name])))
    if hasattr(values, "seeds") and hasattr(values, "families"):
        values.seeds = _seeds_by_family(values.seeds, values.families)
    if hasattr(values, "widths"):
        values.widths = _chosen_widths(values.widths, getattr(values, "families", None))
    return values


def check_grid(grid: int | None, channels: int, image_size: int, name: str = "grid") -> None:
    """Raises ParameterError for a grid finer than the images, or too coarse for directions, before any training.

    `name`: of the parameter.
    """
    with about(name):
        extraction.check_grid(grid, image_size)
        if (dims := channels * (grid or image_size) ** 2) < 3:
            raise ValueError(f"directions need at least 3 dimensions; a grid of {grid} gives {dims}")


def check_batch_sizes(batch_sizes: list[int], n_train: int) -> None:
    """Raises ParameterError for a batch of more images than there are, or one that leaves a single image over."""
    with about("batch_sizes"):
        for size in batch_sizes:
            if size > n_train:
                raise ValueError(f"a batch of {size} needs as many training images, and there are {n_train}")
            if (n_train - 1) % size == 0:
                raise ValueError(f"batches of {size} leave one of the {n_train} training images over, which BatchNorm "
                                 "cannot normalise")


def check_train_counts(counts: list[int], n_train: int, classes: int, batch: int = Specification.batch_size) -> None:
    """Raises ParameterError for more training images than there are, fewer than one a class, or a number of which
    batches of the recipe's size leave a single one over."""
    with about("train_counts"):
        for count in counts:
            if not classes <= count <= n_train:
                raise ValueError(f"must be from {classes} (one a class) to {n_train}, the training images of this run, "
                                 f"not {count}")
            if (count - 1) % batch == 0:
                raise ValueError(f"batches of {batch} leave one of {count} training images over, which BatchNorm "
                                 "cannot normalise")


def check_epoch_counts(counts: list[int], least: int) -> None:
    """Raises ParameterError for fewer numbers of epochs than a chapter needs."""
    with about("epoch_counts"):
        if len(counts) < least:
            raise ValueError(f"this chapter needs at least {least} numbers of epochs, not {len(counts)}")


def check_widths(widths: dict[str, list[int]], least: int) -> None:
    """Raises ParameterError for a family with fewer widths than a chapter needs."""
    with about("widths"):
        for family, own in widths.items():
            if len(own) < least:
                raise ValueError(f"this chapter needs at least {least} widths of each family, not {len(own)} of "
                                 f"{family}")


def check_shared_widths(widths: list[int] | dict[str, list[int]]) -> None:
    """Raises ParameterError where families have different widths, in a chapter that puts all beside each other."""
    if isinstance(widths, dict):
        raise ParameterError("parameter 'widths': this chapter needs the same widths for all its families, one list, "
                             f"not {widths!r}")


def check_family_widths(families: list[str], widths: Widths, name: str = "widths") -> None:
    """Raises ParameterError for a width that a family cannot have; `name`: of the parameter."""
    with about(name):
        for family, own in by_family(widths, families).items():
            for width in own:
                architectures.check_width(family, width)


def check_seeds(seeds: dict[str, int], least: int) -> None:
    """Raises ParameterError for a family with fewer networks than a chapter needs."""
    with about("seeds"):
        for family, count in seeds.items():
            if count < least:
                raise ValueError(f"this chapter needs at least {least} networks of each family, not {count} of {family}")


def check_deeper(deep_depth: int, shallow_depth: int) -> None:
    """Raises ParameterError unless the deep network is deeper than the shallow one."""
    with about("deep_depth"):
        if deep_depth <= shallow_depth:
            raise ValueError(f"must be above shallow_depth, {shallow_depth}, not {deep_depth}")


def check_among(name: str, value: object, others: str, allowed: list) -> None:
    """Raises ParameterError where the parameter `name`, a value or a list, is not among the `allowed`.

    `others`: what these are called.
    """
    if not set(value if isinstance(value, list) else [value]) <= set(allowed):
        raise ParameterError(f"parameter {name!r}: must be among the {others} {', '.join(map(str, allowed))}, "
                             f"not {value!r}")


def check_together(values: SimpleNamespace, *names: str) -> None:
    """Raises ParameterError where some of these parameters are given and others are None."""
    given = [name for name in names if getattr(values, name) is not None]
    if missing := [name for name in names if name not in given]:
        if given:
            raise ParameterError(f"parameter {given[0]!r}: needs {' and '.join(map(repr, missing))} too")


def check_at_most(name: str, count: int | list[int] | None, most: int, what: str = "test images") -> None:
    """Raises ParameterError where the parameter `name`, a count or a list, is above `most`, the number of `what`.

    None means all of them.
    """
    with about(name):
        for one in count if isinstance(count, list) else [count]:
            if one is not None and one > most:
                raise ValueError(f"must be at most {most}, the number of {what}, not {one}")


def located(name: str, path: str, what: str) -> Path:
    """Where a parameter's path leads, relative ones from the root of the checkout.

    Raises:
        ParameterError: nothing is there; `what` should be.
    """
    found = ROOT / path
    if not found.exists():
        raise ParameterError(f"parameter {name!r}: there is no {path} (seen from the root of the checkout); put {what} "
                             f"there, or name the place with -p {name} PATH")
    return found


@contextmanager
def about(name: str) -> Iterator[None]:
    """What is refused inside is the fault of this parameter: a ValueError becomes a ParameterError."""
    try:
        yield
    except ValueError as error:
        raise ParameterError(f"parameter {name!r}: {error}") from None


def _variables(namespace: Mapping[str, object]) -> set[str]:
    return {name for name, value in namespace.items()
            if not (name.startswith("_") or name in IPYTHON_NAMES or callable(value) or isinstance(value, ModuleType))}


def _parsed(value: object) -> object:
    """Lists and mappings that came as text from the command line."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError(f"{value!r} is not a list or mapping") from None
    return value


def _seeds_by_family(seeds: int | dict[str, int], families: list[str]) -> dict[str, int]:
    """The number of seeds for each chosen family."""
    if isinstance(seeds, int):
        return dict.fromkeys(families, seeds)
    _check_named(families, seeds, "seeds", "number")
    return {family: seeds[family] for family in families}


def _chosen_widths(widths: list[int] | dict[str, list[int]], families: list[str] | None
                   ) -> list[int] | dict[str, list[int]]:
    """Those of the chosen families: a list unless they differ.  Some chapters have no choice of families: None."""
    if isinstance(widths, dict):
        if families is None:
            raise ParameterError("parameter 'widths': must be one list in a chapter without the parameter 'families', "
                                 f"not {widths!r}")
        _check_named(families, widths, "widths", "widths")
        widths = one_if_alike(by_family(widths, families))
    check_family_widths(families or [], widths)
    return widths


def _check_named(families: list[str], table: dict[str, object], name: str, what: str) -> None:
    """Raises ParameterError for a chosen family that the table of the parameter `name` lacks; `what`: it holds."""
    with about(name):
        for family in families:
            if family not in table:
                raise ValueError(f"names no {what} for the family {family!r}")
