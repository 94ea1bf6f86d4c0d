"""Pictures of a data set as files small enough to travel: packed here, unpacked on a machine that has none.

Strips of pictures, one above another, as lossless WebP: 50,000 pictures of CIFAR-10 take 79 MiB so, against 147 raw,
135 with zlib, 86 as one WebP a picture, 80 in strips of 200 and 81 as predicted differences with LZMA.  The index holds
the sha256 of every file and of all pixels of a split, so that what arrives is what left, or nothing.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from lib.data import canonical, cifar
from lib.data.pixel_cache import Decoded, remembered
from lib.runtime.files import data_folder, write_whole

STRIP = 50  # pictures a file: more compress worse, because they share one table of codes
INDEX = "index.json"
SPLITS = ("train", "test")


def whole(dataset: str) -> str:
    """The data set that is packed for `dataset`: of 'cifar10-16' it is 'cifar10'.

    Raises:
        ValueError: it is none of CIFAR's.
    """
    name = dataset.partition("-")[0]
    if name not in cifar.SETS:
        raise ValueError(f"the pictures of {canonical(dataset)} cannot be packed; those of {', '.join(cifar.SETS)} can")
    return name


def pack(splits: Mapping[str, Decoded]) -> tuple[dict, dict[str, bytes]]:
    """The index of both splits, and their files by name."""
    index, files = {"splits": {}}, {}
    for name, split in splits.items():
        packed = {
            f"{name}-{start:05d}.webp": _encoded(split.pixels[start : start + STRIP])
            for start in range(0, len(split.pixels), STRIP)
        }
        index["splits"][name] = {
            "files": list(packed),
            "shape": split.pixels.shape,
            "sha256": _sha256(split.pixels),
            "labels": split.labels.tolist(),
            "classes": split.classes,
        }
        files |= packed
    return index | {"files": {name: _sha256(content) for name, content in files.items()}}, files


def receive(load: Path, home: Path) -> int:
    """Copy what travelled in one load to where the loads meet; -> how many files of all are still missing.

    Raises:
        ValueError: a file that is not what was packed; it is not copied.
    """
    index = json.loads((load / INDEX).read_bytes())
    for name, digest in index["files"].items():
        if (load / name).exists():
            content = (load / name).read_bytes()
            if _sha256(content) != digest:
                raise ValueError(f"{name} of {load.name} is not what was packed; carry this load again")
            write_whole(home / name, content, durable=False)
    for path in load.glob("*.json"):
        write_whole(home / path.name, path.read_bytes(), durable=False)
    return sum(not (home / name).exists() for name in index["files"])


def provide(home: Path) -> None:
    """Let `lib.data.loading.load` find the pictures that were received, as if their source lay on this machine.

    Raises:
        ValueError: files are missing, or the pixels are not those that were packed.
    """
    index = json.loads((home / INDEX).read_bytes())
    if missing := sum(not (home / name).exists() for name in index["files"]):
        raise ValueError(f"{missing} of {len(index['files'])} files of pictures did not arrive")
    place = data_folder() / index["dataset"]  # an empty folder stands for the pictures: the pixels are remembered
    place.mkdir(parents=True, exist_ok=True)
    remembered(place, index["dataset"], lambda: tuple(_unpacked(home, index["splits"][name], name) for name in SPLITS))


def _encoded(pixels: np.ndarray) -> bytes:
    """uint8 [n, 3, h, w] -> one picture [n * h, w]."""
    count, channels, height, width = pixels.shape
    strip = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)).reshape(count * height, width, channels)
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "WEBP", lossless=True, quality=75, method=4)
    return buffer.getvalue()


def _unpacked(home: Path, about: Mapping, name: str) -> Decoded:
    _, channels, height, width = about["shape"]
    strips = [np.asarray(Image.open(home / file)).reshape(-1, height, width, channels) for file in about["files"]]
    pixels = np.ascontiguousarray(np.concatenate(strips).transpose(0, 3, 1, 2))
    if _sha256(pixels) != about["sha256"]:
        raise ValueError(f"the {name} pixels that arrived are not those that were packed")
    return Decoded(pixels, np.array(about["labels"], dtype=np.int64), tuple(about["classes"]))


def _sha256(content: bytes | np.ndarray) -> str:
    return hashlib.sha256(content if isinstance(content, bytes) else np.ascontiguousarray(content).data).hexdigest()
