"""Directions are computed once, and never taken from a file that is not what was written."""

import dataclasses

import numpy as np
import pytest
import torch
from made_pictures import digests

from lib import data
from lib.salience import direction_store, extraction
from lib.training import populations
from lib.training.populations import Population


@pytest.fixture
def population(tiny, artifacts, inline):
    return populations.train_or_load({tiny: [0, 1, 2]}, inline)[tiny]


def found(population, images, **choices):
    return direction_store.population_directions({"tiny": population}, images, **choices)["tiny"]


def files(artifacts):
    return sorted((artifacts / "directions").rglob("*.safetensors"))


@pytest.fixture
def computed(monkeypatch):
    """A list that grows by one with every network whose gradients are computed."""
    calls, original = [], extraction.input_gradients

    def counting(model, *arguments, **options):
        calls.append(model)
        return original(model, *arguments, **options)

    monkeypatch.setattr(extraction, "input_gradients", counting)
    return calls


def test_stored_directions_are_the_computed_ones_bit_for_bit(population, digits, computed, artifacts):
    first = found(population, digits)
    assert len(computed) == len(files(artifacts)) == 3
    assert np.array_equal(found(population, digits), first) and len(computed) == 3
    network = next(iter(population.models()))
    gradients = extraction.input_gradients(network, digits.test_images, digits.test_labels)
    assert np.array_equal(first[0], extraction.directions(gradients).numpy())


@pytest.mark.parametrize("change", ["output", "grid", "untrained", "images", "weights", "recipe"])
def test_whatever_decides_the_directions_keeps_them_apart(population, digits, computed, artifacts, monkeypatch, change):
    first = found(population, digits)
    if change == "images":
        pixels = digits.test_images.clone()
        pixels[0, 0, 0, 0] += 1
        other = found(population, dataclasses.replace(digits, test_images=pixels))
    elif change == "weights":
        state = {name: value.clone() for name, value in population.networks[0].state.items()}
        state["fc.weight"][0, 0] += 1
        changed = dataclasses.replace(population.networks[0], state=state)
        other = found(Population(population.specification, (changed, *population.networks[1:])), digits)
    elif change == "recipe":
        monkeypatch.setattr("lib.salience.direction_store.RECIPE", 0)
        assert np.array_equal(found(population, digits), first) and len(computed) == 6
        return
    else:
        other = found(population, digits, **{"output": {"output": "probability"}, "grid": {"grid": 4},
                                             "untrained": {"untrained": True}}[change])
    assert len(computed) == (4 if change == "weights" else 6)
    assert other.shape != first.shape or not np.array_equal(other, first)


@pytest.mark.parametrize("damage", ["flip a bit", "cut", "empty", "no container", "swap"])
def test_a_damaged_file_is_noticed_and_computed_again(population, digits, computed, artifacts, damage):
    first = found(population, digits)
    path, other, _ = files(artifacts)
    content = bytearray(path.read_bytes())
    if damage == "flip a bit":
        content[-100] ^= 1
    elif damage == "cut":
        del content[len(content) // 2:]
    elif damage == "swap":
        content = other.read_bytes()
    else:
        content = b"" if damage == "empty" else b"directions"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="the directions will be computed again"):
        again = found(population, digits)
    assert np.array_equal(again, first) and len(computed) == 4
    assert np.array_equal(found(population, digits), first) and len(computed) == 4


def test_a_subset_of_the_test_images_has_directions_of_its_own(population, digits, computed):
    part = dataclasses.replace(digits, test_images=digits.test_images[:5], test_labels=digits.test_labels[:5])
    torch.testing.assert_close(torch.from_numpy(found(population, digits)[:, :5]),
                               torch.from_numpy(found(population, part)), rtol=0, atol=1e-5)
    assert digests(data.load("digits", n_train=60, n_test=20)) == digests(digits) and len(computed) == 6
