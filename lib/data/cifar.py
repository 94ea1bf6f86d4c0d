"""CIFAR-10 and CIFAR-100 (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009).

They are taken as they lie in the folder of data sets: in torchvision's layout, whose checksums are compared, or as
pictures in train/CLASS/ and test/CLASS/; else torchvision downloads them there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.data import pictures
from lib.data.pixel_cache import Decoded, decoded, remembered


@dataclass(frozen=True)
class Cifar:
    """One of the two data sets.

    Attributes:
        title: its name in sentences; dataset: its name in `torchvision.datasets`.
        folder, archive: where torchvision unpacks and downloads it.
        classes: how many; train, test: pictures of each.
    """

    title: str
    dataset: str
    folder: str
    archive: str
    classes: int
    train: int
    test: int


SETS = {
    "cifar10": Cifar("CIFAR-10", "CIFAR10", "cifar-10-batches-py", "cifar-10-python.tar.gz", 10, 5000, 1000),
    "cifar100": Cifar("CIFAR-100", "CIFAR100", "cifar-100-python", "cifar-100-python.tar.gz", 100, 500, 100),
}


def load(name: str, root: Path) -> tuple[Decoded, Decoded]:
    """The training and test pictures, uint8 [n, 3, 32, 32], in the order of the source.

    `root`: folder with, in the order in which they are looked for, torchvision's unpacked folder or its tar.gz, or a
    folder `name` or an archive `name`.zip of pictures.  Without any of them the tar.gz is downloaded.

    Raises:
        ValueError: an incomplete or damaged source, or a download that fails.
    """
    about = SETS[name]
    unpacked = root / about.folder
    if not unpacked.exists() and not (root / about.archive).exists():
        for place in filter(Path.exists, (root / name, root / f"{name}.zip")):
            return remembered(place, name, lambda: _from_pictures(about, place))
    if not unpacked.exists():
        _verified(name, root, train=True)
    return remembered(
        unpacked, "torchvision", lambda: (_from_batches(name, root, train=True), _from_batches(name, root, train=False))
    )


def _from_pictures(about: Cifar, place: Path) -> tuple[Decoded, Decoded]:
    splits = pictures.find_both(place)
    for split, folder in zip(splits, ("train", "test")):
        pictures.check_whole(split, about.title, about.classes, getattr(about, folder), "imagefolder:PATH")
    return decoded(splits)


def _from_batches(name: str, root: Path, train: bool) -> Decoded:
    dataset = _verified(name, root, train)
    labels = np.array(dataset.targets, dtype=np.int64)
    return Decoded(dataset.data.transpose(0, 3, 1, 2), labels, tuple(dataset.classes))


def _verified(name: str, root: Path, train: bool):
    """torchvision's data set; it compares every file's md5, and unpacks or downloads what is missing or differs."""
    from torchvision import datasets  # takes more than a second, which every worker process would spend

    about = SETS[name]
    dataset = getattr(datasets, about.dataset)
    found = [path for path in (about.folder, about.archive) if (root / path).exists()]
    try:
        return dataset(root, train=train, download=True)
    except Exception as error:  # urllib, tarfile and torchvision raise many kinds
        state = f"is damaged or incomplete in {found[0]}" if found else "is not there"
        raise ValueError(
            f"{about.title} {state} and could not be downloaded ({type(error).__name__}); put "
            f"{about.archive} from {dataset.url.rpartition('/')[0]} (md5 {dataset.tgz_md5}), or its pictures as "
            f"{name}.zip with train/CLASS/FILE and test/CLASS/FILE, into {root}"
        ) from None
