"""Temporary folders of killed processes are swept at the next start; those of others stay."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lib.runtime import files

KILLED = """
import multiprocessing, os, signal
from lib.runtime.files import keep_sockets_together

keep_sockets_together()
multiprocessing.get_context("forkserver").Process(target=os.getpid).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(monkeypatch):
    """A short path, as sockets need it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


def test_what_a_killed_process_left_is_swept_and_what_belongs_to_a_running_one_stays(folder):
    environment = os.environ | {"TMPDIR": str(folder)}
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=Path(__file__).parents[1], env=environment)
    assert killed.returncode == -signal.SIGKILL and list(folder.rglob("pymp-*"))
    (folder / "another").mkdir()
    own = files.temporary_folder()
    files.sweep()
    assert sorted(folder.iterdir()) == sorted([folder / "another", own])
