"""The networks of chapter 11 are trained on what they should be, and their maps are of the images they should be of."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_pictures import digests
from planted_blocks import Untrained
from small_networks import random_images

from lib import data
from lib.cka.block_maps import PARTS, all_maps, ends, part_maps, reduced_populations, stacked_counts
from lib.cka.block_structure import cka_maps
from lib.effects import batch_size
from lib.effects.scale import with_fewer
from lib.training.populations import Population
from lib.training.wide_and_deep import RECIPE, Architecture

SAMPLING = {"batch_size": 10, "passes": 1}


def test_ends_of_lines_are_taken_once():
    depths = [Architecture(depth) for depth in (14, 26, 56)]
    widths = [Architecture(14, width) for width in (1, 2, 4)]
    assert ends(depths, widths) == [Architecture(14), Architecture(56), Architecture(14, 4)]
    assert ends(widths) == [Architecture(14), Architecture(14, 4)]


@pytest.fixture
def trained(monkeypatch):
    """What would be trained; seed 1 of depth 8 fails with 40 images."""
    asked = {}

    def train_or_load(requests):
        asked.update({specification: list(seeds) for specification, seeds in requests.items()})
        failed = {specification: specification.family == "resnet-8" and specification.n_train == 40
                  for specification in requests}
        return {specification: Population(specification, tuple(
            SimpleNamespace(seed=seed) for seed in seeds if not (seed == 1 and failed[specification])))
            for specification, seeds in requests.items()}

    monkeypatch.setattr(batch_size, "train_or_load", train_or_load)
    return asked


def test_every_architecture_is_trained_on_every_number_of_images_by_one_recipe(digits, trained):
    parts = {count: with_fewer(digits, count) for count in (40, 60)}
    found = reduced_populations(parts, [Architecture(8), Architecture(14, 2, False)], 4, epochs=3)
    assert set(found) == {(one, count) for one in (Architecture(8), Architecture(14, 2, False)) for count in (40, 60)}
    for (architecture, count), population in found.items():
        specification = population.specification
        assert (specification.family, specification.width) == (architecture.family, architecture.width)
        assert specification.n_train == count and specification.train_digest == parts[count].train_digest
        assert specification.epochs == 3
        assert {name: getattr(specification, name) for name in RECIPE} == RECIPE
    assert all(seeds == [0, 1, 2, 3] for seeds in trained.values()) and len(trained) == 4


def test_a_seed_that_failed_with_some_images_is_left_out_of_all(digits, trained):
    parts = {count: with_fewer(digits, count) for count in (40, 60)}
    found = reduced_populations(parts, [Architecture(8), Architecture(14)], 4)
    seeds = {key: [network.seed for network in population.networks] for key, population in found.items()}
    assert seeds[Architecture(8), 40] == seeds[Architecture(8), 60] == [0, 2, 3]
    assert seeds[Architecture(14), 40] == seeds[Architecture(14), 60] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="resnet-8 k=1: 2 of its seeds kept a finite loss"):
        reduced_populations(parts, [Architecture(8)], 3)


def test_more_images_than_the_run_has_are_taken_from_the_data_set_and_hold_the_fewer(digits):
    more = with_fewer(digits, 90)
    assert len(more.train_labels) == 90 and torch.equal(more.test_images, digits.test_images)
    rows = {image.numpy().tobytes() for image in more.train_images}
    assert all(image.numpy().tobytes() in rows for image in digits.train_images)
    assert digests(with_fewer(more, 60)) == digests(digits) == digests(data.load("digits", n_train=60, n_test=20))


def test_all_populations_are_seen_in_the_same_orders():
    images, _ = random_images(40)
    populations = {"a": Untrained("resnet-8"), "b": Untrained("resnet-14"), "c": Untrained("resnet-8")}
    maps = all_maps(populations, images, 5, **SAMPLING)
    assert {name: found.shape for name, found in maps.items()} == {"a": (2, 4, 4), "b": (2, 7, 7), "c": (2, 4, 4)}
    np.testing.assert_array_equal(maps["a"], maps["c"])
    np.testing.assert_array_equal(maps["a"], all_maps({"a": populations["a"]}, images, 5, **SAMPLING)["a"])
    assert not np.array_equal(maps["a"], all_maps({"a": populations["a"]}, images, 6, **SAMPLING)["a"])


def test_maps_that_are_known_are_not_made_again(digits, trained):
    """The same networks, found by another way of asking; other seeds or images are other networks."""
    one, few, many = ({"a": reduced_populations({len(part.train_labels): part}, [Architecture(8)], seeds)[
        Architecture(8), len(part.train_labels)]} for part, seeds in (
            (digits, 3), (digits, 4), (with_fewer(digits, 50), 3)))
    again = reduced_populations({60: digits}, [Architecture(8)], 3)[Architecture(8), 60]
    maps = np.zeros((3, 4, 4))
    assert again is not one["a"] and all_maps(one, None, 5, [(few["a"], None), (again, maps)])["a"] is maps
    for other in (few, many):
        with pytest.raises(AttributeError, match="state"):  # it goes on to look at the networks, which are none
            all_maps(other, None, 5, [(again, maps)])


def test_counts_are_stacked_in_their_order():
    maps = {(Architecture(depth), count): np.full((3, 4, 4), depth + count) for depth in (8, 14) for count in (40, 60)}
    found = stacked_counts(maps)
    assert list(found) == [Architecture(8), Architecture(14)] and found[Architecture(8)].shape == (3, 2, 4, 4)
    np.testing.assert_array_equal(found[Architecture(14)][:, :, 0, 0], [[54, 74]] * 3)


def test_parts_share_no_image_and_are_one_batch_where_they_are_small(monkeypatch):
    images = torch.arange(42.0)[:, None]
    seen = []

    def look(population, part, generator, *, batch_size, passes):
        seen.append((part[:, 0].tolist(), batch_size, passes))
        return np.zeros((len(population), 4, 4))

    monkeypatch.setattr("lib.cka.block_maps.cka_maps", look)
    assert part_maps(Untrained(), images, 0, batch_size=256, passes=3).shape == (2, PARTS, 4, 4)
    assert [(len(part), size, passes) for part, size, passes in seen] == [(10, 10, 3)] * PARTS
    assert len({image for part, *_ in seen for image in part}) == 10 * PARTS
    part_maps(Untrained(), images, 0, batch_size=8, passes=3)
    assert [size for _, size, _ in seen[PARTS:]] == [8] * PARTS
    assert [part for part, *_ in seen[PARTS:]] == [part for part, *_ in seen[:PARTS]]


def test_maps_of_parts_are_maps_of_their_networks():
    images, _ = random_images(40)
    found = part_maps(Untrained("resnet-8"), images, 0, batch_size=256, passes=1)
    assert found.shape == (2, PARTS, 4, 4)
    np.testing.assert_allclose(np.diagonal(found, axis1=2, axis2=3), 1)
    whole = cka_maps(Untrained("resnet-8"), images, torch.Generator().manual_seed(0), batch_size=40, passes=1)
    assert np.abs(found.mean(1) - whole).max() < 0.4 and not np.allclose(found[:, 0], found[:, 1])
