"""A reader's own pictures in class folders, as the tensors that the reader's networks take."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from lib.data import opening, pictures
from lib.runtime.checks import check_count
from lib.runtime.room import check_memory
from lib.runtime.tasks import progress

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
Transform = Callable[..., torch.Tensor]  # of a picture as Pillow opens it


def resized(
    size: int | Sequence[int],
    mean: Sequence[float] = (0.485, 0.456, 0.406),
    std: Sequence[float] = (0.229, 0.224, 0.225),
) -> Transform:
    """A transform of a picture: resized to fill `size`, cut at its centre, (pixel - mean) / std, [channels, H, W].

    Args:
        size: of the result, one number or (height, width).
        mean, std: in pixel values from 0 to 1, three for colour (by default those of ImageNet) or one for grey.
    """
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    for side in (height, width):
        check_count("size", side)
    if len(mean) != len(std) or len(mean) not in (1, 3):
        raise ValueError(
            f"mean and std must be three numbers each, for colour, or one, for grey, not {len(mean)} and {len(std)}"
        )

    def fill(picture: Image.Image) -> Image.Image:
        scale = max(height / picture.height, width / picture.width)
        size = [max(height, round(scale * picture.height)), max(width, round(scale * picture.width))]
        return v2.functional.resize(picture, size, antialias=True)

    grey = [v2.Grayscale()] if len(mean) == 1 else []
    numbers = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    return v2.Compose([*grey, fill, v2.CenterCrop((height, width)), *numbers])


def load_images(
    folder: str | Path,
    transform: Transform,
    *,
    classes: Sequence[str] | None = None,
    count: int | None = None,
    seed: int = 0,
) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Pictures in FOLDER/CLASS/FILE: -> images [n, C, H, W], labels [n], names of the classes.

    Args:
        transform: makes a tensor [C, H, W], as the networks take it, of a picture; `resized`, or the one that came with
            the weights (torchvision: `weights.transforms()`).
        classes: the names of the networks' classes in the order of their scores (torchvision:
            `weights.meta["categories"]`); by default the names of the folders, sorted.
        count: take so many at random, the classes as equal in number as they can be; `seed` decides which.

    Raises:
        ValueError: no such folder, one that `lib.data.pictures.in_classes` refuses, a folder that is no class or could be
            two, more pictures than there is memory for, or one that cannot be read, is too large or becomes a tensor of
            another shape than the first; it is named.
    """
    folder = Path(folder)
    check_count("seed", seed, 0)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; a folder of pictures, CLASS/FILE, is needed")
    named = [
        name.split("/")
        for name in pictures.names(folder, [level.removeprefix("/") for level in pictures.LEVELS], "pictures in CLASS/")
    ]
    shown = (parts for parts in named if not parts[-1] or parts[-1].lower().endswith(ENDINGS))
    try:
        _, found = pictures.in_classes(shown, "", str(folder))
    except ValueError as error:
        raise ValueError(f"{error}; the files of pictures end in {', '.join(ENDINGS)}") from None
    files = [folder / kind / file for kind, file in found]
    classes, labels = _labels([kind for kind, _ in found], classes)
    if count is not None:
        check_count("count", count)
        chosen = pictures.subset(labels, count, np.random.default_rng(seed), balanced=True)
        files, labels = [files[place] for place in chosen], labels[chosen]
    first = _read(files[0], transform)
    check_memory(len(files), first.nbytes, f"pictures of {folder.name}, {list(first.shape)} numbers each,")
    images = first.new_empty(len(files), *first.shape)
    with progress(len(files), f"reading {len(files)} pictures of {folder.name}", delay=2) as bar:
        for place, path in enumerate(files):
            image = _read(path, transform)
            if image.shape != first.shape:
                raise ValueError(
                    f"{_name(path)} became a tensor {list(image.shape)}, and {_name(files[0])} {list(first.shape)}; a "
                    "transform to one size is needed, for instance resized(224)"
                )
            images[place] = image
            bar.update()
    return images, torch.from_numpy(labels), classes


def _labels(names: Sequence[str], classes: Sequence[str] | None) -> tuple[list[str], np.ndarray]:
    """The classes, and the place among them of each picture's folder, [n]."""
    folders = sorted(set(names))
    classes = folders if classes is None else list(classes)
    for name in folders:
        if name not in classes:
            near = ", ".join(map(repr, difflib.get_close_matches(name, classes, 3)))
            raise ValueError(
                f"the folder {name!r} is no class of the networks" + (f"; near are {near}" if near else "")
            )
        if classes.count(name) > 1:
            raise ValueError(f"the folder {name!r} is ambiguous: several classes of the networks have this name")
    number = {name: place for place, name in enumerate(classes)}
    return classes, np.array([number[name] for name in names])


def _read(path: Path, transform: Transform) -> torch.Tensor:
    try:
        with opening.opened(opening.content_of(path)) as picture:
            if picture.mode.startswith(("I", "F")):
                raise ValueError(f"its mode {picture.mode} has more than 8 bits a channel")
            image = transform(picture.convert("RGB"))
        if not isinstance(image, torch.Tensor):
            raise TypeError(f"the transform gave a {type(image).__name__} and no tensor")
        return image
    except opening.Refused as error:
        raise ValueError(f"{_name(path)} {error}") from None
    except Exception as error:  # Pillow's decoders raise many kinds, and so may a transform
        told = f"{type(error).__name__}: {error}"
        raise ValueError(f"{_name(path)} cannot be read and transformed ({told})") from error


def _name(path: Path) -> str:
    """With that of its class."""
    return f"{path.parent.name}/{path.name}"
