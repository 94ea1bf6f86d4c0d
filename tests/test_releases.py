"""Released networks are found before anything is trained, rounded as promised, and evaluated as such."""

import dataclasses

import pytest
import torch
from released_files import is_statistic, loaded, plainly_evaluated

from lib import data
from lib.training import packing, releases, store
from lib.training.populations import train_or_load
from lib.training.specification import specify


def test_a_released_population_is_loaded_without_training(tiny, tiny_networks, released_file, artifacts, untrainable):
    found = loaded(tiny, [2, 0])
    assert [network.seed for network in found] == [2, 0]
    for network in found:
        original = tiny_networks[network.seed]
        for field in ("train_loss", "train_accuracy", "test_epochs", "arithmetic", "seconds", "device"):
            assert getattr(network, field) == getattr(original, field), field
        assert network.test_loss[:-1] == original.test_loss[:-1] and network.test_loss[-1] != original.test_loss[-1]
    assert list(artifacts.iterdir()) == [artifacts / "repository"]  # nothing was stored


def test_states_are_the_rounded_ones_and_statistics_of_batchnorm_exact(tiny, tiny_networks, released_file):
    for network, original in zip(loaded(tiny), tiny_networks, strict=True):
        assert network.state.keys() == original.state.keys()
        for name, value in original.state.items():
            exact = not value.is_floating_point() or is_statistic(name)
            assert torch.equal(network.state[name], value if exact else value.half().float()), name
            assert network.state[name].dtype == value.dtype
        assert not torch.equal(network.state["fc.weight"], original.state["fc.weight"])
        tiny.build().load_state_dict(network.state, strict=True)


def test_the_last_evaluation_is_that_of_the_rounded_networks(tiny, digits, released_file):
    for network in loaded(tiny):
        loss, accuracy = plainly_evaluated(tiny, network, digits)
        assert network.test_loss[-1] == pytest.approx(loss, rel=1e-5)
        assert network.test_accuracy[-1] == pytest.approx(accuracy, abs=1e-6)


def test_on_other_test_images_a_released_network_is_evaluated_anew(tiny, released_file, untrainable):
    others = data.load("digits", n_train=60, n_test=30)
    asked = specify(others, "cnn-small", 2, epochs=2, batch_size=25)
    before = released_file.read_bytes()
    for network in loaded(asked, [3, 1]):
        assert network.test_epochs == [2] and network.seed in (3, 1)
        loss, accuracy = plainly_evaluated(asked, network, others)
        assert network.test_loss == pytest.approx([loss], rel=1e-5)
        assert network.test_accuracy == pytest.approx([accuracy], abs=1e-6)
    assert released_file.read_bytes() == before


def test_a_network_that_diverged_is_released_as_one_and_left_out(tiny, tiny_networks, release_folder, untrainable):
    wild = dataclasses.replace(
        tiny_networks[1],
        train_loss=[1.0, float("nan")],
        state={
            name: torch.full_like(value, 1e30) if value.is_floating_point() else value
            for name, value in tiny_networks[1].state.items()
        },
    )
    releases.write("few", tiny, packing.pack(tiny, [tiny_networks[0], wild]), committed=True)
    with pytest.warns(UserWarning, match="seed 1: the loss was not finite"):
        assert [network.seed for network in loaded(tiny, range(2))] == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 1},
        {"epochs": 3},
        {"width": 3},
        {"train_digest": "0"},
        {"control": "same-order"},
        {"precision": "mixed"},
    ],
)
def test_another_training_or_number_of_epochs_is_not_found(tiny, released_file, change, recwarn):
    other = dataclasses.replace(tiny, **change)
    assert packing.read({other: range(4)}) == {} and releases.find(other) is None and not recwarn.list


def test_seeds_that_are_not_released_are_trained_and_the_others_are_not(tiny, released_file, inline):
    trained = train_or_load({tiny: [1, 5]}, inline)[tiny].networks
    assert [network.seed for network in trained] == [1, 5]
    assert torch.equal(trained[0].state["fc.weight"], trained[0].state["fc.weight"].half().float())
    assert [seed for seed in range(8) if store.read_network(tiny, seed)] == [4, 5, 6, 7]  # one stack


def test_the_release_comes_before_the_store(tiny, tiny_networks, released_file):
    for network in tiny_networks:
        store.write_network(tiny, network)
    assert torch.equal(loaded(tiny)[0].state["fc.weight"], tiny_networks[0].state["fc.weight"].half().float())
    releases.list_path("few").unlink()  # a file without a line is no release
    assert torch.equal(loaded(tiny)[0].state["fc.weight"], tiny_networks[0].state["fc.weight"])


def test_listed_files_that_are_not_here_are_told_once_and_made_up_for(two_released, tiny_networks, inline):
    tiny, other, *paths = two_released
    for path in paths:
        path.unlink()
    with pytest.warns(UserWarning) as caught:
        found = train_or_load({tiny: range(4), other: [0]}, inline)
    assert [str(warning.message).split(":")[0] for warning in caught] == [
        "2 of the populations asked for are released with study few and not here"
    ]
    assert "make fetch STUDY=few fetches them; " in str(caught[0].message)
    assert torch.equal(found[tiny].networks[0].state["fc.weight"], tiny_networks[0].state["fc.weight"])
