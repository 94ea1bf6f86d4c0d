"""Images with labels, normalised, as every other module takes them."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from lib.data import cifar, pictures, tiny_imagenet
from lib.data.pixel_cache import Decoded, decoded, remembered
from lib.runtime.checks import check_count, shown
from lib.runtime.files import ROOT, data_folder

DIGITS_TRAIN = 1200
# reduced set -> the whole one, and how many pixels in a row and column become one
REDUCED = {f"{name}-{32 // side}": (name, side) for name in cifar.SETS for side in (2, 4)}
BLOCK = 16  # images at a time, so that no second copy of many exists and the work stays in the processor's cache


@dataclass(frozen=True, eq=False)
class ImageData:
    """A training and a test set, and the arguments of `load` that give it again.

    Attributes:
        train_images, test_images: [n, channels, size, size] float32, normalised: (pixel - mean) / std.
        train_labels, test_labels: [n] int64, indices into `classes`.
        mean, std: one number a channel, in pixel values from 0 to 1.
        root: the folder of data sets that `load` was given, or None.
    """

    name: str
    seed: int
    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    root: str | None = None

    @cached_property
    def train_digest(self) -> str:
        """The sha256 of every training image and label; splits with the same digest train the same networks."""
        return sha256_of(self.train_images, self.train_labels)

    @cached_property
    def test_digest(self) -> str:
        """The sha256 of every test image and label."""
        return sha256_of(self.test_images, self.test_labels)

    def pixel_values(self, images: torch.Tensor) -> np.ndarray:
        """Normalised images [n, C, H, W] as they look: [n, H, W, C], from 0 to 1."""
        mean, std = (torch.tensor(part, dtype=images.dtype)[:, None, None] for part in (self.mean, self.std))
        return (images * std + mean).clamp(0, 1).movedim(1, -1).numpy()


def sha256_of(*tensors: torch.Tensor) -> str:
    """Of shapes and values, in this order."""
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(str(tuple(tensor.shape)).encode())
        sha.update(tensor.contiguous().numpy().data)
    return sha.hexdigest()


def canonical(name: str) -> str:
    """The name of a data set without the place of its files: of 'tiny-imagenet:PATH' it is 'tiny-imagenet'."""
    return name.partition(":")[0]


def check_name(name: str) -> None:
    """Raises ValueError, naming the data sets there are, for any other, and for a PATH that leads nowhere."""
    kind, colon, path = name.partition(":") if isinstance(name, str) else (name, "", "")
    if name not in ["digits", *SETS] and not (
        kind in list(WITH_PATH) and path
    ):  # lists: also for what cannot be hashed
        raise ValueError(
            f"unknown data set {shown(name)}; the data sets are {', '.join(['digits', *SETS])}, "
            f"{', '.join(f'{kind}:PATH' for kind in WITH_PATH)}"
        )
    if colon and not (ROOT / path).exists():
        raise ValueError(
            f"data set {name!r}: there is no folder or zip archive {path} (relative paths are seen from "
            "the root of the checkout)"
        )


def load(
    name: str, *, root: str | Path | None = None, n_train: int | None = None, n_test: int | None = None, seed: int = 0
) -> ImageData:
    """The data set `name`; the same arguments always give the same images in the same order.

    Pictures are decoded once; the pixels are stored until the pictures change (`lib.data.pixel_cache`).

    Args:
        name:
            'digits': scikit-learn's handwritten digits, grey, 8x8 pixels, 10 classes;
            'cifar10', 'cifar100': colour, 32x32 pixels (`lib.data.cifar` tells where they are looked for);
            'cifar10-16', 'cifar10-8', 'cifar100-16', 'cifar100-8': the same, every 2x2 or 4x4 pixels their mean;
            'tiny-imagenet', 'tiny-imagenet-64': colour, 200 classes, reduced to 32x32 pixels or as they are, 64x64,
            the official validation pictures as the test set (`lib.data.tiny_imagenet`);
            'tiny-imagenet:PATH', 'tiny-imagenet-64:PATH': the same layout at another place, also a part of the set;
            'imagefolder:PATH': square pictures of one size, a folder or zip archive with train/CLASS/FILE and
            test/CLASS/FILE.  A relative PATH is seen from the root of the checkout.
        root: folder of data sets that are found by name alone; by default GREATMINDS_DATA, else artifacts/data.
        n_train, n_test: take that many images, the classes as equal in number as they can be; None takes all.
        seed: decides the split into training and test images, where the data set has none, and the subsets.

    Raises:
        ValueError: an unknown name, a data set that is missing, incomplete or damaged, a picture that does not fit,
            or more images than there are, or fewer than one a class.
    """
    check_name(name)
    check_count("seed", seed, 0)
    train, test, scale, mean, std = _digits(seed) if name == "digits" else _pictures(name, data_folder(root))

    # Constants of the whole training set, so that a subset of the images is a subset of the tensors.
    def tensors(part: Decoded, count: int | None, what: str) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = _subset(part, count, seed, f"{what} for {name!r}")
        return normalised(part.pixels, mean, std, scale=scale, chosen=chosen), torch.from_numpy(part.labels[chosen])

    return ImageData(
        name,
        int(seed),
        *tensors(train, n_train, "n_train"),
        *tensors(test, n_test, "n_test"),
        train.classes,
        tuple(mean.tolist()),
        tuple(std.tolist()),
        str(Path(root).resolve()) if root else None,
    )


def normalised(
    pixels: np.ndarray, mean: ArrayLike, std: ArrayLike, *, scale: int = 255, chosen: np.ndarray | None = None
) -> torch.Tensor:
    """(pixel / scale - mean) / std, in double precision and then rounded: [n, C, H, W] -> [chosen, C, H, W] float32.

    Args:
        mean, std: one number a channel, in pixel values from 0 to 1.
        scale: the greatest value that a pixel can have.
        chosen: which images, in this order; None takes all.
    """
    chosen = np.arange(len(pixels)) if chosen is None else chosen
    mean, std = (np.asarray(part)[:, None, None] for part in (mean, std))
    images = np.empty((len(chosen), *pixels.shape[1:]), dtype=np.float32)
    for start in range(0, len(chosen), BLOCK):
        images[start : start + BLOCK] = (pixels[chosen[start : start + BLOCK]] / scale - mean) / std
    return torch.from_numpy(images)


def mixed_order(labels: torch.Tensor) -> np.ndarray:
    """Places of all images, [n]: as they are, or, where they are sorted by class as in a folder, in an order drawn once.

    The first images of a sorted set are all of one class.
    """
    if bool((labels.diff() >= 0).all()):
        return torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).numpy()
    return np.arange(len(labels))


def _digits(seed: int) -> tuple[Decoded, Decoded, int, np.ndarray, np.ndarray]:
    """Training part, test part, the pixels' greatest value, mean [C] and std [C] of the training part."""
    pixels, labels = load_digits(return_X_y=True)
    images, classes = pixels.reshape(-1, 1, 8, 8), tuple("0123456789")
    how = {"train_size": DIGITS_TRAIN, "stratify": labels, "random_state": seed}
    train_pixels, test_pixels, train_labels, test_labels = train_test_split(images, labels.astype(np.int64), **how)
    train, test = Decoded(train_pixels, train_labels, classes), Decoded(test_pixels, test_labels, classes)
    scaled = train_pixels / 16
    return train, test, 16, scaled.mean(axis=(0, 2, 3)), scaled.std(axis=(0, 2, 3))


def _pictures(name: str, root: Path) -> tuple[Decoded, Decoded, int, np.ndarray, np.ndarray]:
    """As `_digits`."""
    kind, _, path = name.partition(":")
    train, test = WITH_PATH[kind](ROOT / path, root) if path else SETS[kind](root)
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        kinds = [pictures.describe(part.pixels.shape[1:]) for part in (train, test)]
        raise ValueError(
            f"{name!r} needs pictures of one kind: those in train/ are {kinds[0]}, and those in test/ {kinds[1]}"
        )
    return train, test, 255, *_constants(name, train.pixels)


def _reduced_cifar(name: str, root: Path) -> tuple[Decoded, Decoded]:
    whole, side = REDUCED[name]
    train, test = cifar.load(whole, root)
    return _reduced(train, side), _reduced(test, side)


def _reduced(part: Decoded, side: int) -> Decoded:
    """Every `side` x `side` pixels as their mean, rounded to whole numbers."""
    count, channels, height, width = part.pixels.shape
    pixels = np.empty((count, channels, height // side, width // side), dtype=np.uint8)
    for start in range(0, count, BLOCK):
        tiles = part.pixels[start : start + BLOCK].reshape(-1, channels, height // side, side, width // side, side)
        pixels[start : start + BLOCK] = np.rint(tiles.mean(axis=(3, 5)))
    return Decoded(pixels, part.labels, part.classes)


def _constants(name: str, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [C] of uint8 pixels [n, C, H, W], from 0 to 1.

    Sums of whole numbers, exact up to the last division, so that every machine finds the same.
    """
    counts = np.zeros((pixels.shape[1], 256), dtype=np.int64)
    for start in range(0, len(pixels), BLOCK):
        for channel, count in enumerate(counts):
            count += np.bincount(pixels[start : start + BLOCK, channel].ravel(), minlength=256)
    values, number = np.arange(256), int(counts[0].sum())
    sums, squares = (counts @ values).tolist(), (counts @ values**2).tolist()
    mean = np.array([total / number for total in sums]) / 255
    std = np.array([math.sqrt(number * square - total**2) / number for total, square in zip(sums, squares)]) / 255
    if not (std > 0).all():
        raise ValueError(
            f"the training pictures of {name!r} have the same value everywhere in one channel, and cannot be normalised"
        )
    return mean, std


def _subset(part: Decoded, count: int | None, seed: int, what: str) -> np.ndarray:
    """Indices of a balanced random subset, in the order of the data set; all of them for None."""
    classes, most = len(part.classes), len(part.labels)
    if count is None:
        return np.arange(most)
    if isinstance(count, bool) or not isinstance(count, Integral) or not classes <= count <= most:
        raise ValueError(f"{what} must be a whole number from {classes} (one a class) to {most}, not {shown(count)}")
    return pictures.subset(part.labels, int(count), np.random.default_rng(seed), balanced=True)


# name -> how its pictures are read: folder of data sets -> training and test part.  A new data set is a row here.
SETS: dict[str, Callable[[Path], tuple[Decoded, Decoded]]] = {
    **{name: partial(cifar.load, name) for name in cifar.SETS},
    **{name: partial(_reduced_cifar, name) for name in REDUCED},
    "tiny-imagenet": partial(tiny_imagenet.load, 32, None),
    "tiny-imagenet-64": partial(tiny_imagenet.load, 64, None),
}
# NAME:PATH -> the same of PATH
WITH_PATH: dict[str, Callable[[Path, Path], tuple[Decoded, Decoded]]] = {
    "imagefolder": lambda path, root: remembered(path, "pictures", lambda: decoded(pictures.find_both(path))),
    "tiny-imagenet": partial(tiny_imagenet.load, 32),
    "tiny-imagenet-64": partial(tiny_imagenet.load, 64),
}
