"""Blocks that begin and end elsewhere in every network are told from blocks that are measured with error."""

from itertools import permutations, product

import numpy as np
import pytest
from planted_blocks import planted

from lib.cka.block_ends import block_ends, ends_apart, excess_distances


def parts(spans, layers=20):
    """[networks, parts, layers, layers] with these (start, stop) of every network on every part of the images."""
    return np.stack([[planted(layers, *span) for span in row] for row in spans])


def apart(spans, seed=0):
    return ends_apart(parts(spans), 0.9, np.random.default_rng(seed))


def excess_distance(ends):
    """That of the networks as they are."""
    networks, parts, _ = np.shape(ends)
    return excess_distances(np.asarray(ends), np.tile(np.arange(networks)[:, None], (1, 1, parts)))[0]


def test_ends_are_those_of_the_networks_with_a_block_on_every_part():
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 7)], [(9, 18), (9, 18)]]
    np.testing.assert_array_equal(block_ends(parts(spans), 0.9), [spans[0], spans[2]])
    assert block_ends(parts(spans), 0.98).shape == (0, 2, 2)


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
    np.testing.assert_allclose(excess_distances(ends, orders),
                               [excess_distance(ends[order, np.arange(3)]) for order in orders])


def test_only_differences_of_layers_count():
    ends = np.random.default_rng(1).integers(3, 20, (4, 3, 2))
    found = excess_distance(ends)
    for same in (ends + 5, ends[::-1], ends[:, ::-1], ends[..., ::-1], 30 - ends):
        assert excess_distance(same) == pytest.approx(found)
    assert excess_distance(3 * ends) == pytest.approx(3 * found)


def test_blocks_elsewhere_in_every_network_are_apart():
    spans = [(2, 8), (5, 14), (9, 18), (3, 12)]
    (estimate, low, high), networks = apart([[span] * 4 for span in spans])
    expected = np.mean([abs(a[0] - b[0]) + abs(a[1] - b[1]) for a in spans for b in spans if a != b])
    assert networks == 4 and estimate == pytest.approx(expected) and 0 < low < estimate < high


def test_the_range_is_that_of_all_changes_of_places():
    """Three networks and two parts: the first part may stay, and six orders of the other are all there are."""
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 12)], [(9, 18), (9, 17)]]
    ends = np.array(spans)
    by_chance = [excess_distance(np.stack([ends[:, 0], ends[list(order), 1]], axis=1))
                 for order in permutations(range(3))]
    (estimate, low, high), _ = apart(spans)
    assert estimate == pytest.approx(excess_distance(ends)) == pytest.approx(max(by_chance))
    assert low == pytest.approx(0) and high == pytest.approx(estimate - min(by_chance))


def test_one_block_measured_with_error_is_seldom_taken_for_many():
    rng = np.random.default_rng(3)
    lows = [apart([[(6 + a, 14 + b) for a, b in network] for network in rng.integers(-1, 2, (4, 4, 2))])[0][1]
            for _ in range(60)]
    assert np.sum(np.array(lows) > 0) <= 5  # 1.5 expected; 6 or more in less than one of 200 runs


def test_the_same_block_everywhere_is_not_apart():
    assert apart([[(6, 14)] * 4] * 4) == ((0, 0, 0), 4)
    found, _ = apart([[(6, 14), (5, 14), (6, 12), (4, 9)]] * 4)  # one block on each part
    np.testing.assert_allclose(found, 0, atol=1e-9)


@pytest.mark.parametrize("spans, networks", [
    ([[(2, 8), (2, 8)]] * 2, 2), ([[(2, 8), (2, 4)]] * 5, 0),
    ([[(2, 8), (2, 8)], [(5, 9), (5, 9)], [(1, 2), (1, 9)]], 2)])
def test_fewer_than_three_networks_with_a_block_tell_nothing(spans, networks):
    assert apart(spans) == (None, networks)


def test_networks_without_a_block_are_left_out():
    spans = [[(2, 8), (3, 8)], [(5, 14), (5, 12)], [(9, 18), (9, 18)]]
    assert apart([*spans, [(3, 5), (3, 9)]]) == apart(spans)
