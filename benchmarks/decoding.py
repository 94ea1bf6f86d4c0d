"""Pictures of an archive decoded, against torchvision's folder of them, and what was stored of them opened again."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import ImageFolder

from benchmarks.measuring import Case, Cases
from lib.data import pictures, pixel_cache
from lib.runtime.files import artifacts


def noise(folder: Path, count: int) -> tuple[Path, Path]:
    """Smooth 32 x 32 pictures in two classes, lossless WebP: as an archive and as a folder."""
    rng, path = np.random.default_rng(0), folder / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2 * count):
            buffer = io.BytesIO()
            small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            small.resize((32, 32), Image.Resampling.BILINEAR).save(buffer, "WEBP", lossless=True)
            split = "train" if number < count else "test"
            archive.writestr(f"{split}/{number % 2}/{number:06}.webp", buffer.getvalue())
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "unpacked")
    return path, folder / "unpacked"


def by_folder(unpacked: Path) -> list[np.ndarray]:
    """[n, 3, H, W] of both splits, a picture after the other."""
    splits = (ImageFolder(unpacked / split) for split in ("train", "test"))
    return [np.stack([np.asarray(picture).transpose(2, 0, 1) for picture, _ in split]) for split in splits]


def contents(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def pixels_apart(ours: tuple[pixel_cache.Decoded, pixel_cache.Decoded], theirs: list[np.ndarray]) -> float:
    """The largest difference of two pixels."""
    return max(float(np.abs(np.subtract(a.pixels, b, dtype=int)).max()) for a, b in zip(ours, theirs, strict=True))


def cases(quick: bool) -> Cases:
    with tempfile.TemporaryDirectory() as folder:
        count = 20 if quick else 3000
        path, unpacked = noise(Path(folder), count)
        files = contents(path)

        def decode():
            return pixel_cache.decoded(pictures.find_both(path))

        def again():
            return pixel_cache.remembered(path, "benchmark", decode)

        work = f"{2 * count} pictures of 32 x 32"
        yield Case(
            "decoding pictures",
            work,
            decode,
            {"torchvision, PIL": lambda: by_folder(unpacked)},
            ("decoding bytes that lie in memory", lambda: [Image.open(io.BytesIO(one)).load() for one in files]),
            pixels_apart,
            0,
            goal=2,
            repeats=3,
        )
        yield Case(
            "opening decoded pictures again",
            work,
            again,
            {"torchvision, PIL": lambda: by_folder(unpacked)},
            None,
            pixels_apart,
            0,
            repeats=3,
        )
        for stored in (artifacts() / "pixels").glob("pictures.zip-benchmark-*"):
            stored.unlink()
