"""Images with labels, normalised, as every other module takes them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from lib.models import check_count

DIGITS_TRAIN = 1200


@dataclass(frozen=True, eq=False)
class ImageData:
    """A training and a test set, and the arguments of `load` that give it again.

    Attributes:
        train_images, test_images: [n, channels, size, size] float32, normalised: (pixel - mean) / std.
        train_labels, test_labels: [n] int64, indices into `classes`.
        mean, std: one number a channel, in pixel values from 0 to 1.
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

    @cached_property
    def digest(self) -> str:
        """The sha256 of every image and label; data sets with the same digest train the same networks."""
        sha = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            sha.update(str(tuple(tensor.shape)).encode())
            sha.update(tensor.contiguous().numpy().data)
        return sha.hexdigest()


def check_name(name: str) -> None:
    """Raises ValueError, naming the data sets there are, for any other."""
    if name not in list(LOADERS):  # also for what cannot be hashed
        raise ValueError(f"unknown data set {name!r}; the data sets are {', '.join(LOADERS)}")


def load(name: str, *, root: str | Path | None = None, n_train: int | None = None, n_test: int | None = None,
         seed: int = 0) -> ImageData:
    """The data set `name`; the same arguments always give the same images in the same order.

    Args:
        name: 'digits': scikit-learn's handwritten digits, grey, 8x8 pixels, 10 classes.
        root: folder of data sets that are not bundled with a library; 'digits' needs none.
        n_train, n_test: take that many images, the classes as equal in number as they can be; None takes all.
        seed: decides the split into training and test images, where the data set has none, and the subsets.

    Raises:
        ValueError: an unknown name, or more images than there are, or fewer than one a class.
    """
    check_name(name)
    check_count("seed", seed, 0)
    (train_pixels, train_labels), (test_pixels, test_labels), classes = LOADERS[name](root, seed)
    # Constants of the whole training set, so that a subset of the images is a subset of the tensors.
    mean, std = train_pixels.mean(axis=(0, 2, 3)), train_pixels.std(axis=(0, 2, 3))
    train = _subset(len(classes), train_labels, n_train, seed, f"n_train for {name!r}")
    test = _subset(len(classes), test_labels, n_test, seed, f"n_test for {name!r}")
    normalised = [torch.from_numpy(((pixels - mean[:, None, None]) / std[:, None, None]).astype(np.float32))
                  for pixels in (train_pixels[train], test_pixels[test])]
    return ImageData(name, seed, normalised[0], torch.from_numpy(train_labels[train]),
                     normalised[1], torch.from_numpy(test_labels[test]),
                     tuple(classes), tuple(mean.tolist()), tuple(std.tolist()))


def _digits(root, seed: int):
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16).reshape(-1, 1, 8, 8)
    labels = labels.astype(np.int64)
    parts = train_test_split(images, labels, train_size=DIGITS_TRAIN, stratify=labels, random_state=seed)
    train_images, test_images, train_labels, test_labels = parts
    return (train_images, train_labels), (test_images, test_labels), [str(digit) for digit in range(10)]


# name -> loader(root, seed) -> (train pixels [n, C, H, W] from 0 to 1, labels [n]), (test ...), class names
LOADERS = {"digits": _digits}


def _subset(num_classes: int, labels: np.ndarray, count: int | None, seed: int, what: str) -> np.ndarray:
    """Indices of a balanced random subset, in the order of the data set; all of them for None."""
    if count is None:
        return np.arange(len(labels))
    if not isinstance(count, int) or not num_classes <= count <= len(labels):
        raise ValueError(f"{what} must be a whole number from {num_classes} (one a class) to {len(labels)}, "
                         f"not {count!r}")
    order = np.random.default_rng(seed).permutation(len(labels))
    rank = np.empty(len(labels), dtype=int)  # how many images of its class come before this one
    for label in range(num_classes):
        members = order[labels[order] == label]
        rank[members] = np.arange(len(members))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:count])
