"""Packs bring networks from one store to another whole, or say in a sentence why not."""

import dataclasses
import json
import zipfile

import pytest
import torch
from filelock import FileLock

import device
import device_bringing
import device_packs
from lib.training import store, trainer

SEEDS = [0, 1]


@pytest.fixture
def anytime(tiny):
    return dataclasses.replace(tiny, epochs=3)


@pytest.fixture
def stores(anytime, digits, tmp_path, monkeypatch):
    """-> use: makes one of two stores current; in 'there' two networks are trained."""

    def use(name):
        monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path / name))

    def keep(networks):
        for network in networks:
            store.write_network(anytime, network)

    use("there")
    trainer.train(anytime, SEEDS, digits, keep=keep)
    return use


@pytest.fixture
def queue(anytime, tmp_path):
    path = tmp_path / "queue.json"
    path.write_text(json.dumps([{"specification": dataclasses.asdict(anytime), "seeds": SEEDS}]))
    return path


@pytest.fixture
def pack(stores, queue, tmp_path):
    """One pack with everything, and an empty current store."""
    assert device_packs.write_packs(queue, tmp_path) == "6 snapshots in packs 1 to 1"
    stores("here")
    return tmp_path / "networks-1.zip"


def everything(specification):
    return [store.stored_epochs(specification, seed) for seed in SEEDS]


def test_networks_come_back_as_they_were_and_can_go_on(pack, stores, anytime, digits):
    assert device_bringing.bring([pack]) == ["networks-1.zip: 6 snapshots are in the store"]
    assert everything(anytime) == [[1, 2, 3]] * 2
    found = store.read_latest(anytime, SEEDS)
    stores("there")
    for one, other in zip(found, store.read_latest(anytime, SEEDS), strict=True):
        assert one.train_loss == other.train_loss and one.test_accuracy == other.test_accuracy
        assert all(torch.equal(one.state[name], value) for name, value in other.state.items())
        assert all(torch.equal(one.resume[name], value) for name, value in other.resume.items())
    longer = dataclasses.replace(anytime, epochs=4)
    assert [network.epochs for network in trainer.train(longer, SEEDS, digits, start=found)] == [4, 4]


def test_bringing_twice_changes_nothing(pack, anytime):
    device_bringing.bring([pack])
    assert device_bringing.bring([pack]) == ["networks-1.zip: 6 snapshots are in the store"]
    assert everything(anytime) == [[1, 2, 3]] * 2


@pytest.mark.parametrize("kind", ["safetensors", "json"])
def test_a_flipped_byte_costs_its_network_and_no_other(pack, anytime, kind):
    with zipfile.ZipFile(pack) as archive:
        member = archive.getinfo(f"{anytime.key}/seed-00001.epoch-00002.{kind}")
    content = bytearray(pack.read_bytes())
    content[member.header_offset + member.file_size // 2 + 200] ^= 1
    pack.write_bytes(content)
    assert device_bringing.bring([pack]) == [
        f"networks-1.zip: {member.filename} is damaged and its network is not taken",
        "networks-1.zip: 5 snapshots are in the store",
    ]
    assert everything(anytime) == [[1, 2, 3], [1, 3]]


def test_weights_of_another_network_are_told_by_the_store(pack, anytime):
    """As a pack that was put together by hand could hold."""
    with zipfile.ZipFile(pack) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    name = f"{anytime.key}/seed-0000{{}}.epoch-00002.safetensors"
    contents[name.format(0)] = contents[name.format(1)]
    with zipfile.ZipFile(pack, "w") as archive:
        for member, content in contents.items():
            archive.writestr(member, content)
    damage, last = device_bringing.bring([pack])
    assert "seed-00000.epoch-00002.safetensors does not match the checksum in its manifest" in damage
    assert last == "networks-1.zip: 5 snapshots are in the store"


@pytest.mark.parametrize("damage", [lambda content: content[:-30], lambda content: b"", lambda content: b"x" * 900])
def test_a_pack_that_cannot_be_opened_is_refused_whole(pack, anytime, damage):
    pack.write_bytes(damage(pack.read_bytes()))
    (sentence,) = device_bringing.bring([pack])
    assert sentence.startswith("networks-1.zip is damaged and nothing of it is taken: ")
    assert everything(anytime) == [[], []]


def test_a_pack_with_other_files_is_refused(pack, anytime):
    with zipfile.ZipFile(pack, "a") as archive:
        archive.writestr("../stray.json", "{}")
    (sentence,) = device_bringing.bring([pack])
    assert "../stray.json is no file of a network" in sentence and everything(anytime) == [[], []]


def test_a_network_that_was_trained_here_otherwise_stays(pack, anytime, digits):
    other = trainer.train(dataclasses.replace(anytime, epochs=1, learning_rate=0.2), [1], digits)
    store.write_network(anytime, other[0])
    *left_out, last = device_bringing.bring([pack])
    assert len(left_out) == 3 and all("seed 1, " in one and "trained the network otherwise" in one for one in left_out)
    assert last == "networks-1.zip: 3 snapshots are in the store" and everything(anytime) == [[1, 2, 3], [1]]


def test_packs_hold_the_latest_first_and_the_rest_comes_later(stores, queue, anytime, tmp_path, monkeypatch):
    size = max(path.stat().st_size for path in (tmp_path / "there").rglob("*.safetensors"))
    monkeypatch.setattr(device_packs, "PACK", 3 * size)
    monkeypatch.setattr(device_packs, "TOGETHER", 1)
    assert device_packs.write_packs(queue, tmp_path) == "2 snapshots in packs 1 to 1; 4 more come with --first 2"
    with zipfile.ZipFile(tmp_path / "networks-1.zip") as archive:
        assert {name.partition("/")[2] for name in archive.namelist()} - {""} == {
            f"seed-0000{seed}.epoch-00003.{kind}" for seed in SEEDS for kind in ("json", "safetensors")
        }
    for first in (2, 3):
        device_packs.write_packs(queue, tmp_path, first)
    assert device_packs.write_packs(queue, tmp_path, 4) == "no snapshots to pack"
    stores("here")
    device_bringing.bring(sorted(tmp_path.glob("networks-*.zip")))
    assert everything(anytime) == [[1, 2, 3]] * 2


def test_nothing_is_brought_while_a_training_is_at_work(pack, tmp_path):
    (tmp_path / "here").mkdir()
    with FileLock(tmp_path / "here" / "training.lock"):
        with pytest.raises(SystemExit, match="a training is at work in .*here; stop it, bring the networks, and start"):
            device.bring(tmp_path)
    assert device.bring(tmp_path) == ["networks-1.zip: 6 snapshots are in the store"]
    assert device.bring(tmp_path / "here") == [f"there are no packs in {tmp_path / 'here'}"]
