"""The types of the chapters' parameters, each with its constraints, and the type of every name.

A type takes a value and returns it checked, or raises ValueError with what is allowed.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.data import loading
from lib.models import architectures
from lib.models.imported_families import is_imported
from lib.runtime.checks import shown
from lib.salience import extraction
from lib.training.specification import check_precision

Type = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Kind:
    """Values that a predicate holds for, returned through `convert`; `allowed`: these values in words."""

    allowed: str
    holds: Callable[[Any], bool]
    convert: Type = lambda value: value

    def __call__(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(f"must be {self.allowed}, not {shown(value)}")
        return self.convert(value)


def whole(least: int, most: int = 10**6) -> Type:
    """Upper bounds are no advice: beyond them nothing could be stored or held in memory."""
    number = Kind(f"a whole number of at least {least}", lambda value: type(value) is int and value >= least)
    return also(number, f"at most {most:,}", lambda value: value <= most)


def number(allowed: str, above: float = -math.inf, below: float = math.inf) -> Type:
    return Kind(allowed, lambda value: type(value) in (int, float) and above < value < below, float)


def text(allowed: str, pattern: str) -> Type:
    return Kind(allowed, lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value)))


def known(check: Callable[[Any], None]) -> Type:
    """What a check of the library lets pass."""

    def let_pass(value: Any) -> Any:
        check(value)
        return value

    return let_pass


def also(of: Type, allowed: str, holds: Callable[[Any], bool]) -> Type:
    """What is of a type and has one more property."""
    return lambda value: Kind(allowed, holds)(of(value))


def optional(of: Type) -> Type:
    return lambda value: None if value is None else of(value)


def row(of: Type, lengths: tuple[int, ...], allowed: str) -> Type:
    """A list of one of some lengths."""
    return Kind(allowed, lambda value: _is_list(value) and len(value) in lengths, lambda value: list(map(of, value)))


def several(of: Type, least: int = 1, ordered: bool = True) -> Type:
    """A list of different values, sorted unless their order says something."""

    def check(value: Any) -> list:
        found = list(map(of, value)) if _is_list(value) else []
        if len(set(found)) < max(least, len(found)):
            raise ValueError(f"must be a list of at least {least} different values, not {shown(value)}")
        return sorted(found) if ordered else found

    return check


def by_family(of: Type) -> Type:
    """A value for all families, or a table, family -> value."""

    def check(value: object) -> object:
        if not isinstance(value, dict):
            return of(value)
        return {FAMILY(family): own(family, one) for family, one in value.items()}

    def own(family: str, value: object) -> object:
        try:
            return of(value)
        except ValueError as error:
            raise ValueError(f"those of {family} {error}") from None

    return check


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _depth(value: Any) -> int:
    architectures.check_family(f"resnet-{whole(8)(value)}")
    return value


def _picture_size(value: object) -> int | list[int]:
    sides = row(whole(1), (2,), "a whole number, or a list of two: height and width")
    return sides(value) if _is_list(value) else whole(1)(value)


FAMILY, OUTPUT = known(architectures.check_family), known(extraction.check_output)
PATH = text("the path of a file or folder", r"[^\0]*[^\0\s][^\0]*")
POSITIVE = number("a finite number above 0", 0)
SHARE = number("a number between 0 and 1", 0, 1)
CHANNELS = (1, 3), "a list of three numbers, for colour, or of one, for grey"
TRUTH: Type = Kind("True or False", lambda value: type(value) is bool)
NETWORKS = whole(3, 10**4)
WIDTHS = several(whole(1, 2**12), 2)
STITCHED = also(
    FAMILY,
    "a family with blocks to stitch at, a residual network or vision transformer",
    lambda family: family not in architectures.CNN_LAYOUTS and not is_imported(family),
)
GRIDS = also(
    several(whole(1), ordered=False),
    "a list that begins with a grid that all others divide",
    lambda grids: not any(grids[0] % grid for grid in grids),
)

TYPES: dict[str, Type] = {
    name: kind
    for names, kind in {
        "study": text("a name of at most 60 small letters, digits and hyphens", r"[a-z0-9][a-z0-9-]{0,59}"),
        "dataset": known(loading.check_name),
        "precision": known(check_precision),
        "control_family costly_family scale_family": FAMILY,
        "stitch_family": STITCHED,
        "families": several(FAMILY, ordered=False),
        "output": OUTPUT,
        "outputs": several(OUTPUT, ordered=False),
        "random_seed": whole(0, 2**32 - 1),
        "epochs matching_epochs detector_epochs": whole(1),
        "cka_passes random_drops probe_pool stitch_width point_step": whole(1),
        "shallow_width fit_images reference_images validation_images": whole(2),
        # Leaving one network out has to leave a pair.
        "control_seeds variant_seeds epochs_seeds precision_seeds scale_seeds data_seeds": NETWORKS,
        "stitch_pairs": NETWORKS,
        "attack_networks": optional(NETWORKS),
        "seeds": by_family(NETWORKS),
        "prediction_seeds": also(whole(6), "even, so that there are two halves", lambda count: count % 2 == 0),
        "cka_batch": whole(4),
        "full_images": whole(8),
        "simulations": whole(10),
        "trained_controls": TRUTH,
        "bootstrap_draws samples images permutations": whole(100),
        "n_train n_test matching_images grid other_width": optional(whole(1)),
        "attack_images view_images": optional(whole(10)),
        "grids": GRIDS,
        "widths": by_family(WIDTHS),
        "control_widths": optional(WIDTHS),
        "variant_widths epochs_widths scale_widths pair_widths plain_widths": WIDTHS,
        "wide_depth deep_depth shallow_depth": _depth,
        "depths pair_depths": several(_depth, 2),
        "dimensions": several(whole(2)),
        "batch_sizes train_counts fit_counts": several(whole(2), 2),
        "cka_batches": several(whole(4), 2),
        "compared_epochs wide_epochs": several(whole(1)),
        "epoch_counts": several(whole(1), ordered=False),
        "network_counts": several(whole(3), ordered=False),
        "image_counts": several(whole(10), ordered=False),
        "main_eps learning_rate matching_rate noise": POSITIVE,
        "eps judged_eps": several(POSITIVE),
        "block_threshold dropped_share": SHARE,
        "thresholds": several(SHARE),
        "checkpoints pictures": PATH,
        "model_folder picture_folder": optional(PATH),
        "own_measure": optional(text("the path of a function, as in package.module:function", r"\w+(\.\w+)*:\w+")),
        "picture_size": _picture_size,
        "picture_mean": row(number("a finite number"), *CHANNELS),
        "picture_std": row(POSITIVE, *CHANNELS),
    }.items()
    for name in names.split()
}
