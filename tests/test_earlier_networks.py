"""Networks stored by revision 5547264 are read as those after their epochs, and gone on with bit for bit."""

import dataclasses
import hashlib
import json

import pytest
import torch
from safetensors.torch import save

from lib import data
from lib.training import store, trainer
from lib.training.earlier_networks import take_over
from lib.training.populations import train_or_load


def fields_of_before(specification, images):
    """What that revision stored, from its own definition: every field, the later ones where they differ."""
    whole = data.sha256_of(images.train_images, images.train_labels, images.test_images, images.test_labels)
    fields = {
        "family": specification.family,
        "width": specification.width,
        "dataset": images.name,
        "n_train": len(images.train_labels),
        "n_test": len(images.test_labels),
        "data_seed": images.seed,
        "data_digest": whole,
        "in_channels": 1,
        "image_size": 8,
        "num_classes": 10,
        "epochs": specification.epochs,
        "learning_rate": specification.learning_rate,
        "optimiser": specification.optimiser,
        "batch_size": specification.batch_size,
        "precision": specification.precision,
        "control": specification.control,
        "recipe": 1,
    }
    later = {"schedule": "inverse-sqrt", "momentum": 0.0, "weight_decay": 0.0}
    return fields | {
        name: getattr(specification, name) for name in later if getattr(specification, name) != later[name]
    }


def write_as_before(folder, specification, images, network):
    fields = fields_of_before(specification, images)
    key = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
    place = folder / "networks" / f"digits-{specification.family}-k{specification.width}-{key}"
    place.mkdir(parents=True, exist_ok=True)
    weights = save(network.state)
    manifest = {
        "specification": fields,
        "seed": network.seed,
        "train_loss": network.train_loss,
        "train_accuracy": network.train_accuracy,
        "test_epochs": network.test_epochs[-1:],
        "test_loss": network.test_loss[-1:],
        "test_accuracy": network.test_accuracy[-1:],
        "device": "cpu",
        "seconds": 1.0,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    manifest["manifest_sha256"] = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (place / f"seed-{network.seed:05d}.safetensors").write_bytes(weights)
    (place / f"seed-{network.seed:05d}.json").write_text(json.dumps(manifest, indent=1))
    return place


@pytest.fixture
def before(tiny, digits, tiny_networks, artifacts):
    """The folder of four networks as they were stored."""
    return [write_as_before(artifacts, tiny, digits, network) for network in tiny_networks][0]


def test_they_are_loaded_and_not_trained(tiny, tiny_networks, before, inline, monkeypatch):
    monkeypatch.setattr(trainer._Stack, "run_epoch", None)  # would fail if it were called
    found = train_or_load({tiny: range(4)}, inline)[tiny].networks
    for network, first in zip(found, tiny_networks, strict=True):
        assert all(torch.equal(network.state[name], first.state[name]) for name in first.state)
        assert network.test_accuracy == first.test_accuracy[-1:] and network.arithmetic == ["float32"] * 2


def test_they_are_gone_on_with_as_if_they_had_never_stopped(tiny, digits, before, inline):
    longer = dataclasses.replace(tiny, epochs=4)
    train_or_load({tiny: range(4)}, inline)
    assert [network.epochs for network in store.read_latest(longer, range(4))] == [2] * 4
    found = train_or_load({longer: range(4)}, inline)[longer].networks
    for network, through in zip(found, trainer.train(longer, range(4), digits), strict=True):
        assert all(torch.equal(network.state[name], through.state[name]) for name in through.state)


def test_with_other_test_images_they_are_evaluated_anew(tiny, before):
    other = dataclasses.replace(tiny, test_digest="0")
    assert take_over(other, 0)
    assert store.read_network(other, 0) is None and store.read_after(other, 0, 2).test_epochs == []


@pytest.mark.parametrize(
    "change",
    [{"epochs": 3}, {"learning_rate": 0.2}, {"train_digest": "0"}, {"schedule": "cosine"}, {"control": "same-order"}],
)
def test_others_are_not_taken_for_them(tiny, before, change):
    assert not take_over(dataclasses.replace(tiny, **change), 0)


@pytest.mark.parametrize("name", ["seed-00002.safetensors", "seed-00002.json"])
def test_damaged_ones_are_left_where_they_are_and_count_as_none(tiny, before, name):
    path = before / name
    path.write_bytes(path.read_bytes()[:-9])
    assert not take_over(tiny, 2) and take_over(tiny, 1) and path.exists()


def test_the_end_of_a_schedule_with_momentum_is_read_and_not_gone_on_from(tiny, digits, artifacts):
    specification = dataclasses.replace(tiny, schedule="cosine", momentum=0.9)
    (network,) = trainer.train(specification, [0], digits)
    write_as_before(artifacts, specification, digits, network)
    assert take_over(specification, 0)
    assert store.read_network(specification, 0).resume == {}


def test_one_without_buffers_is_evaluated_on_other_images(tiny, digits, artifacts, inline):
    specification = dataclasses.replace(tiny, schedule="cosine", momentum=0.9)
    for network in trainer.train(specification, range(4), digits):
        write_as_before(artifacts, specification, digits, network)
    train_or_load({specification: range(4)}, inline)
    more = data.load("digits", n_train=60, n_test=40)
    other = dataclasses.replace(specification, n_test=40, test_digest=more.test_digest)
    for network in train_or_load({other: range(4)}, inline)[other].networks:
        assert network.test_epochs == [2] and 0 <= network.test_accuracy[0] <= 1
