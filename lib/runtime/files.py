"""Where files lie, and writing them so that a kill leaves the old file or the new one."""

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FULL = {errno.ENOSPC, errno.EDQUOT}
ORPHAN_AGE = 3600  # seconds after which an unfinished file belongs to nobody


def artifacts() -> Path:
    """The folder of what was computed: GREATMINDS_ARTIFACTS, or artifacts/ of this checkout."""
    return Path(os.environ.get("GREATMINDS_ARTIFACTS", ROOT / "artifacts"))


def data_folder(root: str | Path | None = None) -> Path:
    """The folder of data sets: `root`, else GREATMINDS_DATA, else data/ in the folder of what was computed."""
    return Path(root or os.environ.get("GREATMINDS_DATA") or artifacts() / "data").resolve()


def write_whole(path: Path, *content: bytes | memoryview, durable: bool = True) -> None:
    """Write the parts of `content` so that a reader, also after a kill, sees the old file or the new one.

    durable: also after the machine lost its power, for which the disk is waited for.

    Raises:
        OSError: the disk is full, with the sentence that says so.
    """
    try:
        _write_whole(path, content, durable)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OSError(
            error.errno,
            f"the disk of {path.parent} is full; make room, or name another folder in "
            "GREATMINDS_ARTIFACTS: what was stored so far is whole",
        ) from None


def _write_whole(path: Path, content: tuple[bytes | memoryview, ...], durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for orphan in path.parent.glob("*.unfinished"):
        with suppress(FileNotFoundError):  # its writer may be finishing it right now
            if time.time() - orphan.stat().st_mtime > ORPHAN_AGE:
                orphan.unlink()
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".unfinished")
    try:
        with os.fdopen(handle, "wb") as file:
            for part in content:
                file.write(part)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(unfinished, 0o644)  # mkstemp lets the owner alone read it
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
