"""What a chapter's results say that they rest on."""

import pytest

from lib.training import provenance
from lib.training.populations import train_or_load


@pytest.fixture(autouse=True)
def nothing_used(monkeypatch):
    monkeypatch.setattr(provenance, "_used", {})


def test_networks_count_once_however_often_they_are_asked_for_and_with_the_time_of_their_training(
        tiny, artifacts, inline):
    assert provenance.used()["networks"] == 0 and provenance.used()["data"] == {}
    trained = train_or_load({tiny: [0, 1]}, inline)[tiny]
    first = provenance.used()
    assert first["networks"] == 2 and first["devices"] == [trained.networks[0].device]
    assert first["training_hours"] == pytest.approx(sum(network.seconds for network in trained.networks) / 3600)
    assert first["data"] == {"digits": [{"train": 60, "test": 20, "train_sha256": tiny.train_digest,
                                         "test_sha256": tiny.test_digest}]}
    train_or_load({tiny: [0, 1]})
    assert provenance.used() == first
    train_or_load({tiny: [2]})  # stored beside the others, because they were trained together
    assert provenance.used()["networks"] == 3


def test_the_machine_has_a_number_of_cores_and_a_name():
    cores, name = provenance.machine().split(" cores of ")
    assert int(cores) >= 1 and name
