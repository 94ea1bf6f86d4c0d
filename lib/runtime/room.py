"""What the disk and the memory of this machine can take, looked at before any work."""

import errno
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

from lib.runtime.files import READ_ONLY, artifacts, in_words

TRIAL = 4096  # bytes


def keeps() -> bool:
    """Whether the folder of what was computed can be written; where it cannot, that is said once.

    Raises:
        OSError: the folder is of no use at all, with the sentence that says what to do.
    """
    return writable(artifacts()) or _tell(artifacts())


@cache
def writable(folder: Path) -> bool:
    """Whether a trial write into a folder succeeds; `keeps` tells what is raised."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(TRIAL))
            file.flush()
    except OSError as error:
        if error.errno in READ_ONLY | {errno.ENOENT}:  # where no folder can be made, as under /proc
            return False
        raise in_words(error, folder) from None
    return True


def results_folder(root: Path) -> Path:
    """Where numbers and executed chapters go: results/ of a checkout, or beneath `artifacts` where that is read-only."""
    return root / "results" if writable(root / "results") else artifacts() / "results"


@cache
def _tell(folder: Path) -> bool:
    warnings.warn(
        f"{folder} cannot be written: what is stored there is used, and the rest is computed in memory and lost at the "
        "end; GREATMINDS_ARTIFACTS names another folder",
        stacklevel=3,
    )
    return False


def check_disk(size: float) -> None:
    """Raises OSError where the disk of what was computed has less room than `size` bytes."""
    if (free := shutil.disk_usage(artifacts()).free) < size:
        told = f"what is to be stored in {artifacts()} takes about {_amount(size)}, and {_amount(free)} are free"
        raise OSError(errno.ENOSPC, f"{told}; make room, or name another folder in GREATMINDS_ARTIFACTS")


def warn_of_memory(size: float, what: str) -> None:
    """Warns where less memory than `size` bytes is available, on systems that tell."""
    if (free := available_memory()) is not None and free < size:
        warnings.warn(
            f"{what} takes about {_amount(size)} of memory, and {_amount(free)} are available; processes may be killed",
            stacklevel=3,
        )


def check_memory(count: int, each: float, what: str) -> None:
    """Raises ValueError where less memory is available than `count` things of `each` bytes take, on systems that tell."""
    if (free := available_memory()) is not None and free < count * each:
        raise ValueError(
            f"{count} {what} take {_amount(count * each)} of memory, and {_amount(free)} are available; take fewer of "
            f"them, {int(free / each)} at most"
        )


def available_memory() -> int | None:
    """Bytes that processes can still take, as Linux estimates them; None on other systems."""
    path = Path("/proc/meminfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _amount(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
