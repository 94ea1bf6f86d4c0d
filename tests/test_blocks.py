"""The block is the longest run of layers that are all alike; blocks that end elsewhere are told from blurred ones."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from planted_blocks import at, planted
from small_networks import network

from lib import models
from lib.cka.blocks import (
    LEAST,
    Block,
    BlockStructure,
    block_ends,
    ends_apart,
    excess_distances,
    largest_block,
    mean_where,
    shares,
    stage_starts,
)
from lib.cka.grams import hidden_points


def random_map(layers, seed):
    """Neighbours are more alike than others, so that runs of all lengths occur."""
    rng = np.random.default_rng(seed)
    apart = np.abs(np.subtract.outer(range(layers), range(layers)))
    upper = np.triu(1 - rng.uniform(0, 0.12) * apart - 0.1 * rng.random((layers, layers)), 1)
    return upper + upper.T + np.eye(layers)


def by_brute_force(cka, threshold):
    """All intervals, every pair of each."""
    found = [
        (stop - start, stop, start)
        for start, stop in combinations(range(len(cka) + 1), 2)
        if all(cka[i, j] > threshold for i, j in combinations(range(start, stop), 2))
    ]
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


@pytest.mark.parametrize("cka", [np.ones((3, 2)), np.ones(3), np.ones((0, 0)), None])
def test_what_is_no_map_has_no_block(cka):
    with pytest.raises(ValueError, match="^a map of CKA must be "):
        largest_block(cka, 0.9)


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


def test_shares_are_those_of_every_map_and_keep_the_axes_before_the_layers():
    maps = np.stack([planted(10, 4, 8), planted(10, 0, 5, inside=0.92), planted(10, 0, 2), planted(10, 0, 10)])
    np.testing.assert_allclose(shares(maps, at(0.9)), [0.4, 0.5, 0, 1])
    np.testing.assert_allclose(shares(maps.reshape(2, 2, 10, 10), at(0.95)), [[0.4, 0], [0, 1]])


@pytest.mark.parametrize("family", ["resnet-8", "resnet-14", "resnet-20", "plain-14"])
def test_stages_begin_where_the_network_says(family):
    points = hidden_points(models.build(family, 1, in_channels=1, image_size=8, num_classes=4))
    assert points[0] == "stem" and "fc" not in points and len(points) == 1 + 3 * (int(family.split("-")[1]) - 2) // 6
    assert [points[start] for start in stage_starts(len(points))] == ["stage1.0", "stage2.0", "stage3.0"]


@pytest.mark.parametrize("start, stop, share", [(5, 13, 1), (0, 5, 0), (3, 7, 0.5), (0, 13, 8 / 13)])
def test_how_much_of_a_block_lies_in_the_last_two_stages(start, stop, share):
    """13 layers: the stem, and three stages of four blocks."""
    assert Block(start, stop, 13).late_share() == pytest.approx(share)


def test_a_network_without_residual_blocks_has_no_such_layers():
    with pytest.raises(ValueError, match="CNN has no residual blocks of this library"):
        hidden_points(network())


def parts(spans, layers=20):
    """[networks, parts, layers, layers] with these (start, stop) of every network on every part of the images."""
    return np.stack([[planted(layers, *span) for span in row] for row in spans])


def apart(spans, seed=0):
    return ends_apart(parts(spans), at(0.9), np.random.default_rng(seed))


def excess_distance(ends):
    """That of the networks as they are."""
    networks, parts, _ = np.shape(ends)
    return excess_distances(np.asarray(ends), np.tile(np.arange(networks)[:, None], (1, 1, parts)))[0]


def test_ends_are_those_of_the_networks_with_a_block_on_every_part():
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 7)], [(9, 18), (9, 18)]]
    np.testing.assert_array_equal(block_ends(parts(spans), at(0.9)), [spans[0], spans[2]])
    assert block_ends(parts(spans), at(0.98)).shape == (0, 2, 2)


def test_the_difference_is_that_of_a_loop_over_all_pairs():
    ends = np.random.default_rng(1).integers(0, 20, (4, 3, 2))
    pairs = {True: [], False: []}
    for (i, a), (j, b) in product(product(range(4), range(3)), repeat=2):
        if a != b:
            pairs[i == j].append(np.abs(ends[i, a] - ends[j, b]).sum())
    assert excess_distance(ends) == pytest.approx(np.mean(pairs[False]) - np.mean(pairs[True]))


def test_changing_places_is_the_same_as_other_networks():
    rng = np.random.default_rng(2)
    ends, orders = rng.integers(0, 20, (5, 3, 2)), rng.random((8, 5, 3)).argsort(axis=1)
    np.testing.assert_allclose(
        excess_distances(ends, orders), [excess_distance(ends[order, np.arange(3)]) for order in orders]
    )


def test_only_differences_of_layers_count():
    ends = np.random.default_rng(1).integers(3, 20, (4, 3, 2))
    found = excess_distance(ends)
    for same in (ends + 5, ends[::-1], ends[:, ::-1], ends[..., ::-1], 30 - ends):
        assert excess_distance(same) == pytest.approx(found)
    assert excess_distance(3 * ends) == pytest.approx(3 * found)


def test_blocks_elsewhere_in_every_network_are_apart():
    spans = [(2, 8), (5, 14), (9, 18), (3, 12)]
    estimate, low, high = apart([[span] * 4 for span in spans])
    expected = np.mean([abs(a[0] - b[0]) + abs(a[1] - b[1]) for a in spans for b in spans if a != b])
    assert estimate == pytest.approx(expected) and 0 < low < estimate < high


def test_the_range_is_that_of_all_changes_of_places():
    """Three networks and two parts: the first part may stay, and six orders of the other are all there are."""
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 12)], [(9, 18), (9, 17)]]
    ends = np.array(spans)
    by_chance = [
        excess_distance(np.stack([ends[:, 0], ends[list(order), 1]], axis=1)) for order in permutations(range(3))
    ]
    estimate, low, high = apart(spans)
    assert estimate == pytest.approx(excess_distance(ends)) == pytest.approx(max(by_chance))
    assert low == pytest.approx(0) and high == pytest.approx(estimate - min(by_chance))


def test_one_block_measured_with_error_is_seldom_taken_for_many():
    rng = np.random.default_rng(3)
    lows = [
        apart([[(6 + a, 14 + b) for a, b in network] for network in rng.integers(-1, 2, (4, 4, 2))])[1]
        for _ in range(60)
    ]
    assert np.sum(np.array(lows) > 0) <= 5  # 1.5 expected; 6 or more in less than one of 200 runs


def test_the_same_block_everywhere_is_not_apart():
    assert apart([[(6, 14)] * 4] * 4) == (0, 0, 0)
    found = apart([[(6, 14), (5, 14), (6, 12), (4, 9)]] * 4)  # one block on each part
    np.testing.assert_allclose(found, 0, atol=1e-9)


@pytest.mark.parametrize(
    "spans", [[[(2, 8), (2, 8)]] * 2, [[(2, 8), (2, 4)]] * 5, [[(2, 8), (2, 8)], [(5, 9), (5, 9)], [(1, 2), (1, 9)]]]
)
def test_fewer_than_three_networks_with_a_block_tell_nothing(spans):
    assert np.isnan(apart(spans)).all()


def test_networks_without_a_block_are_left_out():
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 12)], [(9, 18), (9, 18)]]
    assert apart([*spans, [(3, 5), (3, 9)]]) == apart(spans)


def test_mean_over_the_chosen_that_are_known():
    values = np.array([[1.0, 2, 9], [4, 5, 6], [np.nan, 3, 7]])
    chosen = np.array([[True, True, False], [False] * 3, [True, True, False]])
    np.testing.assert_array_equal(mean_where(values, chosen), [1.5, np.nan, 3])


@pytest.mark.parametrize(
    "start, stop, crosses", [(0, 5, False), (5, 9, False), (4, 6, True), (8, 13, True), (0, 13, True)]
)
def test_a_run_crosses_where_layers_of_two_stages_lie_in_it(start, stop, crosses):
    assert Block(start, stop, 13).crosses == crosses  # stages begin at layers 1, 5 and 9


def smooth(layers, slope):
    """Likeness that falls straight with the distance in relative depth: a run is 0.1 / slope of the depth long."""
    depths = np.linspace(0, 1, layers)
    return 1 - slope * np.abs(np.subtract.outer(depths, depths))


@pytest.mark.parametrize("layers", [7, 13, 28, 55])
def test_more_layers_at_equal_relative_depth_are_no_block_structure(layers):
    find = BlockStructure(0.9, np.stack([smooth(7, slope) for slope in (0.25, 0.3)]))
    assert not find(smooth(layers, 0.25)).exists
    assert find(smooth(layers, 0.12)).share() > 0.7


def test_a_stage_is_no_block_structure_however_alike_its_layers():
    find = BlockStructure(0.9, np.eye(7)[None])
    assert not find(planted(13, 5, 9)).exists and find(planted(13, 4, 9)) == (4, 9, 13)
    both = np.maximum(planted(13, 4, 8), planted(13, 0, 5))
    assert find(both) == (4, 8, 13)  # the stage is longer, and does not count


@pytest.mark.parametrize("runs", [30, pytest.param(5000, marks=pytest.mark.slow)])
def test_networks_like_the_reference_seldom_have_a_block_structure_and_those_with_one_do(runs):
    """Likeness falls with a slope that varies from seed to seed; six reference networks of 7 layers, six of 13 layers."""
    rng, single, all_of_six, found = np.random.default_rng(4), [], [], []

    def networks(layers, middle):
        return np.stack([smooth(layers, slope) for slope in middle * np.exp(0.2 * rng.standard_normal(6))])

    for _ in range(runs):
        find = BlockStructure(0.9, networks(7, 0.35))
        alike = shares(networks(13, 0.35), find) > 0
        single.append(alike.mean())
        all_of_six.append(alike.all())
        found.append((shares(networks(13, 0.12), find) > 0).all())
    assert np.mean(single) <= 1 / 7 + 3 * np.std(single) / np.sqrt(runs)
    assert np.mean(all_of_six) <= 1 / 924 + 3 * np.sqrt(1 / 924 / runs) and np.mean(found) > 0.95
