"""The populations of a chapter: what a grid asks for, what its results rest on, and chapter 2's verdicts on them."""

import numpy as np
import pytest

from lib.chapters.populations import all_claims, counted_parameters, expected_parameters
from lib.training import populations
from lib.training.populations import train_or_load
from lib.training.specification import specify


@pytest.mark.parametrize("widths", [[2, 3], {"cnn-small": [2, 3], "resnet-small": [3, 4, 5], "vit": [2]}])
def test_a_grid_asks_for_its_families_and_widths_and_seeds(digits, monkeypatch, widths):
    monkeypatch.setattr(
        populations, "train_or_load", lambda requests: {one: [one, *seeds] for one, seeds in requests.items()}
    )
    seeds = {"resnet-small": 5, "cnn-small": 4, "cnn-large": 6}
    grid = populations.population_grid(digits, ["resnet-small", "cnn-small"], widths, seeds, epochs=1)
    assert list(grid) == [
        (family, width)
        for family in ("resnet-small", "cnn-small")
        for width in (widths[family] if isinstance(widths, dict) else widths)
    ]
    for (family, width), found in grid.items():
        assert found == [specify(digits, family, width, epochs=1), *range(seeds[family])]


def test_a_grid_with_a_population_of_fewer_than_three_is_refused_in_a_sentence(digits, artifacts, inline, monkeypatch):
    monkeypatch.setattr(populations, "train_or_load", lambda requests: {key: [0, 1] for key in requests})
    with pytest.raises(ValueError, match="cnn-small k=2 on digits: 2 of its networks kept a finite loss"):
        populations.population_grid(digits, ["cnn-small"], [2], {"cnn-small": 3})


@pytest.fixture
def nothing_used(monkeypatch):
    monkeypatch.setattr(populations, "_used", {})


def test_networks_count_once_however_often_they_are_asked_for_and_with_the_time_of_their_training(
    tiny, artifacts, inline, nothing_used
):
    assert populations.networks_used()["networks"] == 0 and populations.networks_used()["data"] == {}
    trained = train_or_load({tiny: [0, 1]}, inline)[tiny]
    first = populations.networks_used()
    assert first["networks"] == 2 and first["devices"] == [trained.networks[0].device]
    assert first["training_hours"] == pytest.approx(sum(network.seconds for network in trained.networks) / 3600)
    assert first["data"] == {
        "digits": [{"train": 60, "test": 20, "train_sha256": tiny.train_digest, "test_sha256": tiny.test_digest}]
    }
    train_or_load({tiny: [0, 1]})
    assert populations.networks_used() == first
    train_or_load({tiny: [2]})  # stored beside the others, because they were trained together
    assert populations.networks_used()["networks"] == 3


def test_the_machine_has_a_number_of_cores_and_a_name():
    cores, name = populations.machine().split(" cores of ")
    assert int(cores) >= 1 and name


WIDTHS = (2, 8)


def verdicts(off, rise, spread=0.01):
    networks = 0.7 + spread * np.array([-1, 0, 1])
    return all_claims(off, {"cnn-small": [networks, networks + rise]}, WIDTHS, 100, {"cnn-small": []})


def test_this_book_builds_networks_of_as_many_parameters_as_the_formulas_say():
    off = counted_parameters() - expected_parameters()
    parameters, accuracy = verdicts(off, 0.1)
    assert (parameters.verdict, parameters.estimate, parameters.networks) == ("supported", 0, 20)
    assert (accuracy.networks, accuracy.images, accuracy.statistic) == (6, 100, "test accuracy at k = 8 minus k = 2")
    off.iloc[2, 1] = -3
    (parameters, _) = verdicts(off, 0.1)
    assert (parameters.verdict, parameters.estimate) == ("contradicted", 3)


@pytest.mark.parametrize("rise, verdict", [(0.1, "supported"), (-0.1, "contradicted"), (0.005, "undecided")])
def test_wider_networks_classify_better_worse_or_it_cannot_be_told(rise, verdict):
    assert verdicts(counted_parameters() - expected_parameters(), rise)[1].verdict == verdict
