"""A stored network is whole and the one asked for, or it is none."""

import dataclasses
import errno
import json
import os
import shutil

import pytest
import torch
from stored_files import flip

from lib.training import TrainedNetwork, store, train

WEIGHTS, MANIFEST = 0, 1  # in the pair of store.paths


@pytest.fixture(scope="module")
def networks(tiny, digits) -> list[TrainedNetwork]:
    """Network 3 after epochs 1, 2, 3 and 4 of a training of 5."""
    seen = []
    train(dataclasses.replace(tiny, epochs=5), range(4), digits, keep=seen.append)
    return [stack[3] for stack in seen[:4]]


@pytest.fixture(scope="module")
def network(networks) -> TrainedNetwork:
    return networks[1]


@pytest.fixture
def stored(tiny, network, artifacts):
    """The paths of the weights and the manifest of `network`, freshly written."""
    store.write_network(tiny, network)
    return store.paths(tiny, network.seed)


def folder_names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def assert_set_aside(tiny, paths, match):
    """Reading warns once, names the network, moves both files and finds nothing; the second time in silence."""
    there = [path for path in paths if path.exists()]
    with pytest.warns(UserWarning, match=match) as caught:
        assert store.read_network(tiny, 3) is None
    assert len(caught) == 1
    assert "cnn-small k=2 on digits, seed 3:" in str(caught[0].message)
    assert folder_names(paths[0]) == sorted(path.name + ".damaged" for path in there)
    assert store.read_network(tiny, 3) is None


def test_what_is_written_is_read(tiny, network, stored):
    again = store.read_network(tiny, 3)
    for field in dataclasses.fields(TrainedNetwork):
        if field.name not in ("state", "resume"):
            assert getattr(again, field.name) == getattr(network, field.name), field.name
    for found, written in ((again.state, network.state), (again.resume, network.resume)):
        assert found.keys() == written.keys()
        for name, value in written.items():
            assert torch.equal(found[name], value) and found[name].dtype == value.dtype
    tiny.build().load_state_dict(again.state, strict=True)
    assert folder_names(stored[0]) == ["seed-00003.epoch-00002.json", "seed-00003.epoch-00002.safetensors"]


def test_a_network_that_diverged_is_read_as_one(tiny, network, artifacts):
    broken = dataclasses.replace(network, train_loss=[1.0, float("nan")], test_loss=[float("inf"), float("nan")])
    store.write_network(tiny, broken)
    again = store.read_network(tiny, 3)
    assert not again.finite and again.train_loss[0] == 1 and again.test_loss[0] == float("inf")


def test_nothing_stored_is_none_in_silence(tiny, artifacts, recwarn):
    assert store.read_network(tiny, 0) is None
    assert not list(artifacts.iterdir()) and not recwarn.list


@pytest.mark.parametrize("which", [WEIGHTS, MANIFEST])
@pytest.mark.parametrize("place, bit", [(0, 5), (0.001, 0), (0.25, 7), (0.5, 5), (0.75, 0), (1, 7)])
def test_a_flipped_bit_is_noticed_and_set_aside(tiny, stored, which, place, bit):
    flip(stored[which], round(place * (stored[which].stat().st_size - 1)), bit)
    assert_set_aside(tiny, stored, "checksum|cannot be read")


def test_a_flipped_bit_of_any_byte_of_a_manifest_is_noticed(stored):
    """Also one that changes nothing of what it says: the last of 17 digits, a space, the E of an exponent."""
    content = stored[MANIFEST].read_bytes()
    for place in range(len(content)):
        flip(stored[MANIFEST], place, place % 8)
        with pytest.raises(store.DamagedFile):
            store.read_pair(*stored)
        stored[MANIFEST].write_bytes(content)


@pytest.mark.parametrize("which", [WEIGHTS, MANIFEST])
@pytest.mark.parametrize("left", [0, 1, 0.5, -1])
def test_a_truncated_file_is_noticed(tiny, stored, which, left):
    content = stored[which].read_bytes()
    stored[which].write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    assert_set_aside(tiny, stored, "checksum|cannot be read")


@pytest.mark.parametrize(
    "content",
    [b"null", b"[]", b"3", b"{}", b'{"manifest_sha256": "0"}', b"\xff\xfe", b"[" * 10**5],
    ids=lambda content: repr(content[:30]),
)
def test_a_manifest_that_is_something_else_is_noticed(tiny, stored, content):
    stored[MANIFEST].write_bytes(content)
    assert_set_aside(tiny, stored, "checksum|cannot be read")


def test_a_manifest_without_weights_is_damaged(tiny, stored):
    stored[WEIGHTS].unlink()
    assert_set_aside(tiny, stored, "cannot be read")


@pytest.mark.parametrize("which", [WEIGHTS, MANIFEST])
def test_a_folder_in_the_place_of_a_file_is_set_aside(tiny, network, stored, which):
    stored[which].unlink()
    (stored[which] / "inside").mkdir(parents=True)
    assert_set_aside(tiny, stored, "cannot be read")
    store.write_network(tiny, network)
    assert store.read_network(tiny, 3) is not None


@pytest.mark.parametrize("which", [WEIGHTS, MANIFEST])
def test_a_file_that_may_not_be_read_is_one_sentence_and_stays(tiny, stored, monkeypatch, which):
    """No network is trained again for a wrong mode."""
    read = type(stored[which]).read_bytes

    def refused(path):
        if path == stored[which]:
            raise PermissionError(errno.EACCES, "Permission denied")  # root would be let in
        return read(path)

    monkeypatch.setattr(type(stored[which]), "read_bytes", refused)
    with pytest.raises(PermissionError, match=f"{stored[which].name} may not be read: make it readable"):
        store.read_network(tiny, 3)
    assert all(path.exists() for path in stored)


def test_weights_without_a_manifest_count_as_nothing(tiny, stored, recwarn):
    stored[MANIFEST].unlink()
    assert store.read_network(tiny, 3) is None
    assert not recwarn.list and folder_names(stored[0]) == ["seed-00003.epoch-00002.safetensors"]


@pytest.mark.parametrize("change, seed", [({"epochs": 3}, 3), ({"width": 3}, 3), ({"train_digest": "0"}, 3), ({}, 2)])
def test_a_network_copied_into_the_place_of_another_is_refused(tiny, network, stored, change, seed):
    other = dataclasses.replace(tiny, **change)
    target = store.paths(other, seed)
    target[0].parent.mkdir(exist_ok=True)
    for source, copy in zip(stored, target):
        shutil.copy(source, copy)
    with pytest.warns(UserWarning, match=f"seed {seed}: .*describes another network.*set aside"):
        assert store.read_network(other, seed) is None
    assert store.read_network(tiny, 3) is not None


def test_weights_of_another_network_do_not_pass_for_its_own(tiny, network, stored):
    store.write_network(tiny, dataclasses.replace(network, seed=4, state={"x": torch.ones(1)}))
    shutil.copy(store.paths(tiny, 4)[WEIGHTS], stored[WEIGHTS])
    with pytest.warns(UserWarning, match="seed-00003.epoch-00002.safetensors does not match the checksum"):
        assert store.read_network(tiny, 3) is None


def test_an_edited_number_is_noticed(tiny, stored):
    manifest = json.loads(stored[MANIFEST].read_bytes())
    manifest["tests"][tiny.test_digest]["test_accuracy"][-1] += 1e-3
    stored[MANIFEST].write_text(json.dumps(manifest))
    assert_set_aside(tiny, stored, "seed-00003.epoch-00002.json does not match its own checksum")


def test_weights_are_in_place_before_the_manifest_is(tiny, network, artifacts, monkeypatch):
    """So a kill between the two leaves no network, rather than one without weights."""
    order, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: (order.append(target.suffix), replace(source, target)))
    store.write_network(tiny, network)
    assert order == [".safetensors", ".json"]


def test_what_is_passed_goes_away_and_what_is_kept_stays(tiny, networks, artifacts):
    long = dataclasses.replace(tiny, epochs=5)
    names = []
    for network in networks:
        store.write_network(long, network)
        store.forget_passed(long, [network.seed], network.epochs)
        names.append([path.stem.removeprefix("seed-00003.") for path in sorted(artifacts.rglob("*.json"))])
    kept = ["epoch-00001", "epoch-00002"]
    assert names == [kept[:1], kept, [*kept, "under-way-00003"], [*kept, "under-way-00004"]]
    assert store.stored_epochs(long, 3) == [1, 2, 4] and store.stored_epochs(tiny, 3) == [1, 2]
    assert store.stored_epochs(long, 3, (store.KEPT,)) == [1, 2]


def test_what_is_under_way_is_no_network_and_is_gone_on_from(tiny, networks, artifacts):
    long = dataclasses.replace(tiny, epochs=5)
    store.write_network(long, networks[2])
    assert store.read_network(dataclasses.replace(tiny, epochs=3), 3) is None
    (found,) = store.read_latest(long, [3])
    assert found.epochs == 3 and found.resume.keys() == networks[2].resume.keys()


@pytest.mark.parametrize("damage", [store.KEPT, store.UNDER_WAY])
def test_a_stack_goes_on_from_the_last_epoch_that_all_have_whole(tiny, networks, artifacts, damage):
    long = dataclasses.replace(tiny, epochs=5)
    for seed in (3, 4):
        for network in networks[: 3 if seed == 3 else 2]:
            store.write_network(long, dataclasses.replace(network, seed=seed))
    assert [network.epochs for network in store.read_latest(long, [3])] == [3]
    assert [network.epochs for network in store.read_latest(long, [3, 4])] == [2, 2]
    assert store.read_latest(long, [3, 5]) == []
    path = store.paths(long, 3, 3 if damage == store.UNDER_WAY else 2, damage)[WEIGHTS]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="seed 3: .*set aside"):
        found = store.read_latest(long, [3] if damage == store.UNDER_WAY else [3, 4])
    assert {network.epochs for network in found} == ({2} if damage == store.UNDER_WAY else {1})


def test_other_test_images_add_an_evaluation_and_leave_the_weights(tiny, network, stored):
    before = stored[WEIGHTS].stat().st_mtime_ns
    others = dataclasses.replace(tiny, test_digest="0", n_test=7)
    assert others.key == tiny.key and store.read_network(others, 3) is None
    found = store.read_after(others, 3, 2)
    assert found.test_epochs == [] and found.train_loss == network.train_loss
    evaluated = dataclasses.replace(network, test_epochs=[2], test_loss=[0.5], test_accuracy=[0.25])
    store.write_network(others, evaluated)
    assert store.read_network(others, 3).test_accuracy == [0.25]
    assert store.read_network(tiny, 3).test_accuracy == network.test_accuracy
    assert stored[WEIGHTS].stat().st_mtime_ns == before


def test_a_network_without_what_it_goes_on_from_is_read_and_not_gone_on_with(tiny, network, artifacts):
    store.write_network(tiny, dataclasses.replace(network, resume={}))
    assert store.read_network(tiny, 3).resume == {}
    assert [found.epochs for found in store.read_latest(tiny, [3])] == [2]
    assert store.read_latest(dataclasses.replace(tiny, epochs=5), [3]) == []


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tiny, networks, stored, monkeypatch):
    def full(handle, mode):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="the disk of .* is full; make room, or name another folder in"):
        store.write_network(dataclasses.replace(tiny, epochs=5), networks[2])
    monkeypatch.undo()
    assert stored[MANIFEST].exists() and not list(stored[MANIFEST].parent.glob("*.unfinished"))
