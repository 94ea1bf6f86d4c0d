"""The block is the longest run of layers that are all alike: a brute-force twin, laws, and blocks that were planted."""

from itertools import combinations

import numpy as np
import pytest
import torch
from planted_blocks import Untrained, planted
from small_networks import network, random_images

from lib import models
from lib.cka import linear_cka, minibatch_cka
from lib.cka.block_structure import LEAST, Block, block_shares, cka_maps, hidden_points, largest_block, stage_starts
from lib.models.representations import representation


def random_map(layers, seed):
    """Neighbours are more alike than others, so that runs of all lengths occur."""
    rng = np.random.default_rng(seed)
    apart = np.abs(np.subtract.outer(range(layers), range(layers)))
    upper = np.triu(1 - rng.uniform(0, 0.12) * apart - 0.1 * rng.random((layers, layers)), 1)
    return upper + upper.T + np.eye(layers)


def by_brute_force(cka, threshold):
    """All intervals, every pair of each."""
    found = [(stop - start, stop, start) for start, stop in combinations(range(len(cka) + 1), 2)
             if all(cka[i, j] > threshold for i, j in combinations(range(start, stop), 2))]
    side, stop, start = max(found)
    return Block(start, stop, len(cka))


@pytest.mark.parametrize("seed", range(60))
def test_the_block_is_that_of_all_intervals(seed):
    cka = random_map(3 + seed % 12, seed)
    for threshold in (0.2, 0.6, 0.8, 0.9, 0.95, 1.0):
        assert largest_block(cka, threshold) == by_brute_force(cka, threshold)


@pytest.mark.parametrize("layers, start, stop", [(7, 0, 3), (7, 4, 7), (13, 5, 10), (28, 9, 26), (10, 0, 10)])
def test_a_planted_block_is_found_to_the_layer(layers, start, stop):
    block = largest_block(planted(layers, start, stop), 0.9)
    assert block == (start, stop, layers) and len(block) == stop - start and block.exists
    assert block.share() == pytest.approx((stop - start) / layers)
    np.testing.assert_array_equal(np.flatnonzero(block.inside()), range(start, stop))


def test_a_single_pair_that_is_not_alike_divides_a_block():
    cka = planted(10, 2, 9)
    cka[3, 7] = cka[7, 3] = 0.85
    assert largest_block(cka, 0.9) == (4, 9, 10)  # as long as 3 to 7, and deeper
    cka[8, 4] = cka[4, 8] = 0.85
    assert largest_block(cka, 0.9) == (2, 7, 10)


@pytest.mark.parametrize("seed", range(10))
def test_a_higher_threshold_or_less_likeness_never_makes_a_block_longer(seed):
    cka = random_map(14, seed)
    sides = [len(largest_block(cka, threshold)) for threshold in np.linspace(0, 1, 21)]
    assert all(a >= b for a, b in zip(sides, sides[1:])) and sides[-1] == 1
    less = cka - 0.05 * np.random.default_rng(seed).random(cka.shape)
    less = np.minimum(less, less.T)
    assert len(largest_block(less, 0.85)) <= len(largest_block(cka, 0.85))


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_layers_counts_but_not_its_direction_nor_the_scale_of_likeness(seed):
    cka = random_map(12, seed)
    block = largest_block(cka, 0.8)
    assert len(largest_block(cka[::-1, ::-1], 0.8)) == len(block)
    assert largest_block(np.exp(3 * cka), np.exp(3 * 0.8)) == block
    shuffled = np.random.default_rng(seed).permutation(12)
    whole = planted(12, 3, 9)
    mixed = [0, 3, 1, 4, 2, 5, 9, 6, 10, 7, 11, 8]
    assert len(largest_block(whole[np.ix_(mixed, mixed)], 0.9)) < 6
    assert len(largest_block(planted(12, 0, 12)[np.ix_(shuffled, shuffled)], 0.9)) == 12


def test_layers_that_are_not_known_are_not_alike():
    cka = planted(8, 2, 7)
    cka[4] = cka[:, 4] = np.nan
    assert len(largest_block(cka, 0.9)) == 2


def test_too_few_layers_are_no_block():
    for side in (1, 2):
        block = largest_block(planted(8, 3, 3 + side), 0.9)
        assert len(block) == side < LEAST and not block.exists
        assert block.share() == 0 and not block.inside().any() and np.isnan(block.late_share())
    assert largest_block(planted(8, 3, 6), 0.9).share() == 3 / 8


def test_shares_are_those_of_every_map_and_threshold():
    maps = np.stack([planted(10, 4, 8), planted(10, 0, 5, inside=0.92), planted(10, 0, 2)])
    np.testing.assert_allclose(block_shares(maps, [0.9, 0.95]), [[0.4, 0.4], [0.5, 0], [0, 0]])


@pytest.mark.parametrize("family", ["resnet-8", "resnet-14", "resnet-20", "plain-14"])
def test_stages_begin_where_the_network_says(family):
    points = hidden_points(models.build(family, 1, in_channels=1, image_size=8, num_classes=4))
    assert points[0] == "stem" and "fc" not in points and len(points) == 1 + 3 * (int(family.split("-")[1]) - 2) // 6
    assert [points[start] for start in stage_starts(len(points))] == ["stage1.0", "stage2.0", "stage3.0"]


@pytest.mark.parametrize("start, stop, share", [(5, 13, 1), (0, 5, 0), (3, 7, 0.5), (0, 13, 8 / 13)])
def test_how_much_of_a_block_lies_in_the_last_two_stages(start, stop, share):
    """13 layers: the stem, and three stages of four blocks."""
    assert Block(start, stop, 13).late_share() == pytest.approx(share)


def test_maps_of_a_population_are_those_of_its_networks():
    images, _ = random_images(40)
    population = Untrained("resnet-14", (0, 1, 2))
    maps = cka_maps(population, images, torch.Generator().manual_seed(3), batch_size=40, passes=1)
    assert maps.shape == (3, 7, 7)
    for cka, model in zip(maps, population.models()):
        np.testing.assert_allclose(np.diagonal(cka), 1)
        np.testing.assert_allclose(cka, cka.T)
        points = hidden_points(model)
        layers = representation(model, images, points)
        expected = [[linear_cka(torch.tensor(layers[a]), torch.tensor(layers[b]), "unbiased") for b in points]
                    for a in points]
        np.testing.assert_allclose(cka, expected, atol=1e-5)
    batches = cka_maps(population, images, torch.Generator().manual_seed(3), batch_size=10, passes=2)
    first = next(iter(population.models()))
    expected = minibatch_cka([first], images, [hidden_points(first)], batch_size=10, passes=2,
                             generator=torch.Generator().manual_seed(3))
    np.testing.assert_allclose(batches[0], expected.values)


def test_a_network_whose_blocks_change_nothing_is_one_block():
    """Branches of weight zero: every stage hands on what it was given."""
    model = next(Untrained("resnet-20", (0,)).models())
    for name, module in model.named_modules():
        if name.endswith("bn2"):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    images, _ = random_images(40)
    points = hidden_points(model)
    cka = minibatch_cka([model], images, [points], batch_size=20, passes=1,
                        generator=torch.Generator().manual_seed(0)).values
    for start, stop in ((0, 4), (4, 7), (7, 10)):  # the first block of a later stage has a new shortcut
        np.testing.assert_allclose(cka[start:stop, start:stop], 1, atol=1e-4)
    assert len(largest_block(cka, 0.9999)) >= 3


def test_a_network_without_residual_blocks_has_no_such_layers():
    with pytest.raises(ValueError, match="CNN has no residual blocks; name the points yourself"):
        hidden_points(network())
