"""Temporary folders that carry the number of their process, so that those of killed processes can be swept."""

import multiprocessing.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

PREFIX = "great-minds-"
SOCKET = 107  # characters that the path of a socket may have; multiprocessing adds the rest
REST = len("/pymp-12345678/listener-12345678")


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
