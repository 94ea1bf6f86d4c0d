"""Networks from a folder of files that hold their architecture too, and sentences about files that do not."""

import mmap
import os
import pickle
import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import nn

from lib.models import checkpoints

ENDINGS = (".bin", ".ckpt", ".jit", ".pt", ".pt2", ".pth", ".safetensors", ".torchscript", ".ts")
FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # torch.load then reads tensors alone, whoever calls it
BY_HAND = "give lib.own.compare a dictionary of a name and the module"
REFUSED = {
    "weights": f"holds weights without their architecture: build the module, load_state_dict them, and {BY_HAND}",
    "mixed": "holds weights beside other objects, and not their architecture: if you trust it, read it yourself with "
    f"torch.load(file, weights_only=False), build the module, load_state_dict its weights, and {BY_HAND}",
    "pickle": "holds a pickled module, and reading it would run any code that is in it: if you trust it, read it "
    f"yourself with torch.load(file, weights_only=False), and {BY_HAND}",
    "pickled program": "holds pickled objects beside the exported program, and reading them would run any code that is in "
    "them: if you trust the file, name it in `trusted`",
    "unknown": "is neither a TorchScript file nor an exported program",
}


class Exported(nn.Module):
    """An exported program as a module.  It stays in the mode that the module was in when it was exported."""

    def __init__(self, program: nn.Module):
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> "Exported":
        """Changes nothing; PyTorch would refuse."""
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.program(images)


def load_models(folder: str | Path, *, trusted: Collection[str] = ()) -> dict[str, list[nn.Module]]:
    """Saved networks as modules: the files of each folder inside are a group, and each file at the top is its own.

    Files are TorchScript (`torch.jit.save`) or exported programs (`torch.export.save`), known by ENDINGS; others are
    left aside.  Both are programs: load those of people you trust.

    Args:
        trusted: names of files whose pickled objects may be read, which runs any code that is in them.

    Returns:
        the folder's name, seen from `folder`, or the name of the file without its ending -> networks, by file name.

    Raises:
        ValueError: no such folder, no networks in it, two groups of one name, or a file of weights without an
            architecture, of a pickled module, or of something else, or a link that leads nowhere; it is named.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; a folder of TorchScript files or exported programs is needed")
    files = sorted(path for path in _shown(folder) if path.suffix.lower() in ENDINGS)
    if not files:
        raise ValueError(f"the folder {folder.name} holds no networks; their files end in {', '.join(ENDINGS)}")
    names = [path.stem if path.parent == folder else path.parent.relative_to(folder).as_posix() for path in files]
    found: dict[str, list[nn.Module]] = {}
    for path, name in zip(files, names):
        if path.parent == folder and names.count(name) > 1:
            raise ValueError(f"{path.name} would be a group {name!r}, and there is another one of that name; rename it")
        found.setdefault(name, []).append(load_model(path, trusted=path.name in trusted))
    return found


def _shown(folder: Path, inside: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files in a folder and its folders, without hidden ones; a link is followed, but not into itself."""
    inside = (*inside, folder.resolve())
    for path in folder.iterdir():
        if path.name.startswith(".") or path.resolve() in inside:
            continue
        if path.is_dir():
            yield from _shown(path, inside)
        else:
            yield path


def load_model(path: str | Path, *, trusted: bool = False) -> nn.Module:
    """One network from a TorchScript file or an exported program, on the CPU; a ValueError for any other file.

    trusted: pickled objects in an exported program may be read, which runs any code that is in them.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    with _told_of(path):
        kind = _kind(path)
    if kind in REFUSED:
        raise ValueError(f"{path.name} {REFUSED[kind]}")
    with _told_of(path), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.load.*deprecated")  # no matter of the reader's
        if kind == "script":
            return torch.jit.load(path, map_location="cpu")
        with _no_pickles(path) if not trusted else nullcontext():
            return Exported(torch.export.load(path).module())


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Whatever reading a file stumbles over becomes a ValueError that names it."""
    try:
        yield
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path.name} {REFUSED['pickled program']}") from error
    except Exception as error:
        raise ValueError(
            f"{path.name} cannot be loaded ({type(error).__name__}); it may be damaged, or made by "
            f"another version of PyTorch than {torch.__version__}"
        ) from error


@contextmanager
def _no_pickles(path: Path) -> Iterator[None]:
    """Within, whatever torch unpickles of this file is tensors alone, or pickle.UnpicklingError is raised first."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(b"opaque_obj") >= 0:  # records of this name go to Python's pickle, whatever is forced
            raise pickle.UnpicklingError("opaque objects")
    before = os.environ.get(FORCE)
    os.environ[FORCE] = "1"
    try:
        yield
    finally:
        os.environ.pop(FORCE) if before is None else os.environ.update({FORCE: before})


def _kind(path: Path) -> str:
    """'script', 'exported', 'weights', 'mixed', 'pickle' or 'unknown', from the names inside; nothing in the file is run."""
    if path.suffix.lower() == ".safetensors":
        return "weights"
    if not zipfile.is_zipfile(path):
        return "unknown"
    with zipfile.ZipFile(path) as archive:
        inside = {name.partition("/")[2] or name: name for name in archive.namelist()}  # most have one folder around
    if inside.keys() & {"archive_format", "serialized_exported_program.json"}:
        return "exported"
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        return "script"
    if "data.pkl" not in inside:
        return "unknown"
    checkpoints.check_records(path)
    try:
        checkpoints.tensors(path)
    except Exception:  # more than weights
        with zipfile.ZipFile(path) as archive:
            pickled = archive.read(inside["data.pkl"])
        return "mixed" if b"_rebuild_tensor" in pickled and b"_modules" not in pickled else "pickle"
    return "weights"
