"""Pictures and a queue travel to another machine and networks come back: what left, or nothing."""

import itertools
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from stored_files import flip

import device
import device_pictures
import device_speed
import device_staging
import device_steps
import device_training
from lib import data
from lib.data import cifar, loading
from lib.data.pixel_cache import Decoded
from lib.training import store
from lib.training.specification import Specification

STUDY = {
    "dataset": "cifar10",
    "parameters": {"precision": "float32"},
    "training": [
        {"line": "a", "families": ["cnn-small"], "widths": [2], "seeds": 3, "epochs": 2, "batch_size": 25},
        {"line": "b", "families": ["cnn-small", "cnn-large"], "widths": [2], "seeds": 2, "epochs": 3, "batch_size": 25},
    ],
}


def made(count, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return Decoded(pixels, np.arange(count) % 10, tuple("abcdefghij"))


def planted(monkeypatch):
    """CIFAR-10 is a few made pictures."""
    monkeypatch.setattr(cifar, "load", lambda name, root: (made(60, 1), made(20, 2)))
    monkeypatch.setitem(loading.SETS, "cifar10", lambda root: (made(60, 1), made(20, 2)))


@pytest.fixture
def here(artifacts, monkeypatch):
    """A machine with CIFAR-10 of 60 and 20 pictures."""
    monkeypatch.setattr(device_pictures, "STRIP", 7)
    planted(monkeypatch)
    return artifacts


@pytest.fixture
def staged(here, tmp_path):
    """Loads, and a fresh folder on a machine without pictures."""
    return device_staging.stage("study", STUDY, tmp_path / "staged", 130_000), tmp_path / "home"


@pytest.fixture
def there(staged, tmp_path, monkeypatch):
    """The same machine once everything has arrived."""
    loads, home = staged
    for load in loads:
        device_pictures.receive(load, home)
    monkeypatch.undo()
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(home / "store"))
    monkeypatch.setenv("GREATMINDS_DATA", str(home / "data"))
    return home


def test_the_images_that_arrive_are_those_that_left(here, there, monkeypatch):
    device_pictures.provide(there)
    found = data.load("cifar10")
    planted(monkeypatch)
    expected = data.load("cifar10")
    assert (found.train_digest, found.test_digest) == (expected.train_digest, expected.test_digest)
    assert found.classes == expected.classes


def test_loads_fit_into_the_room_and_arrive_one_by_one(staged):
    loads, home = staged
    sizes = [sum(path.stat().st_size for path in load.iterdir()) for load in loads]
    assert len(loads) >= 2 and max(sizes) <= 130_000
    again = device_staging.stage("study", STUDY, loads[0].parent, 10**6)
    assert again == loads[:1] and sorted(loads[0].parent.iterdir()) == again
    loads = device_staging.stage("study", STUDY, loads[0].parent, 130_000)
    missing = [device_pictures.receive(load, home) for load in loads]
    assert missing == sorted(missing, reverse=True) and missing[0] > missing[-1] == 0
    with pytest.raises(ValueError, match="the checkout alone is as large as what may travel"):
        device_staging.stage("study", STUDY, home, 1000)


def test_a_flipped_byte_does_not_arrive(staged):
    loads, home = staged
    strip = next(loads[0].glob("*.webp"))
    flip(strip)
    with pytest.raises(ValueError, match=f"{strip.name} of load-1 is not what was packed; carry this load again"):
        device_pictures.receive(loads[0], home)
    assert not (home / strip.name).exists()


def test_pictures_that_are_incomplete_or_changed_are_refused(there):
    index = json.loads((there / "index.json").read_bytes())
    changed = index["splits"]["test"]["files"]
    (there / changed[0]).write_bytes((there / changed[1]).read_bytes())
    with pytest.raises(ValueError, match="the test pixels that arrived are not those that were packed"):
        device_pictures.provide(there)
    (there / changed[0]).unlink()
    with pytest.raises(ValueError, match="1 of 12 files of pictures did not arrive"):
        device_pictures.provide(there)


def test_only_cifar_can_be_packed():
    assert device_pictures.whole("cifar100-16") == "cifar100"
    with pytest.raises(ValueError, match="pictures of imagefolder cannot be packed; those of cifar10, cifar100 can"):
        device_pictures.whole("imagefolder:x")


def test_the_queue_begins_with_the_most_expensive_and_omits_what_is_begun(here, monkeypatch):
    rows = device_training.queue("study", STUDY)
    found = [(row["specification"]["family"], row["specification"]["epochs"], row["seeds"]) for row in rows]
    assert found == [("cnn-large", 3, [0, 1, 2, 3]), ("cnn-small", 3, [0, 1, 2, 3])]
    monkeypatch.setattr(store, "stored_epochs", lambda one, seed: [1] if (one.family, seed) == ("cnn-large", 3) else [])
    assert device_training.queue("study", STUDY) == rows[1:]


def test_training_stops_in_a_sentence_and_goes_on_from_there(there, capsys, monkeypatch):
    device_pictures.provide(there)
    rows = json.loads((there / "queue.json").read_bytes())[1:]
    one = Specification(**rows[0]["specification"])
    (there / "out").mkdir()
    queue, sizes = there / "queue.json", {"cnn-small": 2}
    queue.write_text(json.dumps(rows))
    device_training.work_through(queue, "cpu", sizes, 0, there / "out")
    assert "no time is left for cnn-small k=2 on cifar10, seeds 0 to 1" in capsys.readouterr().out
    clock = SimpleNamespace(time=itertools.count().__next__)  # a second at every look
    sentence = "another epoch of .* takes 3.0 seconds, and 2.0 are left after epoch 1"
    with monkeypatch.context() as patch, pytest.raises(device_training.OutOfTime, match=sentence):
        patch.setattr(device_training, "time", clock)
        device_training._train(one, [0, 1], data.load("cifar10"), "cpu", 5, list)
    assert [store.stored_epochs(one, seed) for seed in range(4)] == [[1], [1], [], []]
    device_training.work_through(queue, "cpu", sizes, time.time() + 1000, there / "out")
    assert [store.stored_epochs(one, seed) for seed in range(4)] == [[1, 2, 3]] * 4
    assert (there / "out" / "networks-1.zip").exists()


def test_other_pictures_than_those_of_the_queue_train_nothing(there, capsys):
    device_pictures.provide(there)
    rows = json.loads((there / "queue.json").read_bytes())
    rows[0]["specification"]["train_digest"] = "0"
    (there / "queue.json").write_text(json.dumps(rows[:1]))
    device_training.work_through(there / "queue.json", "cpu", {}, time.time() + 1000, there)
    assert "left out, because the pictures here are not those of the queue" in capsys.readouterr().out
    assert not (there / "store" / "networks").exists()


def test_phases_that_do_not_fit_are_left_out_in_a_sentence(tmp_path, capsys):
    device.run(tmp_path, tmp_path, "cpu", 0)
    report = (tmp_path / "report.txt").read_text().splitlines()
    assert report == capsys.readouterr().out.splitlines()
    assert report == [
        *(f"{name}: left out, because it needs 5 seconds and 0 are left" for name in device.PHASES),
        "packs: no snapshots to pack",
    ]


def test_a_phase_is_told_by_its_last_line_its_failure_or_its_end(tmp_path):
    assert device._phase(["-c", "print('a'); print('b')"], "tests", tmp_path, 60) == "b"
    assert device._phase(["-c", "raise SystemExit('no')"], "tests", tmp_path, 60) == "failed (1): no"
    assert device._phase(["-c", "pass"], "tests", tmp_path, 60) == "it printed nothing"
    slow = ["-c", "import time; time.sleep(99)"]
    ended = "ended after 1 seconds, and what it wrote stays: it printed nothing"
    assert device._phase(slow, "tests", tmp_path, 1) == ended
    assert (tmp_path / "log.txt").read_text() == "a\nb\nno\n"


def test_measurements_are_written_one_by_one_and_the_fastest_stack_is_taken(there, tmp_path, capsys, monkeypatch):
    rows = json.loads((there / "queue.json").read_bytes())[1:]
    monkeypatch.setattr(device_steps, "SECONDS", 0)
    monkeypatch.setattr(device_speed, "SIZES", (1, 2))
    monkeypatch.setattr(device_speed, "gradient_rate", lambda *_: 7.0)
    device_speed.measure(rows, "cpu", time.time() + 1000, tmp_path / "speed.json")
    found = json.loads((tmp_path / "speed.json").read_bytes())
    assert all(row["rate"] > 0 for row in found["rows"])
    assert {row["what"] for row in found["rows"]} == {"training", "gradients", "step"}
    fastest = max((row for row in found["rows"] if row["what"] == "training"), key=lambda row: row["rate"])
    assert found["best"] == {"cnn-small": fastest["stack"]}
    device_speed.measure(rows, "cpu", 0, tmp_path / "none.json")
    assert f"{len(found['rows'])} of {len(found['rows'])} measurements left out" in capsys.readouterr().out


def test_a_measurement_that_fails_leaves_the_others(there, tmp_path, monkeypatch):
    rows = json.loads((there / "queue.json").read_bytes())[1:]
    monkeypatch.setattr(
        device_speed,
        "training_rate",
        lambda one, size, device: (
            (_ for _ in ()).throw(RuntimeError("out of memory\nat")) if size == 6 else float(size)
        ),
    )
    monkeypatch.setattr(device_speed, "gradient_rate", lambda *_: 1.0)
    monkeypatch.setattr(device_speed, "variant_rate", lambda *_: 1.0)
    device_speed.measure(rows, "cpu", time.time() + 1000, tmp_path / "speed.json")
    found = json.loads((tmp_path / "speed.json").read_bytes())
    assert found["best"] == {"cnn-small": 3}
    assert [row.get("failed") for row in found["rows"][:4]] == [None, None, None, "out of memory"]
