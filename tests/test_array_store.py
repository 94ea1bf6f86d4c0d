"""Arrays are computed once for each digest of what decides them, and never taken from a file that is not what was written."""

from pathlib import Path

import numpy as np
import pytest
from stored_files import flip

from lib.runtime import array_store

CODE = "lib.statistics.intervals"
NAMES = ["a", "b"]


class Computing:
    """Arrays that differ each time they are computed."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"a": np.arange(6.0).reshape(2, 3) + self.times, "b": np.full(4, self.times)}


@pytest.fixture
def computing(artifacts):
    return Computing()


def test_arrays_are_computed_once(computing):
    first, second = (array_store.stored("probes", NAMES, CODE, ["x", 1], computing) for _ in range(2))
    assert computing.times == 1 and first.keys() == second.keys() == {"a", "b"}
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("change", ["kind", "code of another module", "decides"])
def test_whatever_decides_keeps_them_apart(computing, change):
    array_store.stored("probes", NAMES, CODE, ["x", 1], computing)
    kind = "maps" if change == "kind" else "probes"
    code = "lib.statistics.pairs" if change == "code of another module" else CODE
    array_store.stored(kind, NAMES, code, ["x", 2 if change == "decides" else 1], computing)
    assert computing.times == 2


def test_arrays_of_any_order_and_size_are_read_as_they_were(artifacts):
    arrays = {"a": np.arange(24.0).reshape(2, 3, 4).T[::-1], "b": np.ones((3, 0), bool)}
    array_store.write(artifacts / "x", arrays)
    found = array_store.read(artifacts / "x", NAMES)
    assert all(np.array_equal(found[name], arrays[name]) and found[name].shape == arrays[name].shape for name in NAMES)


@pytest.mark.parametrize("damage", ["cut", "empty", "swap"])
def test_a_damaged_file_is_noticed_and_computed_again(computing, artifacts, damage):
    for number in (1, 2):
        array_store.stored("probes", NAMES, CODE, [number], computing)
    path, other = sorted((artifacts / "statistics" / "probes").iterdir())
    parts = {"cut": path.read_bytes()[:-9], "empty": b"", "swap": other.read_bytes()}
    path.write_bytes(parts[damage])
    with pytest.warns(UserWarning, match="will be computed again"):
        for number in (1, 2):
            array_store.stored("probes", NAMES, CODE, [number], computing)
    assert computing.times == 3


@pytest.mark.parametrize("damage", ["a folder in its place", "not to be read"])
def test_a_file_that_is_none_to_be_read_is_computed_and_written_again(computing, artifacts, monkeypatch, damage):
    array_store.stored("probes", NAMES, CODE, [1], computing)
    (path,) = (artifacts / "statistics" / "probes").iterdir()
    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="cannot be read .* will be computed again"):
        if damage == "not to be read":

            def refused(_):
                raise PermissionError

            patch.setattr(Path, "read_bytes", refused)
        else:
            path.unlink()
            (path / "inside").mkdir(parents=True)
        array_store.stored("probes", NAMES, CODE, [1], computing)
    array_store.stored("probes", NAMES, CODE, [1], computing)
    assert computing.times == 2


@pytest.mark.filterwarnings("ignore:probes/")
def test_a_flipped_bit_of_any_byte_is_noticed(computing, artifacts):
    """Of the header as well, where it may change the name of an array and nothing else."""
    array_store.stored("probes", NAMES, CODE, [1], computing)
    (path,) = (artifacts / "statistics" / "probes").iterdir()
    content = path.read_bytes()
    assert array_store.read(path, NAMES) is not None
    for place in range(len(content)):
        flip(path, place, place % 8)
        assert array_store.read(path, NAMES) is None, place
        path.write_bytes(content)
