"""Where files lie, writing them so that a kill leaves the old file or the new one, and folders that are swept after a kill."""

import errno
import multiprocessing.util
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}
ORPHAN_AGE = 3600  # seconds after which an unfinished file belongs to nobody
PREFIX = "great-minds-"  # of temporary folders, before the number of their process
SOCKET = 107  # characters that the path of a socket may have; multiprocessing adds the rest
REST = len("/pymp-12345678/listener-12345678")


def artifacts() -> Path:
    """The folder of what was computed: GREATMINDS_ARTIFACTS, or artifacts/ of this checkout; absolute."""
    return _expanded(os.environ.get("GREATMINDS_ARTIFACTS") or ROOT / "artifacts").absolute()


def data_folder(root: str | Path | None = None) -> Path:
    """The folder of data sets: `root`, else GREATMINDS_DATA, else data/ in the folder of what was computed."""
    return _expanded(root or os.environ.get("GREATMINDS_DATA") or artifacts() / "data").resolve()


def _expanded(path: str | Path) -> Path:
    """Raises ValueError for ~ or ~NAME where nobody knows that folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        told = "its ~ stands for a home folder that this system does not know; write the folder out"
        raise ValueError(f"{str(path)!r} names no folder: {told}") from None


def read_whole(path: Path) -> bytes:
    """The content of a stored file.

    Raises:
        FileNotFoundError, IsADirectoryError: there is none, or a folder in its place.
        PermissionError: with the sentence that says what to do.
    """
    try:
        return path.read_bytes()
    except PermissionError as error:
        told = f"{path} may not be read: make it readable (chmod u+r), or remove it, and it is made again"
        raise PermissionError(error.errno, told) from None


def set_aside(path: Path) -> Path:
    """Move a damaged file, or a folder in its place, out of the way; -> where it would lie, as PATH.damaged.

    Nothing happens where it is gone already, or the disk takes no changes.
    """
    names = (f"{path.name}.damaged{number or ''}" for number in count())
    target = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    try:
        os.replace(path, target)
    except OSError as error:
        if error.errno not in {errno.ENOENT, *READ_ONLY}:
            raise
    return target


def write_whole(path: Path, *content: bytes | memoryview, durable: bool = True) -> None:
    """Write the parts of `content` so that a reader, also after a kill, sees the old file or the new one.

    durable: also after the machine lost its power, for which the disk is waited for.

    Raises:
        OSError: with the sentence that says what to do: the disk is full, or a file lies where a folder belongs.
    """
    try:
        _write_whole(path, content, durable)
    except OSError as error:
        raise in_words(error, path.parent) from None


def in_words(error: OSError, folder: Path) -> OSError:
    """The same error, as a sentence that says what to do where there is one."""
    sentences = dict.fromkeys(
        FULL,
        f"the disk of {folder} is full; make room, or name another folder in "
        "GREATMINDS_ARTIFACTS: what was stored so far is whole",
    ) | dict.fromkeys(
        NO_FOLDER,
        f"{folder} is needed as a folder, and a file lies in its place or above it: move that away, or name another "
        "folder in GREATMINDS_ARTIFACTS",
    )
    return OSError(error.errno, sentences[error.errno]) if error.errno in sentences else error


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


def temporary_folder() -> Path:
    """A new folder of this process; those of processes that are gone are swept first.  Who asks for it removes it."""
    sweep()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def sweep() -> None:
    """Remove the temporary folders of processes that ended without doing so."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays


@cache
def keep_sockets_together() -> None:
    """Let multiprocessing put the sockets of this process into a folder that can be swept."""
    if len(tempfile.gettempdir()) + len(f"/{PREFIX}1234567-12345678") + REST > SOCKET:
        return
    before, tempfile.tempdir = tempfile.gettempdir(), str(folder := temporary_folder())
    try:
        multiprocessing.util.get_temp_dir()  # it is made once, and remembered
    finally:
        tempfile.tempdir = before
    multiprocessing.util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)  # after what lies inside


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True
