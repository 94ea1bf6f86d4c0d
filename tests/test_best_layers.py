"""The best match of a layer: planted correspondences are recovered, whichever network is looked up in which."""

from itertools import permutations

import numpy as np
import pytest
from planted_layers import planted_maps

from lib.cka.across import best_layers
from lib.cka.blocks import at_depths, relative_depths

RNG = np.random.default_rng(0)


def test_a_permutation_of_layers_is_recovered_from_either_side():
    order = np.array([3, 0, 5, 1, 6, 2, 4])
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.zeros((1, 7), bool)
    there = best_layers(across[..., order], inside)
    np.testing.assert_array_equal(order[there.place[0, 0]], np.arange(7))
    back = best_layers(across[..., order].transpose(1, 0, 3, 2), inside)
    np.testing.assert_array_equal(back.place[0, 0], order)
    np.testing.assert_allclose(there.cka, 1)


def test_a_stretched_network_matches_at_equal_relative_depth():
    maps = planted_maps({"short": (7, [None] * 2), "long": (13, [None] * 3)}, noise=0.5)
    for first, second, layers in (("short", "long", 7), ("long", "short", 13)):
        best = best_layers(maps.between(first, second), np.zeros((len(maps.networks[first]), layers), bool))
        np.testing.assert_allclose(best.beyond_nearest(), 0, atol=1e-12)
        np.testing.assert_array_less(0.99, best.rank_correlation() + 0.03)  # ties where the other is shorter
        assert best.chance().mean() > 0.25


def test_distance_is_counted_beyond_the_nearest_layer_there_is():
    """Layers at 0, 1/2 and 1 against layers at 0 and 1, all matched with the last one."""
    maps = np.zeros((1, 1, 3, 2))
    maps[..., 1] = 0.8
    best = best_layers(maps, np.array([[False, True, True]]))
    np.testing.assert_allclose(best.beyond_nearest(), [[[1, 0, 0]]])
    np.testing.assert_allclose(best.chance(), [0.5, 0, 0.5])
    assert best.average(best.beyond_nearest())[0, 0] == pytest.approx(1 / 3)
    assert best.average(best.beyond_nearest(), False)[0, 0] == 1
    assert best.average(best.cka, True)[0, 0] == 0.8
    assert best.rank_correlation()[0, 0] == 0  # all have one match


def test_chance_is_the_mean_over_all_orders_of_the_other_networks_layers():
    across = RNG.uniform(size=(1, 1, 6, 4))
    inside = np.zeros((1, 6), bool)
    shuffled = [best_layers(across[..., list(order)], inside).beyond_nearest() for order in permutations(range(4))]
    np.testing.assert_allclose(np.mean(shuffled, axis=0)[0, 0], best_layers(across, inside).chance())


def test_rank_correlation_tells_the_order():
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.array([[True, True, False, False, False, False, False]])
    assert best_layers(across, inside).rank_correlation()[0, 0] == pytest.approx(1)
    turned = best_layers(across[..., ::-1], inside)
    assert turned.rank_correlation()[0, 0] == pytest.approx(-1)
    assert turned.rank_correlation(inside=False)[0, 0] == pytest.approx(-1)
    assert np.isnan(turned.rank_correlation(inside=True)[0, 0])  # two layers have no order to speak of


def test_relative_depths_run_from_the_stem_to_the_last_block():
    np.testing.assert_allclose(relative_depths(5), [0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("layers", [4, 7, 13, 20])
def test_a_map_that_falls_straight_from_its_diagonal_is_the_same_at_other_depths(layers):
    ridge = {count: 1 - 0.4 * np.abs(np.subtract.outer(*[np.linspace(0, 1, count)] * 2)) for count in (7, layers)}
    np.testing.assert_allclose(at_depths(ridge[7], layers), ridge[layers])
