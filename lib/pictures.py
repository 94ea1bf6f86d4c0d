"""Pictures on disk, in a folder or a zip archive: PATH/<split>/<class>/<file>, or the same one folder further down.

Listing does not decode: a subset of a large archive costs what the subset costs.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

CHANNELS = {"L": 1, "RGB": 3}  # Pillow's mode -> channels


@dataclass(frozen=True, eq=False)
class Split:
    """The pictures of one split, sorted by class and file name, not decoded yet.

    Attributes:
        path: the folder or archive; files: the pictures' names in it, [n].
        labels: [n] int64, indices into `classes`, the sorted names of the class folders.
    """

    path: Path
    files: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]

    def decode(self, chosen: Sequence[int] | None = None) -> np.ndarray:
        """Pixels of the chosen pictures, in that order, or of all: -> uint8 [n, channels, height, width].

        Raises:
            ValueError: a picture that cannot be read, is neither grey nor colour (8 bits a channel), or has another
                shape than the first; it is named.
        """
        names = [self.files[place] for place in (range(len(self.files)) if chosen is None else chosen)]
        if self.path.is_dir():
            return _stacked(names, lambda name: (self.path / name).read_bytes())
        with zipfile.ZipFile(self.path) as archive:
            return _stacked(names, archive.read)


def find(path: str | Path, split: str) -> Split:
    """List the pictures of a split.  Hidden files are no pictures; everything else in a class folder is taken for one.

    Raises:
        ValueError: a path that is neither a folder nor a zip archive, no such split or more than one, a split without
            class folders, or a class folder without pictures.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no {path}; a folder or zip archive with pictures in {split}/CLASS/ is needed")
    if not path.is_dir() and not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} is neither a folder nor a zip archive")
    entries = [entry.split("/") for entry in _entries(path, split)]  # a folder's last part is empty
    entries = [parts for parts in entries if not any(part.startswith((".", "__MACOSX")) for part in parts)]
    places = {"/".join(parts[:parts.index(split) + 1]) for parts in entries if split in parts[:2][:len(parts) - 1]}
    if len(places) != 1:
        folders = sorted({parts[0] for parts in entries if len(parts) > 1})
        raise ValueError(f"{path.name} has {len(places) or 'no'} folders {split!r}, and needs one, at its top or one "
                         f"folder further down; its folders are {', '.join(folders) or 'none'}")
    (place,) = places
    depth = place.count("/") + 1
    inside = [parts for parts in entries if "/".join(parts[:depth]) == place and len(parts) > depth + 1]
    classes = sorted({parts[depth] for parts in inside})
    if not classes:
        raise ValueError(f"{path.name} has no class folders in {place}/")
    found = sorted((parts[depth], parts[depth + 1]) for parts in inside if len(parts) == depth + 2 and parts[-1])
    if empty := sorted(set(classes) - {name for name, _ in found}):
        raise ValueError(f"the class folder {place}/{empty[0]} of {path.name} holds no pictures")
    labels = np.array([classes.index(name) for name, _ in found], dtype=np.int64)
    return Split(path, tuple(f"{place}/{name}/{file}" for name, file in found), labels, tuple(classes))


def subset(labels: np.ndarray, count: int, rng: np.random.Generator, *, balanced: bool = False) -> np.ndarray:
    """Sorted indices of `count` random pictures, none twice; balanced: the classes as equal in number as they can be.

    Raises:
        ValueError: a count that is below 1 or above the number of pictures.
    """
    if not 1 <= count <= len(labels):
        raise ValueError(f"the number of pictures must be from 1 to {len(labels)}, not {count}")
    order = rng.permutation(len(labels))
    if balanced:  # the first picture of every class, the second of every class, and so on
        turn = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
        order = order[np.argsort(turn, kind="stable")]
    return np.sort(order[:count])


def _entries(path: Path, split: str) -> Iterable[str]:
    """Names relative to `path`, those of folders ending in a slash; of a folder, only as deep as pictures lie."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    patterns = "*", f"{split}/*", f"{split}/*/*", f"*/{split}", f"*/{split}/*", f"*/{split}/*/*"
    return {entry.relative_to(path).as_posix() + "/" * entry.is_dir() for pattern in patterns
            for entry in path.glob(pattern)}


def _stacked(names: Sequence[str], read: Callable[[str], bytes]) -> np.ndarray:
    pixels = None
    for place, name in enumerate(names):
        picture = _decoded(name, read)
        if pixels is None:
            pixels = np.empty((len(names), *picture.shape), dtype=np.uint8)
        if picture.shape != pixels.shape[1:]:
            raise ValueError(f"all pictures need one shape [channels, height, width]: {name} has "
                             f"{list(picture.shape)}, {names[0]} has {list(pixels.shape[1:])}")
        pixels[place] = picture
    if pixels is None:
        raise ValueError("no pictures are chosen")
    return pixels


def _decoded(name: str, read: Callable[[str], bytes]) -> np.ndarray:
    """One picture as [channels, height, width]."""
    try:
        with Image.open(io.BytesIO(read(name))) as image:
            mode, pixels = image.mode, np.asarray(image)
    except Exception as error:  # Pillow's decoders and damaged archives raise many kinds
        raise ValueError(f"the picture {name} cannot be read ({type(error).__name__})") from None
    if mode not in CHANNELS:
        raise ValueError(f"the picture {name} has the mode {mode}; grey (L) and colour (RGB) ones can be read")
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)
