"""Decoded pictures on disk, a file a split, for as long as the pictures stay as they were.

A file begins with the sha256 of the rest: a JSON line, and the pixels as they lie in memory.  The line holds the
fingerprint of the pictures' files, the name of this file with that of the split, the shape of the pixels, the labels,
and the names of the classes.
"""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL

from lib.data.pictures import Split
from lib.runtime.files import artifacts, set_aside, write_whole
from lib.runtime.room import keeps

# Raise it when a change of lib/ makes other pixels of the same pictures: stored ones are then decoded again.
RECIPE = 1
DEPTH = 5  # TOP/train/CLASS/images/FILE
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Decoded:
    """The pictures of one split.

    Attributes:
        pixels: [n, channels, size, size]; labels: [n] int64, indices into `classes`.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def decoded(splits: tuple[Split, Split], **options) -> tuple[Decoded, Decoded]:
    """Whole splits; options as for `lib.data.pictures.decode`."""
    train, test = (Decoded(split.decode(**options), split.labels, split.classes) for split in splits)
    return train, test


def remembered(place: Path, kind: str, decode: Callable[[], tuple[Decoded, Decoded]]) -> tuple[Decoded, Decoded]:
    """The training and test pictures at `place`: what is stored, or what `decode` gives, which is then stored.

    Args:
        place: the folder or archive.  When a name, a size or a time of its files has changed, nothing stored counts.
        kind: how the pictures are decoded, a part of a file name.

    Warns: of a stored file that is damaged or another's copy; it is written again.
    """
    key = hashlib.sha256(f"{place.resolve()} {kind}".encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "-", place.name)[:60]
    files = [artifacts() / "pixels" / f"{name}-{kind}-{split}-{key}.pixels" for split in ("train", "test")]
    fingerprint = _fingerprint(place, kind)
    train, test = (_read(file, fingerprint) for file in files)
    if train is None or test is None:
        train, test = decode()
        for file, split in zip(files, (train, test)) if keeps() else ():
            _write(file, fingerprint, split)
    return train, test


def _fingerprint(place: Path, kind: str) -> str:
    """Of all that decides the pixels, as far as it can be known without reading the pictures."""
    sha = hashlib.sha256(json.dumps([RECIPE, PIL.__version__, kind]).encode())
    for line in sorted(_files(place, DEPTH)) if place.is_dir() else [_stamp(place.stat())]:
        sha.update(line.encode(errors="surrogateescape") + b"\n")
    return sha.hexdigest()


def _files(folder: Path | str, depth: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield f"{entry.path} {_stamp(entry.stat(follow_symlinks=entry.is_file()))}"
            elif depth > 1:
                yield from _files(entry.path, depth - 1)


def _stamp(status: os.stat_result) -> str:
    """A file that was written, replaced or moved here has another; copying back an old time does not hide it."""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _write(file: Path, fingerprint: str, split: Decoded) -> None:
    header = (
        json.dumps(
            {
                "fingerprint": fingerprint,
                "file": file.name,
                "shape": split.pixels.shape,
                "classes": split.classes,
                "labels": split.labels.tolist(),
            }
        ).encode()
        + b"\n"
    )
    pixels = np.ascontiguousarray(split.pixels).data
    sha = hashlib.sha256(header)
    sha.update(pixels)
    write_whole(file, sha.digest(), header, pixels)


def _read(file: Path, fingerprint: str) -> Decoded | None:
    """What is stored, its pixels mapped into memory rather than read; None if it is not there, outdated or damaged."""
    if not file.exists():
        return None
    if file.is_dir():
        _damaged(file, "is a folder")
        return None
    try:
        content = np.memmap(file, dtype=np.uint8, mode="r") if file.stat().st_size > DIGEST else np.empty(0, np.uint8)
    except PermissionError:
        _damaged(file, "may not be read")
        return None
    if hashlib.sha256(content[DIGEST:].data).digest() != content[:DIGEST].tobytes():
        _damaged(file, "does not match its own checksum")
        return None
    with file.open("rb") as opened:
        opened.seek(DIGEST)
        header = json.loads(opened.readline())
        start = opened.tell()
    if header["fingerprint"] != fingerprint or "file" not in header:  # earlier ones held no name
        return None
    if header["file"] != file.name:
        _damaged(file, f"is a copy of {header['file']}")
        return None
    return Decoded(
        content[start:].reshape(header["shape"]), np.array(header["labels"], dtype=np.int64), tuple(header["classes"])
    )


def _damaged(file: Path, what: str) -> None:
    if file.is_dir():
        set_aside(file)  # nothing could be written in its place
    warnings.warn(f"{file.name} {what}; the pictures will be decoded again", stacklevel=5)
