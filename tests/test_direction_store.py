"""Directions are computed once, and never taken from a file that is not what was written."""

import dataclasses

import numpy as np
import pytest
import torch
from made_pictures import digests

from lib import data, models
from lib.runtime import room
from lib.salience import by_family, directions, extraction, input_gradients, population_directions
from lib.training import populations, train
from lib.training.populations import Population


@pytest.fixture
def population(tiny, artifacts, inline):
    return populations.train_or_load({tiny: [0, 1, 2]}, inline)[tiny]


def found(population, images, **choices):
    return population_directions({"tiny": population}, images, **choices)["tiny"]


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


def test_more_directions_than_memory_holds_are_refused_before_any_is_computed(
    population, digits, computed, artifacts, monkeypatch
):
    each = 4 * len(digits.test_labels) * 4**2
    monkeypatch.setattr(room, "available_memory", lambda: 3 * each - 1)
    with pytest.raises(ValueError, match="^3 networks with the directions of their gradients take .*, 2 at most$"):
        found(population, digits, grid=4)
    assert not computed and not files(artifacts)


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
        other = found(
            population,
            digits,
            **{"output": {"output": "probability"}, "grid": {"grid": 4}, "untrained": {"untrained": True}}[change],
        )
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
        del content[len(content) // 2 :]
    elif damage == "swap":
        content = other.read_bytes()
    else:
        content = b"" if damage == "empty" else b"directions"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="will be computed again"):
        again = found(population, digits)
    assert np.array_equal(again, first) and len(computed) == 4
    assert np.array_equal(found(population, digits), first) and len(computed) == 4


def test_a_subset_of_the_test_images_has_directions_of_its_own(population, digits, computed):
    part = dataclasses.replace(digits, test_images=digits.test_images[:5], test_labels=digits.test_labels[:5])
    torch.testing.assert_close(
        torch.from_numpy(found(population, digits)[:, :5]), torch.from_numpy(found(population, part)), rtol=0, atol=1e-5
    )
    assert digests(data.load("digits", n_train=60, n_test=20)) == digests(digits) and len(computed) == 6


def test_directions_are_grouped_by_family_from_the_narrowest_width_on():
    made = {key: np.array(key[1]) for key in (("vit", 4), ("cnn-small", 16), ("vit", 2), ("cnn-small", 2))}
    found = by_family(made)
    assert list(found) == ["vit", "cnn-small"]
    assert found == {
        "vit": [made["vit", 2], made["vit", 4]],
        "cnn-small": [made["cnn-small", 2], made["cnn-small", 16]],
    }


def test_population_directions_are_those_of_each_network(tiny, digits):
    population = Population(tiny, tuple(train(tiny, range(2), digits)))
    found = population_directions({"a": population, "b": population}, digits, output="probability", grid=4)
    assert list(found) == ["a", "b"] and found["a"].shape == (2, 20, 16)
    for m, model in enumerate(population.models()):
        gradients = input_gradients(model, digits.test_images, digits.test_labels, output="probability")
        assert np.array_equal(found["b"][m], directions(gradients, grid=4).numpy())
    with pytest.raises(ValueError, match="unknown output 'x'"):
        population_directions({}, digits, output="x")
    with pytest.raises(ValueError, match="population 'none' has no networks"):
        population_directions({"none": Population(tiny, ())}, digits)


def test_untrained_directions_are_those_of_the_initial_weights(tiny, digits):
    population = Population(tiny, tuple(train(tiny, range(2), digits)))
    found = population_directions({"a": population}, digits, untrained=True)["a"]
    for network, rows in zip(population.networks, found, strict=True):
        model = models.initialise(tiny.build(), tiny.generator(network.seed, "weights"))
        gradients = input_gradients(model.eval(), digits.test_images, digits.test_labels)
        np.testing.assert_array_equal(rows, directions(gradients).numpy())
    trained = population_directions({"a": population}, digits)["a"]
    assert not np.allclose(found, trained)


def test_networks_without_any_gradient_are_left_out_and_told(tiny, digits):
    networks = list(train(tiny, range(5), digits))
    for dead in (1, 3):
        networks[dead].state["fc.weight"].zero_()  # scores that no pixel changes
    living = [network for i, network in enumerate(networks) if i not in (1, 3)]
    with pytest.warns(UserWarning, match="population 'a': 2 of its 5 networks have no gradient at any image"):
        found = population_directions({"a": Population(tiny, tuple(networks))}, digits)["a"]
    expected = population_directions({"a": Population(tiny, tuple(living))}, digits)["a"]
    np.testing.assert_array_equal(found, expected)
    networks[0].state["fc.weight"].zero_()
    with pytest.raises(ValueError, match="population 'a': 2 of its 5 networks have a gradient that is not zero"):
        population_directions({"a": Population(tiny, tuple(networks))}, digits)
