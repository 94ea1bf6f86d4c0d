"""Pictures decoded one after another against threads, and against opening what was stored of them.

    .venv/bin/python benchmarks/decoding.py [PATH]

PATH: a folder or zip archive with train/CLASS/FILE and test/CLASS/FILE; without it 4,000 pictures of noise are made.
Ratios of times measured side by side in this run.
"""

import io
import os
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from lib.data import pictures, pixel_cache

SPLITS = {"train": 1500, "test": 500}  # pictures a class


def seconds(function):
    """The result of `function` and its time."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def noise(path: Path) -> Path:
    """An archive of 32 x 32 pictures in two classes, lossless WebP."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in SPLITS.items():
            for number in range(2 * count):
                buffer = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(buffer, "WEBP", lossless=True)
                archive.writestr(f"{split}/{number % 2}/{number}.webp", buffer.getvalue())
    return path


def main(path: Path) -> None:
    def both():
        return pixel_cache.decoded(pictures.find_both(path))

    split = pictures.find(path, "train")
    whole, alone = seconds(split.decode)
    for threads in (2, 4):
        blocks = np.array_split(np.arange(len(split.files)), 4 * threads)
        with ThreadPoolExecutor(threads) as executor:
            parts, together = seconds(lambda: np.concatenate(list(executor.map(split.decode, blocks))))
        print(
            f"{len(whole)} pictures: one after another / {threads} threads = {alone / together:.2f} in time, "
            f"the same pixels: {np.array_equal(whole, parts)}"
        )
    _, first = seconds(lambda: pixel_cache.remembered(path, "benchmark", both))
    _, again = seconds(lambda: pixel_cache.remembered(path, "benchmark", both))
    print(f"both splits: decoded and stored in {first:.2f} s, opened again in {again:.3f} s, ratio {first / again:.0f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GREATMINDS_ARTIFACTS"] = folder
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else noise(Path(folder) / "noise.zip"))
