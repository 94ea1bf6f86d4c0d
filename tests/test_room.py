"""What the disk can take is known before any work: read-only, full, or no folder at all."""

import errno
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lib.runtime import room
from lib.training import workers
from lib.training.populations import train_or_load


@pytest.fixture
def refusing(monkeypatch):
    """refusing(number): from now on no file can be made, for the reason with this number."""

    def refuse(number):
        def refused(*_, **__):
            raise OSError(number, "of the system")

        room.writable.cache_clear()
        monkeypatch.setattr(tempfile, "TemporaryFile", refused)
        monkeypatch.setattr(tempfile, "mkstemp", refused)

    yield refuse
    room.writable.cache_clear()


def test_a_read_only_store_serves_what_it_has_and_the_rest_is_computed_in_memory(tiny, artifacts, inline, refusing):
    (stored,) = train_or_load({tiny: [0]}, inline)[tiny].networks
    before = sorted(artifacts.rglob("*"))
    refusing(errno.EROFS)
    with pytest.warns(UserWarning, match="cannot be written: what is stored there is used") as said:
        found = train_or_load({tiny: [0, 5]}, inline)[tiny].networks
        again = train_or_load({tiny: [5, 6]}, inline)[tiny].networks
    assert len(said) == 1 and sorted(artifacts.rglob("*")) == before
    assert all(torch.equal(found[0].state[name], value) for name, value in stored.state.items())
    assert again[0] is found[1] and len(again) == 2


def test_the_results_of_a_read_only_checkout_go_beneath_the_folder_of_what_was_computed(tmp_path, artifacts):
    (tmp_path / "checkout").mkdir()
    assert room.results_folder(tmp_path / "checkout") == tmp_path / "checkout" / "results"
    assert room.results_folder(Path("/proc")) == artifacts / "results"  # no folder can be made there


@pytest.fixture
def nothing_trained(monkeypatch):
    monkeypatch.setattr(workers, "run_tasks", lambda *_: pytest.fail("something is trained"))


def test_a_full_disk_is_told_before_any_work(tiny, artifacts, refusing, nothing_trained):
    refusing(errno.ENOSPC)
    with pytest.raises(OSError, match="the disk of .* is full; make room"):
        train_or_load({tiny: [0]})


def test_too_little_room_is_told_before_any_work(tiny, artifacts, monkeypatch, nothing_trained):
    needed = workers.stored_bytes((tiny, (0, 1, 2, 3)))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=needed - 1))
    with pytest.raises(OSError, match="takes about 0.. MB, and 0.. MB are free; make room"):
        train_or_load({tiny: [0]})


def test_the_estimate_of_room_is_about_what_is_stored(tiny, artifacts, inline):
    train_or_load({tiny: [0]}, inline)
    size = sum(path.stat().st_size for path in artifacts.rglob("*.safetensors"))
    assert size / 3 < workers.stored_bytes((tiny, (0, 1, 2, 3))) < size * 3


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_store_is_told_before_any_work(tiny, tmp_path, monkeypatch, nothing_trained, below):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path / "file" / below))
    with pytest.raises(OSError, match="is needed as a folder, and a file lies in its place or above it"):
        train_or_load({tiny: [0]})


def test_a_disk_that_gets_full_ends_all_at_once(tiny, artifacts, inline, monkeypatch):
    begun = []

    def full(*_, **__):
        begun.append(1)
        raise OSError(errno.ENOSPC, "the disk is full")

    monkeypatch.setattr(workers, "train", full)
    monkeypatch.setattr(
        workers,
        "run_tasks",
        lambda tasks, finish, *_: [finish(key, inline.submit(*task)) for key, task in tasks.items()],
    )
    with pytest.raises(OSError, match="the disk is full"):
        train_or_load({tiny: range(12)})
    assert len(begun) == 1


def test_too_little_memory_is_told_and_stops_nothing(tiny, artifacts, monkeypatch):
    monkeypatch.setattr(room, "available_memory", lambda: 1000)
    monkeypatch.setattr(workers, "run_tasks", lambda *_: None)
    with pytest.warns(UserWarning, match="training with 1 processes takes about 0.0 MB of memory, and 0.0 MB are av"):
        workers.train_all([(tiny, (0, 1, 2, 3))])


def test_this_machine_tells_how_much_memory_is_available():
    known = room.available_memory()
    assert known is None or 2**20 < known < 2**50
