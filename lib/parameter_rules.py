"""What single parameters of the chapters may be: a rule for each name."""

import math
import re
from collections.abc import Callable

from lib.data import loading
from lib.models import architectures
from lib.salience import extraction
from lib.training.specification import check_precision


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
        architectures.check_family(family)
    return list(value)


def _widths(value: object) -> list[int]:
    return sorted(_whole(1)(width) for width in _distinct(value, 2))


def _widths_by_family(value: object) -> list[int] | dict[str, list[int]]:
    """A list for all families, or a table of lists."""
    if not isinstance(value, dict):
        return _widths(value)
    for family in value:
        architectures.check_family(family)
    return {family: _widths_of(family, own) for family, own in value.items()}


def _widths_of(family: str, value: object) -> list[int]:
    try:
        return _widths(value)
    except ValueError as error:
        raise ValueError(f"those of {family} {error}") from None


def _seeds(value: object) -> int | dict[str, int]:
    """At least 3 networks: leaving one out has to leave a pair."""
    if isinstance(value, dict):
        for family, count in value.items():
            architectures.check_family(family)
            _whole(3)(count)
        return value
    return _whole(3)(value)


def _family(value: object) -> str:
    architectures.check_family(value)
    return value


def _dataset(value: object) -> str:
    loading.check_name(value)
    return value


def _output(value: object) -> str:
    extraction.check_output(value)
    return value


def _precision(value: object) -> str:
    check_precision(value)
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


def _optional_path(value: object) -> str | None:
    return None if value is None else _path(value)


def _picture_size(value: object) -> int | list[int]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return [_whole(1)(side) for side in value]
    return _whole(1)(value)


def _channel_numbers(check: Callable[[object], float]) -> Callable[[object], list[float]]:
    def check_all(value):
        if not isinstance(value, (list, tuple)) or len(value) not in (1, 3):
            raise ValueError(f"must be a list of three numbers, for colour, or of one, for grey, not {value!r}")
        return [check(number) for number in value]
    return check_all


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {value!r}")
    return float(value)


def _steps(value: object) -> list[float]:
    return sorted(_distinct([_positive(step) for step in _distinct(value, 1)], 1))


def _dimensions(value: object) -> list[int]:
    return sorted(_whole(2)(dimension) for dimension in _distinct(value, 1))


def _outputs(value: object) -> list[str]:
    for output in _distinct(value, 1):
        extraction.check_output(output)
    return list(value)


def _grids(value: object) -> list[int]:
    grids = [_whole(1)(grid) for grid in _distinct(value, 1)]
    if any(grids[0] % grid for grid in grids):
        raise ValueError(f"must begin with a grid that all others divide, not {grids}")
    return grids


def _depth(value: object) -> int:
    architectures.check_family(f"resnet-{_whole(8)(value)}")
    return value


def _halved(value: object) -> int:
    """At least 6 networks: each half has to have three."""
    if _whole(6)(value) % 2:
        raise ValueError(f"must be even, so that there are two halves, not {value}")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError(f"must be a number between 0 and 1, not {value!r}")
    return float(value)


def _counts(least: int) -> Callable[[object], list[int]]:
    return lambda value: [_whole(least)(count) for count in _distinct(value, 1)]


def _stitch_family(value: object) -> str:
    architectures.check_family(value)
    if value in architectures.CNN_LAYOUTS:
        raise ValueError(f"must be a family with blocks to stitch at, a residual network or vision transformer, not "
                         f"{value!r}")
    return value


# name -> rule: takes a value, returns it checked, or raises ValueError with what is allowed
RULES = {
    "study": _study,
    "dataset": _dataset,
    "n_train": _optional_whole(1),
    "n_test": _optional_whole(1),
    "families": _families,
    "widths": _widths_by_family,
    "seeds": _seeds,
    "epochs": _whole(1),
    "precision": _precision,
    "output": _output,
    "grid": _optional_whole(1),
    "bootstrap_draws": _whole(100),
    "random_seed": _whole(0),
    "dimensions": _dimensions,
    "samples": _whole(100),
    "control_family": _family,
    "control_widths": _widths,
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
    "precision_seeds": _whole(3),
    "costly_family": _family,
    "checkpoints": _path,
    "pictures": _path,
    "images": _whole(100),
    "model_folder": _optional_path,
    "picture_folder": _optional_path,
    "picture_size": _picture_size,
    "picture_mean": _channel_numbers(_finite),
    "picture_std": _channel_numbers(_positive),
    "batch_sizes": lambda value: sorted(_whole(2)(size) for size in _distinct(value, 2)),
    "scale_family": _family,
    "scale_widths": _widths,
    "scale_seeds": _whole(3),
    "train_counts": lambda value: sorted(_whole(2)(count) for count in _distinct(value, 2)),
    "depths": lambda value: sorted(_depth(depth) for depth in _distinct(value, 2)),
    "wide_depth": _depth,
    "block_threshold": _share,
    "thresholds": lambda value: sorted(_share(threshold) for threshold in _distinct(value, 1)),
    "cka_batch": _whole(4),
    "cka_passes": _whole(1),
    "dropped_share": _share,
    "random_drops": _whole(1),
    "probe_pool": _whole(1),
    "data_seeds": _whole(3),
    "cka_batches": lambda value: sorted(_whole(4)(size) for size in _distinct(value, 2)),
    "full_images": _whole(8),
    "deep_depth": _depth,
    "shallow_depth": _depth,
    "shallow_width": _whole(2),
    "pair_depths": lambda value: sorted(_depth(depth) for depth in _distinct(value, 2)),
    "pair_widths": _widths,
    "prediction_seeds": _halved,
    "permutations": _whole(100),
    "stitch_family": _stitch_family,
    "stitch_width": _whole(1),
    "stitch_pairs": _whole(3),
    "point_step": _whole(1),
    "matching_epochs": _whole(1),
    "compared_epochs": lambda value: sorted(_whole(1)(count) for count in _distinct(value, 1)),
    "matching_rate": _positive,
    "detector_epochs": _whole(1),
    "stitched_networks": _whole(3),
    "stitched_across": _whole(3),
    "fit_images": _whole(2),
    "fit_counts": lambda value: sorted(_whole(2)(count) for count in _distinct(value, 2)),
    "view_images": _optional_whole(10),
}
