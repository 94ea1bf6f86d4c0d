"""The best match of a layer: planted correspondences are recovered, whichever network is looked up in which."""

import numpy as np
import pytest
from planted_layers import planted_maps

from lib.cka.best_layers import best_layers


def test_a_permutation_of_layers_is_recovered_from_either_side():
    order = np.array([3, 0, 5, 1, 6, 2, 4])
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.zeros((1, 7), bool)
    there = best_layers(across[..., order], inside)
    np.testing.assert_array_equal(order[there.place[0, 0]], np.arange(7))
    back = best_layers(across[..., order].transpose(1, 0, 3, 2), inside)
    np.testing.assert_array_equal(back.place[0, 0], order)
    np.testing.assert_allclose(there.cka, 1)


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


def test_rank_correlation_tells_the_order():
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.array([[True, True, False, False, False, False, False]])
    assert best_layers(across, inside).rank_correlation()[0, 0] == pytest.approx(1)
    turned = best_layers(across[..., ::-1], inside)
    assert turned.rank_correlation()[0, 0] == pytest.approx(-1)
    assert turned.rank_correlation(inside=False)[0, 0] == pytest.approx(-1)
    assert np.isnan(turned.rank_correlation(inside=True)[0, 0])  # two layers have no order to speak of
