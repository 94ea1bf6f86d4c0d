"""Arrays that took long to compute, kept on disk under a digest of all that decides them.

Each file holds a checksum of its arrays and its own name, and is checked at every read: one that is torn, altered or in
another's place counts as none, and its arrays are computed again.
"""

import ast
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lib.code.closure import digest
from lib.runtime.files import ROOT, artifacts, set_aside, write_whole
from lib.runtime.room import keeps

Arrays = Mapping[str, np.ndarray]


def stored(
    kind: str, names: Sequence[str], code: str, decides: Sequence[object], compute: Callable[[], Arrays]
) -> dict[str, np.ndarray]:
    """What `compute` gives, from the store or else into it.

    Args:
        names: of the arrays that `compute` gives.
        kind, code, decides: as for `place`.

    Warns: of a damaged file.
    """
    path = place(kind, code, decides)
    found = read(path, names)
    if found is None:
        found = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        write(path, found)
    return found


def place(kind: str, code: str, decides: Sequence[object]) -> Path:
    """Where arrays lie that all this decides.

    Args:
        kind: the folder's name beneath statistics/.
        code: the module that computes, as __name__; a change of what it or any module of lib/ beneath it does counts.
        decides: everything else that decides the arrays, as JSON takes it: digests of networks and images, numbers, words.
    """
    version = digest([ast.parse(f"from {code.rpartition('.')[0]} import {code.rpartition('.')[2]}")], ROOT)
    key = hashlib.sha256(json.dumps([version, *decides]).encode()).hexdigest()[:32]
    return artifacts() / "statistics" / kind / f"{key}.safetensors"


def digest_of(array: np.ndarray) -> str:
    """sha256 of an array's shape, type and numbers."""
    return hashlib.sha256(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def read(path: Path, names: Sequence[str]) -> dict[str, np.ndarray] | None:
    """The arrays of these names in a file, or None if there is none; a damaged file counts as none, with a warning."""
    if not path.exists():
        return None
    try:
        found = load(path.read_bytes())
        checksum = found.pop("sha256")
    except (SafetensorError, KeyError, IsADirectoryError, PermissionError) as error:
        _damaged(path, f"cannot be read ({type(error).__name__})")
        return None
    if found.keys() != set(names) or not np.array_equal(checksum, _checksum(path, found)):
        _damaged(path, "does not match its own checksum")
        return None
    return {name: found[name] for name in names}


def write(path: Path, arrays: Arrays) -> None:
    """Write arrays, whole or not at all; nothing where the folder of what was computed is read-only."""
    if not keeps():
        return
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}  # safetensors takes no other as it is
    write_whole(path, save({**whole, "sha256": _checksum(path, whole)}))


def _damaged(path: Path, what: str) -> None:
    if path.is_dir():
        set_aside(path)  # nothing could be written in its place
    warnings.warn(f"{path.parent.name}/{path.name} {what}; what it held will be computed again", stacklevel=3)


def _checksum(path: Path, arrays: Arrays) -> np.ndarray:
    """Of the name as well, so that a file in another's place is noticed; -> [32] uint8."""
    sha = hashlib.sha256()
    for _, array in sorted(arrays.items()):
        sha.update(f"{path.name} {array.shape} {array.dtype}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return np.frombuffer(sha.digest(), dtype=np.uint8)
