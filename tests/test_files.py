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


def test_the_parts_of_a_file_follow_each_other(tmp_path):
    files.write_whole(tmp_path / "file", b"one", memoryview(b" and "), b"two")
    assert (tmp_path / "file").read_bytes() == b"one and two"


@pytest.mark.parametrize(
    "given, found", [("", files.ROOT / "artifacts"), ("~/my networks", "HOME/my networks"), ("~", "HOME")]
)
def test_an_empty_name_is_none_and_a_tilde_is_the_home_folder(tmp_path, monkeypatch, given, found):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", given)
    assert str(files.artifacts()) == str(found).replace("HOME", str(tmp_path))


@pytest.mark.parametrize("name, folder", [("ARTIFACTS", files.artifacts), ("DATA", files.data_folder)])
def test_a_home_folder_that_is_not_known_is_told(monkeypatch, name, folder):
    monkeypatch.setenv(f"GREATMINDS_{name}", "~nobody-of-this-name/networks")
    with pytest.raises(ValueError, match="'~nobody-of-this-name/networks' names no folder: its ~ stands for a home"):
        folder()


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


def test_an_unfinished_file_that_goes_while_orphans_are_swept_is_no_error(tmp_path):
    """Another process finishes its own file between our listing and our look at it."""
    (tmp_path / "gone.unfinished").symlink_to(tmp_path / "nowhere")  # listed, and not there
    files.write_whole(tmp_path / "file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_written_file_can_be_read_by_others_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    files.write_whole(path, b"a")
    files.write_whole(path, b"b")
    assert path.read_bytes() == b"b" and path.stat().st_mode & 0o777 == 0o644
