"""The parameters of a chapter, checked before any work starts.

papermill accepts a misspelt parameter and runs with the default; the `papermill` command hands lists over as text.
Chapters therefore read their parameters through `read`, in the first cell after the parameters cell.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import ModuleType, SimpleNamespace

import yaml

from lib import data, models, salience
from lib.files import ROOT

IPYTHON_NAMES = {"In", "Out"}


class ParameterError(ValueError):
    """A parameter that no chapter could run with; in a notebook it shows as its one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"ParameterError: {self}"]


def read(namespace: Mapping[str, object], names: Iterable[str]) -> SimpleNamespace:
    """The checked values of the parameters `names`, found in a notebook's `globals()`.

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
        try:
            setattr(values, name, RULES[name](_parsed(namespace[name])))
        except ValueError as error:
            raise ParameterError(f"parameter {name!r}: {error}") from None
    if hasattr(values, "seeds") and hasattr(values, "families"):
        values.seeds = _seeds_by_family(values.seeds, values.families)
    if hasattr(values, "widths") and hasattr(values, "families"):
        check_family_widths("widths", values.families, values.widths)
    return values


def check_grid(grid: int | None, channels: int, image_size: int, name: str = "grid") -> None:
    """Raises ParameterError for a grid finer than the images, or too coarse for directions, before any training.

    `name`: of the parameter.
    """
    try:
        salience.check_grid(grid, image_size)
    except ValueError as error:
        raise ParameterError(f"parameter {name!r}: {error}") from None
    if channels * (grid or image_size) ** 2 < 3:
        raise ParameterError(f"parameter {name!r}: directions need at least 3 dimensions; a grid of {grid} gives "
                             f"{channels * (grid or image_size) ** 2}")


def check_batch_sizes(batch_sizes: list[int], n_train: int) -> None:
    """Raises ParameterError for a batch of more images than there are, or one that leaves a single image over."""
    for size in batch_sizes:
        if size > n_train:
            raise ParameterError(f"parameter 'batch_sizes': a batch of {size} needs as many training images, and there "
                                 f"are {n_train}")
        if (n_train - 1) % size == 0:
            raise ParameterError(f"parameter 'batch_sizes': batches of {size} leave one of the {n_train} training "
                                 "images over, which BatchNorm cannot normalise")


def check_widths(widths: list[int], least: int) -> None:
    """Raises ParameterError for fewer widths than a chapter needs."""
    if len(widths) < least:
        raise ParameterError(f"parameter 'widths': this chapter needs at least {least} widths, not {len(widths)}")


def check_family_widths(name: str, families: list[str], widths: list[int], among: list[int] | None = None) -> None:
    """Raises ParameterError for a width in the parameter `name` that a family cannot have, or that is not `among`."""
    for family, width in product(families, widths):
        try:
            models.check_width(family, width)
        except ValueError as error:
            raise ParameterError(f"parameter {name!r}: {error}") from None
    if among is not None and not set(widths) <= set(among):
        raise ParameterError(f"parameter {name!r}: must be among the widths {among}, not {widths}")


def check_seeds(seeds: dict[str, int], least: int) -> None:
    """Raises ParameterError for a family with fewer networks than a chapter needs."""
    for family, count in seeds.items():
        if count < least:
            raise ParameterError(f"parameter 'seeds': this chapter needs at least {least} networks of each family, "
                                 f"not {count} of {family}")


def check_eps(eps: list[float], judged_eps: list[float], main_eps: float) -> None:
    """Raises ParameterError for verdicts at steps that the run leaves out, or not at the main step."""
    if not set(judged_eps) <= set(eps):
        raise ParameterError(f"parameter 'judged_eps': must be among the steps eps of this run, "
                             f"{', '.join(f'{step:g}' for step in eps)}, not {judged_eps}")
    if main_eps not in judged_eps:
        raise ParameterError(f"parameter 'main_eps': must be one of judged_eps, "
                             f"{', '.join(f'{step:g}' for step in judged_eps)}, not {main_eps:g}")


def check_attack_images(count: int | None, available: int) -> None:
    """Raises ParameterError for more attacked images than there are test images; None means all of them."""
    if count is not None and count > available:
        raise ParameterError(f"parameter 'attack_images': must be at most {available}, the number of test images, or "
                             f"None for all of them, not {count}")


def check_control(family: str, families: list[str]) -> None:
    """Raises ParameterError for controls of a family that the run leaves out."""
    if family not in families:
        raise ParameterError(f"parameter 'control_family': must be one of the families of this run, "
                             f"{', '.join(families)}, not {family!r}")


def check_costly(family: str, families: list[str], epochs_widths: list[int], widths: list[int]) -> None:
    """Raises ParameterError for costly choices of a family, or at widths, that the run leaves out."""
    if family not in families:
        raise ParameterError(f"parameter 'costly_family': must be one of the families of this run, "
                             f"{', '.join(families)}, not {family!r}")
    if not set(epochs_widths) <= set(widths):
        raise ParameterError(f"parameter 'epochs_widths': must be among the widths of this run, "
                             f"{', '.join(map(str, widths))}, not {epochs_widths}")


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


def _whole(least: int) -> Callable[[object], int]:
    def check(value):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"must be a whole number of at least {least}, not {value!r}")
        return value
    return check


def _optional_whole(least: int) -> Callable[[object], int | None]:
    return lambda value: None if value is None else _whole(least)(value)


def _distinct(value: object, least: int) -> list:
    if not isinstance(value, (list, tuple)) or len(set(map(str, value))) < max(least, len(value)):
        raise ValueError(f"must be a list of at least {least} different values, not {value!r}")
    return list(value)


def _families(value: object) -> list[str]:
    for family in _distinct(value, 1):
        models.check_family(family)
    return list(value)


def _widths(value: object) -> list[int]:
    return sorted(_whole(1)(width) for width in _distinct(value, 2))


def _seeds(value: object) -> int | dict[str, int]:
    """At least 3 networks: leaving one out has to leave a pair."""
    if isinstance(value, dict):
        for family, count in value.items():
            models.check_family(family)
            _whole(3)(count)
        return value
    return _whole(3)(value)


def _seeds_by_family(seeds: int | dict[str, int], families: list[str]) -> dict[str, int]:
    """The number of seeds for each chosen family."""
    if isinstance(seeds, int):
        return dict.fromkeys(families, seeds)
    for family in families:
        if family not in seeds:
            raise ParameterError(f"parameter 'seeds': names no number for the family {family!r}")
    return {family: seeds[family] for family in families}


def _family(value: object) -> str:
    models.check_family(value)
    return value


def _dataset(value: object) -> str:
    data.check_name(value)
    return value


def _output(value: object) -> str:
    salience.check_output(value)
    return value


def _study(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", value):
        raise ValueError(f"must be a name of small letters, digits and hyphens, not {value!r}")
    return value


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"must be a finite number above 0, not {value!r}")
    return float(value)


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"must be the path of a file or folder, not {value!r}")
    return value


def _steps(value: object) -> list[float]:
    return sorted(_distinct([_positive(step) for step in _distinct(value, 1)], 1))


def _dimensions(value: object) -> list[int]:
    return sorted(_whole(2)(dimension) for dimension in _distinct(value, 1))


def _outputs(value: object) -> list[str]:
    for output in _distinct(value, 1):
        salience.check_output(output)
    return list(value)


def _grids(value: object) -> list[int]:
    grids = [_whole(1)(grid) for grid in _distinct(value, 1)]
    if any(grids[0] % grid for grid in grids):
        raise ValueError(f"must begin with a grid that all others divide, not {grids}")
    return grids


def _counts(least: int) -> Callable[[object], list[int]]:
    return lambda value: [_whole(least)(count) for count in _distinct(value, 1)]


# name -> rule: takes a value, returns it checked, or raises ValueError with what is allowed
RULES = {
    "study": _study,
    "dataset": _dataset,
    "n_train": _optional_whole(1),
    "n_test": _optional_whole(1),
    "families": _families,
    "widths": _widths,
    "seeds": _seeds,
    "epochs": _whole(1),
    "output": _output,
    "grid": _optional_whole(1),
    "bootstrap_draws": _whole(100),
    "random_seed": _whole(0),
    "dimensions": _dimensions,
    "samples": _whole(100),
    "control_family": _family,
    "control_seeds": _whole(3),
    "simulations": _whole(10),
    "eps": _steps,
    "judged_eps": _steps,
    "main_eps": _positive,
    "learning_rate": _positive,
    "variant_widths": _widths,
    "variant_seeds": _whole(3),
    "attack_networks": _whole(3),
    "attack_images": _optional_whole(10),
    "outputs": _outputs,
    "grids": _grids,
    "image_counts": _counts(10),
    "network_counts": _counts(3),
    "epoch_counts": _counts(1),
    "epochs_widths": _widths,
    "epochs_seeds": _whole(3),
    "costly_family": _family,
    "checkpoints": _path,
    "pictures": _path,
    "images": _whole(100),
    "batch_sizes": lambda value: sorted(_whole(2)(size) for size in _distinct(value, 2)),
}
