"""Small pictures of noise, and folders and archives of them, for tests of loaders."""

import io
import zipfile

import numpy as np
from PIL import Image


def colour(seed, size=6):
    """uint8 [3, size, size]; one channel of it is a grey picture."""
    return np.random.default_rng(seed).integers(0, 256, (3, size, size), dtype=np.uint8)


def encoded(pixels, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


# Written in an order that is not the sorted one; classes a and b, files 0 to 2.
FILES = {
    f"{split}/{name}/{number}.png": encoded(colour(10 * number + (name == "b") + 100 * (split == "train")))
    for split in ("train", "test")
    for number in (2, 0, 1)
    for name in "ba"
}


def write_zip(path, files, folders=(), top=""):
    """Files, name -> bytes, and empty folders, in an archive; -> its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(top + name, content)
        for name in folders:
            archive.writestr(f"{top}{name}/", b"")
    return path


def write_folder(path, files, folders=(), top=""):
    """The same in a folder."""
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        (path / top / name).parent.mkdir(parents=True, exist_ok=True)
        (path / top / name).write_bytes(content)
    for name in folders:
        (path / top / name).mkdir(parents=True)
    return path


def both_splits(per_class={"train": 3, "test": 2}, classes=("ant", "bee"), size=6):
    """Names -> PNGs of a small set of colour pictures, no two the same."""
    names = [
        f"{split}/{name}/{number}.png"
        for split, count in per_class.items()
        for name in classes
        for number in range(count)
    ]
    return {name: encoded(colour(seed, size)) for seed, name in enumerate(names)}


def digests(images):
    """Of the training and the test images of a data set."""
    return images.train_digest, images.test_digest
