"""Networks that others trained and released as PyTorch state dicts, one a file.

What a network is stands in its weights: the names of its layers give the family, their sizes the width.  The names are
those of the authors' program, and of `lib.models.architectures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from lib.models import architectures, checkpoints

FAMILIES = (
    *architectures.CNN_LAYOUTS,
    *architectures.RESNET_BLOCKS,
)  # the authors' vision transformer was not released
FIRST = {
    "cnn-small": "backbone.0.weight",
    "cnn-large": "backbone.0.weight",
    "resnet-small": "conv1.weight",
    "resnet-large": "conv1.weight",
}  # [width, channels, size, size]
# What the authors' program subtracts from CIFAR's pixels (0 to 1), a channel, and divides by.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)
# Files that are plainly no checkpoint.  Everything else in the folder is meant as one, whatever its name.
DOCUMENTS = {".png", ".jpg", ".jpeg", ".svg", ".pdf", ".txt", ".md", ".rst", ".json", ".csv", ".py", ".ipynb", ".html"}
NOTICES = {"LICENSE", "LICENCE", "COPYING", "NOTICE", "README"}


@dataclass(frozen=True, eq=False)
class ReleasedNetwork:
    """A network in eval mode, with the name of its file."""

    name: str
    family: str
    width: int
    model: nn.Module


def checkpoint_files(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """The files of a folder that are meant as checkpoints, and those that are left aside, each sorted by name.

    Left aside are folders, hidden files, licences and readme files, and files that end as pictures or texts do.

    Raises:
        ValueError: no such folder, or a folder without checkpoints.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; a folder with PyTorch state dicts, one a file, is needed")
    entries = sorted(folder.iterdir())
    aside = [path for path in entries if _is_aside(path)]
    if not (files := [path for path in entries if path not in aside]):
        only = ", ".join(path.name for path in aside) or "nothing"
        raise ValueError(
            f"the folder {folder.name} holds no checkpoints, only {only}; a PyTorch state dict a file is needed"
        )
    return files, aside


def load_folder(folder: str | Path, **sizes: int) -> list[ReleasedNetwork]:
    """Every checkpoint of a folder as a network, by family, width and file name; `sizes` as for `load`.

    Raises:
        ValueError: all that `checkpoint_files` and `load` refuse.
    """
    networks = [load(path, **sizes) for path in checkpoint_files(folder)[0]]
    return sorted(networks, key=lambda network: (FAMILIES.index(network.family), network.width, network.name))


def load(path: Path, *, in_channels: int = 3, image_size: int = 32, num_classes: int = 10) -> ReleasedNetwork:
    """One network, from a file that is never executed; sizes as for `lib.models.architectures.build`.

    Raises:
        ValueError: a file that is no state dict, of no known family, with other layers or sizes than its family and
            width have, or with weights that are not finite; the file is named.
    """
    state = _state(path)
    family = _family(path.name, state)
    first = state[FIRST[family]]
    if first.ndim != 4:
        raise ValueError(
            f"{path.name}: {FIRST[family]} must have the shape [width, channels, size, size], not {list(first.shape)}"
        )
    width = len(first)
    sizes = {"in_channels": in_channels, "image_size": image_size, "num_classes": num_classes}
    with torch.device("meta"):  # shapes alone: a width that a file claims takes no memory
        expected = architectures.build(family, width, **sizes).state_dict()
    for key, value in expected.items():
        _check_kind(path.name, key, state[key], value.is_floating_point())
        if state[key].shape != value.shape:
            raise ValueError(
                f"{path.name}: {key} has the shape {list(state[key].shape)}, and {family} of width "
                f"{width} for {in_channels} channels and {num_classes} classes has {list(value.shape)}"
            )
        if not state[key].isfinite().all():
            raise ValueError(f"{path.name}: {key} holds numbers that are not finite")
    model = architectures.build(family, width, **sizes)
    model.load_state_dict(state)
    # Channels last: convolutions on a processor take about half the time.
    return ReleasedNetwork(path.name, family, width, model.eval().to(memory_format=torch.channels_last))


def one_family(networks: Sequence[ReleasedNetwork]) -> str:
    """The family of all of them.

    Raises:
        ValueError: several families, two networks of one width, or fewer than 3.
    """
    kinds = sorted({network.family for network in networks})
    widths = [network.width for network in networks]
    if len(kinds) > 1 or len(set(widths)) < max(len(widths), 3):
        there = ", ".join(f"{one.family} of width {one.width} ({one.name})" for one in networks)
        raise ValueError(f"one family is needed, at least 3 networks, each of another width, not {there}")
    return kinds[0]


def _is_aside(path: Path) -> bool:
    hidden, notice = path.name.startswith("."), path.stem.upper() in NOTICES
    return hidden or notice or path.is_dir() or path.suffix.lower() in DOCUMENTS


def _state(path: Path) -> dict[str, torch.Tensor]:
    try:
        state = checkpoints.tensors(path)
    except Exception as error:  # whatever a file that is no checkpoint makes the reader stumble over
        raise ValueError(
            f"{path.name} is no PyTorch state dict, or holds more than weights "
            f"({type(error).__name__}); files of the folder that are none must be moved away"
        ) from None
    items = state.items() if isinstance(state, dict) else ()
    if not items or not all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in items):
        kind = type(state).__name__
        raise ValueError(
            f"{path.name} is no state dict, which maps the names of layers to tensors, but a {kind} of something else"
        )
    return state


def _check_kind(name: str, key: str, value: torch.Tensor, floating: bool) -> None:
    """Raises ValueError for a tensor that is no plain array of numbers in memory, of the kind that belongs there."""
    plain = value.layout == torch.strided and value.device.type == "cpu" and not value.is_quantized
    if not plain or value.untyped_storage().nbytes() < value.numel() * value.element_size():
        found = f"lies on {value.device.type}, {value.layout}, of shape {list(value.shape)}"
        raise ValueError(f"{name}: {key} must be a plain tensor with all its numbers, and {found}")
    whole = not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)
    if not (value.is_floating_point() if floating else whole):
        kind = "floating" if floating else "whole"
        raise ValueError(f"{name}: {key} must hold {kind} numbers, not {value.dtype}")


def _family(name: str, state: dict[str, torch.Tensor]) -> str:
    """The family with exactly these layers."""
    layers = {}
    for family in FAMILIES:
        with torch.device("meta"):
            layers[family] = set(architectures.build(family, 1).state_dict())
        if layers[family] == state.keys():
            return family
    nearest = max(FAMILIES, key=lambda family: len(layers[family] & state.keys()) / len(layers[family] | state.keys()))
    if not layers[nearest] & state.keys():
        raise ValueError(f"{name} holds a network of another kind; the families are {', '.join(FAMILIES)}")
    missing, added = sorted(layers[nearest] - state.keys()), sorted(state.keys() - layers[nearest])
    faults = ([f"lacks {missing[0]}"] if missing else []) + ([f"has an unknown {added[0]}"] if added else [])
    raise ValueError(
        f"{name} is no network of the families {', '.join(FAMILIES)}: it comes nearest to {nearest}, but "
        f"{' and '.join(faults)} ({len(missing)} names missing, {len(added)} unknown)"
    )
