"""Directions of input gradients on disk: whole chapters ask for the same ones, and large images take their time.

A file's name holds a digest of all that decides its content: the network's weights, the images, the score that is
differentiated, the grid, and RECIPE.  The content holds its own checksum and is checked at every read.
"""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from safetensors.torch import save as save_weights
from torch import nn

from lib.data.loading import ImageData
from lib.runtime.files import artifacts, write_whole
from lib.training.specification import Specification

# Raise it when a change of lib/ makes other directions of the same networks: stored ones are then computed again.
RECIPE = 1


def place(specification: Specification, seed: int, model: nn.Module, images: ImageData, output: str, grid: int | None
          ) -> Path:
    """Where the directions of one network on the test images lie."""
    sha = hashlib.sha256(json.dumps([RECIPE, specification.key, images.test_digest, output, grid]).encode())
    sha.update(save_weights(model.state_dict()))
    name = f"seed-{seed:05d}-{output}-{grid or 'full'}-{sha.hexdigest()[:32]}.safetensors"
    return artifacts() / "directions" / specification.key / name


def write(path: Path, directions: np.ndarray) -> None:
    """Store the directions [n, d] of one network, whole or not at all."""
    write_whole(path, save({"directions": directions, "sha256": _checksum(path, directions)}))


def read(path: Path) -> np.ndarray | None:
    """The stored directions [n, d], or None if there are none; a damaged file counts as none, with a warning."""
    if not path.exists():
        return None
    try:
        found = load(path.read_bytes())
        directions, checksum = found["directions"], found["sha256"]
    except (SafetensorError, KeyError) as error:
        return _damaged(path, f"cannot be read ({type(error).__name__})")
    if not np.array_equal(checksum, _checksum(path, directions)):
        return _damaged(path, "does not match its own checksum")
    return directions


def _damaged(path: Path, what: str) -> None:
    warnings.warn(f"{path.parent.name}/{path.name} {what}; the directions will be computed again", stacklevel=3)


def _checksum(path: Path, directions: np.ndarray) -> np.ndarray:
    """Of the name as well, so that a file in another's place is noticed; -> [32] uint8."""
    sha = hashlib.sha256(f"{path.name} {directions.shape} {directions.dtype}".encode())
    sha.update(np.ascontiguousarray(directions).data)
    return np.frombuffer(sha.digest(), dtype=np.uint8)
