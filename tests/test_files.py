"""Files are written whole or not at all, into folders that the environment can name."""

import os

import pytest

from lib.runtime import files


def folder_names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def test_the_folders_are_those_of_the_environment_and_else_of_the_checkout(tmp_path, monkeypatch):
    for name in ("GREATMINDS_ARTIFACTS", "GREATMINDS_DATA"):
        monkeypatch.delenv(name, raising=False)
    assert (files.ROOT / "lib" / "runtime" / "files.py").exists()
    assert files.artifacts() == files.ROOT / "artifacts" and files.data_folder() == files.ROOT / "artifacts" / "data"
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path))
    assert files.artifacts() == tmp_path and files.data_folder() == tmp_path / "data"
    monkeypatch.setenv("GREATMINDS_DATA", str(tmp_path / "sets"))
    assert files.data_folder() == tmp_path / "sets" and files.data_folder(tmp_path / "mine") == tmp_path / "mine"


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_write_that_is_cut_off_leaves_the_old_content_and_no_unfinished_file(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    files.write_whole(path, b"old")

    def cut(*_):
        raise Killed

    monkeypatch.setattr(os, step, cut)
    with pytest.raises(Killed):
        files.write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old" and folder_names(path) == ["file"]


def test_old_orphans_are_swept_and_young_ones_left_to_their_writer(tmp_path):
    for name, age in [("a.unfinished", 10 * files.ORPHAN_AGE), ("b.unfinished", 0), ("c.damaged", 10**6)]:
        (tmp_path / name).write_bytes(b"")
        written = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (written, written))
    files.write_whole(tmp_path / "file", b"x")
    assert folder_names(tmp_path / "file") == ["b.unfinished", "c.damaged", "file"]
