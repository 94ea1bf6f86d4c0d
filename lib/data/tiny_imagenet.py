"""Tiny ImageNet (Stanford CS231n, from ImageNet) in its native layout, in a folder or zip archive.

wnids.txt lists the classes, train/WNID/images/ holds the training pictures, val/images/ those of the official
validation set, which is the test set here: its labels stand in val/val_annotations.txt, while those of the official
test set were never published.  words.txt gives the classes' names.  Some pictures are grey; they become colour ones.
"""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from lib.data import opening, pictures
from lib.data.pictures import Split
from lib.data.pixel_cache import Decoded, decoded, remembered

TITLE, CLASSES, TRAIN, TEST, SIZE = "Tiny ImageNet", 200, 500, 50, 64
FOLDER = "tiny-imagenet-200"
PATTERNS = "*/*", "train/*/images/*", "val/images/*", "*/val/*", "*/train/*/images/*", "*/val/images/*"


def load(size: int, path: Path | None, root: Path) -> tuple[Decoded, Decoded]:
    """The training and validation pictures, uint8 [n, 3, size, size], by class and file name.

    Args:
        size: 64, or 32: every 2 x 2 pixels become their mean.
        path: the folder or archive, whole or a part of the data set; by default the whole one in `root`.

    Raises:
        ValueError: nothing there, or a source that is damaged or incomplete.
    """
    if path is not None:
        return _remembered(path, size, whole=False)
    for place in (root / FOLDER, root / f"{FOLDER}.zip"):
        if place.exists():
            return _remembered(place, size, whole=True)
    raise ValueError(
        f"{TITLE} is not there; put {FOLDER}.zip from http://cs231n.stanford.edu, or its folder, into {root}"
    )


def _remembered(place: Path, size: int, whole: bool) -> tuple[Decoded, Decoded]:
    return remembered(place, f"tiny{size}" + "-part" * (not whole), lambda: _decoded(place, size, whole))


def _decoded(place: Path, size: int, whole: bool) -> tuple[Decoded, Decoded]:
    splits = find(place)
    if whole:
        for split, each in zip(splits, (TRAIN, TEST)):
            pictures.check_whole(split, TITLE, CLASSES, each, "tiny-imagenet:PATH")
    found = decoded(splits, colour=True, reduce=SIZE // size)
    for part, split in zip(found, splits):
        if part.pixels.shape[2] != size:
            raise ValueError(
                f"the pictures of {TITLE} have {SIZE} x {SIZE} pixels, and those of {split.path.name} "
                f"other ones, as {split.files[0]} does"
            )
    return found


def find(path: Path) -> tuple[Split, Split]:
    """List the training and the validation pictures.

    Raises:
        ValueError: a path that is neither a folder nor a whole zip archive, one in another layout, a text that cannot be
            read or lists a name twice, a class without training pictures, or a validation picture without a label or a
            label without its picture.
    """
    names = pictures.names(path, PATTERNS, "Tiny ImageNet in its native layout")
    tops = {name.removesuffix("wnids.txt") for name in names if name.count("/") < 2 and name.endswith("wnids.txt")}
    if len(tops) != 1 or f"{min(tops)}val/val_annotations.txt" not in names:
        raise ValueError(
            f"{path.name} is not in the native layout of {TITLE}: it needs wnids.txt and val/val_annotations.txt, at "
            "its top or one folder further down"
        )
    (top,) = tops
    classes = sorted(_text(path, f"{top}wnids.txt").split())
    _check_once(path, f"{top}wnids.txt", classes)
    parts = [name.removeprefix(top).split("/") for name in names if not name.endswith("/")]
    train = _training(path, top, parts, classes)
    files = {one[2] for one in parts if len(one) == 3 and one[:2] == ["val", "images"]}
    held_out = _annotated(path, _text(path, f"{top}val/val_annotations.txt"), set(classes), files)
    lines = _text(path, f"{top}words.txt").splitlines() if f"{top}words.txt" in names else []
    words = dict(line.split("\t", 1) for line in lines if "\t" in line)
    titles = tuple(words.get(wnid, wnid).split(",")[0] for wnid in classes)

    def split(folder: str, found: list[tuple[str, str]]) -> Split:
        labels = np.array([classes.index(wnid) for wnid, _ in found], dtype=np.int64)
        return Split(path, tuple(f"{top}{folder.format(wnid)}/images/{file}" for wnid, file in found), labels, titles)

    return split("train/{}", train), split("val", held_out)


def _training(path: Path, top: str, parts: list[list[str]], classes: list[str]) -> list[tuple[str, str]]:
    """The training pictures as (class, file), sorted."""
    found = sorted((one[1], one[3]) for one in parts if len(one) == 4 and (one[0], one[2]) == ("train", "images"))
    if missing := sorted(set(classes) - {wnid for wnid, _ in found}):
        raise ValueError(f"{path.name} has no pictures of the class {missing[0]} in {top}train/{missing[0]}/images/")
    if unknown := sorted({wnid for wnid, _ in found} - set(classes)):
        raise ValueError(f"{path.name} has pictures of the class {unknown[0]}, which {top}wnids.txt does not list")
    return found


def _annotated(path: Path, annotations: str, classes: set[str], files: set[str]) -> list[tuple[str, str]]:
    """The validation pictures as (class, file), sorted."""
    lines = [line.split("\t")[:2] for line in annotations.splitlines() if "\t" in line]
    _check_once(path, "val/val_annotations.txt", [file for file, _ in lines])
    found = dict(lines)
    if different := sorted(found.keys() ^ files):
        what = "lies in val/images/ and has no label" if different[0] in files else "has a label and no picture"
        raise ValueError(f"{path.name}: {different[0]} {what} in val/val_annotations.txt")
    if unknown := sorted(set(found.values()) - classes):
        raise ValueError(f"{path.name}: val/val_annotations.txt names the class {unknown[0]}, which wnids.txt does not")
    return sorted((wnid, file) for file, wnid in found.items())


def _check_once(path: Path, text: str, names: list[str]) -> None:
    if twice := next((name for name, count in Counter(names).items() if count > 1), None):
        raise ValueError(f"{path.name}: {text} lists {twice} twice")


def _text(path: Path, name: str) -> str:
    """A text of the folder or archive by its name."""
    try:
        if path.is_dir():
            return opening.content_of(path / name).decode()
        with zipfile.ZipFile(path) as archive:
            return opening.member_of(archive, name).decode()
    except Exception as error:  # damaged archives raise many kinds
        raise ValueError(f"{path.name}: {name} cannot be read ({type(error).__name__})") from None
