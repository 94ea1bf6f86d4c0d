"""Pictures on disk, in a folder or a zip archive: PATH/<split>/<class>/<file>, or the same one folder further down.

Listing does not decode: a subset of a large archive costs what the subset costs.  Pillow decodes.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.data import opening
from lib.runtime.room import check_memory
from lib.runtime.tasks import progress

CHANNELS = {"L": 1, "RGB": 3}  # Pillow's mode -> channels
LEVELS = ("/*", "/*/*", "/*/*/*", "/*/*/*/*")  # below a split: classes, their pictures, and what lies too deep
# Not bzip2: of that zipfile unpacks gigabytes from a few KB, whatever size the archive declares.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
KINDS = {1: "grey", 3: "colour"}  # channels -> word


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

    def decode(self, chosen: Sequence[int] | None = None, **options) -> np.ndarray:
        """Pixels of the chosen pictures, in that order, or of all: -> uint8 [n, channels, size, size].

        Options and what is raised are those of `decode`.
        """
        names = self.files if chosen is None else [self.files[place] for place in chosen]
        return decode(self.path, names, **options)


def find(path: str | Path, split: str) -> Split:
    """List the pictures of a split.  Hidden files are no pictures; everything else in a class folder is taken for one.

    Raises:
        ValueError: a path that is neither a folder nor a whole zip archive, no such split or more than one, or what
            `in_classes` refuses.
    """
    path = Path(path)
    patterns = [top + split + level for top in ("", "*/") for level in ("", *LEVELS)]
    entries = [entry.split("/") for entry in names(path, patterns, f"pictures in {split}/CLASS/")]
    places = {"/".join(parts[: parts.index(split) + 1]) for parts in entries if split in parts[:2][: len(parts) - 1]}
    if len(places) != 1:
        folders = sorted({parts[0] for parts in entries if len(parts) > 1})
        raise ValueError(
            f"{path.name} has {len(places) or 'no'} folders {split!r}, and needs one, at its top or one "
            f"folder further down; its folders are {', '.join(folders) or 'none'}"
        )
    (place,) = places
    depth = place.count("/") + 1
    inside = [parts[depth:] for parts in entries if "/".join(parts[:depth]) == place]
    classes, found = in_classes(inside, f"{place}/", path.name)
    number = {name: label for label, name in enumerate(classes)}
    labels = np.array([number[name] for name, _ in found], dtype=np.int64)
    return Split(path, tuple(f"{place}/{name}/{file}" for name, file in found), labels, tuple(classes))


def in_classes(entries: Iterable[Sequence[str]], place: str, name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The class folders, sorted, and their pictures as (class, file), sorted.

    Args:
        entries: what lies in a place of `name`, each as the parts of its path; the last part of a folder's is empty.

    Raises:
        ValueError: no class folders, one without pictures, or one with files in folders of its own: these could be
            classes too.
    """
    inside = [parts for parts in entries if len(parts) > 1]
    classes = sorted({parts[0] for parts in inside})
    if not classes:
        raise ValueError(f"{name} has no class folders in {place or 'it'}")
    if deeper := sorted("/".join(parts) for parts in inside if len(parts) > 2 and parts[-1]):
        raise ValueError(
            f"the class folder {place}{deeper[0].partition('/')[0]} of {name} holds folders with files in them, as "
            f"{place}{deeper[0]}, and pictures must lie in the class folder itself; move them there"
        )
    found = sorted((parts[0], parts[1]) for parts in inside if len(parts) == 2 and parts[1])
    if empty := sorted(set(classes) - {kind for kind, _ in found}):
        raise ValueError(f"the class folder {place}{empty[0]} of {name} holds no pictures")
    return classes, found


def find_both(path: str | Path) -> tuple[Split, Split]:
    """The splits 'train' and 'test', which have the same classes.

    Raises:
        ValueError: all that `find` refuses, a class that only one of them has, or a single class.
    """
    train, test = find(path, "train"), find(path, "test")
    if single := sorted(set(train.classes) ^ set(test.classes)):
        has, lacks = ("train", "test") if single[0] in train.classes else ("test", "train")
        raise ValueError(f"the class folder {single[0]!r} of {Path(path).name} is in {has}/ and missing in {lacks}/")
    if len(train.classes) < 2:
        raise ValueError(f"{Path(path).name} needs at least 2 class folders, and has {train.classes[0]!r} alone")
    return train, test


def check_whole(split: Split, title: str, classes: int, each: int, otherwise: str) -> None:
    """Raises ValueError unless there are so many classes of so many pictures each: a data set's name means one set.

    `otherwise`: how a part of it can be named.
    """
    otherwise = f"a part of {title} can be named {otherwise}"
    if len(split.classes) != classes:
        raise ValueError(f"{title} has {classes} classes, and {split.path.name} has {len(split.classes)}; {otherwise}")
    for name, count in zip(split.classes, np.bincount(split.labels, minlength=classes)):
        if count != each:
            raise ValueError(
                f"{title} has {each} pictures of each class beside {split.files[0]}, and "
                f"{split.path.name} has {count} of {name!r}; {otherwise}"
            )


def subset(labels: np.ndarray, count: int, rng: np.random.Generator, *, balanced: bool = False) -> np.ndarray:
    """Sorted indices of `count` random pictures, none twice; balanced: the classes as equal in number as they can be.

    Raises:
        ValueError: a count that is below 1 or above the number of pictures.
    """
    if not 1 <= count <= len(labels):
        raise ValueError(f"the number of pictures must be from 1 to {len(labels)}, not {count}")
    order = rng.permutation(len(labels))
    if balanced:  # the first picture of every class, the second of every class, and so on
        turn = np.empty(len(labels), dtype=np.int64)
        for label in np.unique(labels):
            members = labels[order] == label
            turn[members] = np.arange(members.sum())
        order = order[np.argsort(turn, kind="stable")]
    return np.sort(order[:count])


def names(path: Path, patterns: Iterable[str], content: str) -> list[str]:
    """Names in a folder or zip archive, relative to it, folders ending in a slash; hidden ones are left out.

    Args:
        patterns: of a folder, what to look for below its top; of an archive everything is listed.
        content: what should be there, for the message.

    Raises:
        ValueError: a path that is neither a folder nor a whole zip archive, or an archive that is encrypted, compressed
            by a method that is not read, or has a name twice or with a backslash.
    """
    if not path.exists():
        raise ValueError(f"there is no {path}; a folder or zip archive with {content} is needed")
    if path.is_dir():
        found = {
            entry.relative_to(path).as_posix() + "/" * entry.is_dir()
            for pattern in ("*", *patterns)
            for entry in path.glob(pattern)
        }
    else:
        found = _archived(path)
    return [name for name in found if not (name.startswith((".", "__MACOSX")) or "/." in name or "/__MACOSX" in name)]


def _archived(path: Path) -> list[str]:
    with path.open("rb") if path.is_file() else io.BytesIO() as file:  # a pipe would be waited for
        if file.read(4) != b"PK\3\4":
            raise ValueError(f"{path.name} is neither a folder nor a zip archive")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception:  # zipfile's are of many kinds
        raise ValueError(f"the zip archive {path.name} is cut off or damaged; fetch or copy it again") from None
    listed = [entry.filename for entry in entries]
    if twice := next((one for one, count in Counter(listed).items() if count > 1), None):
        raise ValueError(f"the zip archive {path.name} lists {twice} twice; pack it again")
    for entry in entries:
        if entry.flag_bits & 1:
            raise ValueError(f"the zip archive {path.name} is encrypted with a password; unpack it, or pack it without")
        if entry.compress_type not in COMPRESSIONS:
            raise ValueError(
                f"the zip archive {path.name} is compressed by a method that is not read (number "
                f"{entry.compress_type}); unpack it, or pack it with deflate"
            )
        if "\\" in entry.filename:
            raise ValueError(
                f"the zip archive {path.name} has a backslash in the name {entry.filename}, where a slash belongs; "
                "unpack it, or pack it again"
            )
    return listed


def decode(path: Path, names: Sequence[str], *, colour: bool = False, reduce: int = 1) -> np.ndarray:
    """Pixels of the pictures `names` in a folder or zip archive: -> uint8 [n, channels, size, size].

    One after another: on pictures of 32 x 32 pixels threads were no faster, and longer work shows a progress bar.

    Args:
        colour: grey pictures become colour ones with three equal channels.
        reduce: every square of so many by so many pixels becomes its mean.

    Raises:
        ValueError: more pictures than there is memory for, or a picture that cannot be read, is too large, is neither grey nor colour (8 bits a channel), is not square, or
            has another size or number of channels than the first; it is named.
    """
    if path.is_dir():
        return _stacked(names, lambda name: opening.content_of(path / name), colour, reduce, path.name)
    with zipfile.ZipFile(path) as archive:
        return _stacked(names, lambda name: opening.member_of(archive, name), colour, reduce, path.name)


def describe(shape: Sequence[int]) -> str:
    """The shape [channels, height, width] of a picture in words."""
    return f"{KINDS[shape[0]]}, {shape[2]} x {shape[1]} pixels"


def _stacked(names, read, colour: bool, reduce: int, place: str) -> np.ndarray:
    if not names:
        raise ValueError("no pictures are chosen")
    first = _decoded(names[0], read, colour, reduce)
    if first.shape[1] != first.shape[2]:
        raise ValueError(f"the picture {names[0]} is {describe(first.shape)}; pictures need to be square")
    check_memory(len(names), first.nbytes, f"pictures of {place}, {describe(first.shape)},")
    pixels = np.empty((len(names), *first.shape), dtype=np.uint8)
    with progress(len(names), f"decoding {len(names)} pictures of {place}", delay=2) as bar:
        for position, name in enumerate(names):
            picture = _decoded(name, read, colour, reduce)
            if picture.shape != first.shape:
                raise ValueError(
                    f"all pictures need one size and one number of channels: {name} is "
                    f"{describe(picture.shape)}, and {names[0]} is {describe(first.shape)}"
                )
            pixels[position] = picture
            bar.update()
    return pixels


def _decoded(name: str, read: Callable[[str], bytes], colour: bool, reduce: int) -> np.ndarray:
    """One picture as [channels, height, width]."""
    try:
        with opening.opened(read(name)) as image:
            mode = image.mode
            image = image.convert("RGB") if colour and mode == "L" else image
            pixels = np.asarray(image.reduce(reduce) if reduce > 1 and mode in CHANNELS else image)
    except opening.Refused as error:
        raise ValueError(f"the picture {name} {error}") from None
    except Exception as error:  # Pillow's decoders and damaged archives raise many kinds
        raise ValueError(f"the picture {name} cannot be read ({type(error).__name__})") from None
    if mode not in CHANNELS:
        raise ValueError(f"the picture {name} has the mode {mode}; grey (L) and colour (RGB) ones can be read")
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
