"""What is planted in the layers of networks is found: shared signals, private noise, and blocks of a network's own."""

import numpy as np
import pytest
from planted_blocks import at
from planted_layers import planted_maps
from scipy.stats import pearsonr

from lib.cka.across import (
    BOTH,
    NEITHER,
    ONE,
    AcrossSeeds,
    across_architectures,
    across_seeds,
    interpolated,
    map_correlations,
)
from lib.cka.blocks import Block, interpolation

RNG = np.random.default_rng(0)
POPULATIONS = {"small": (7, [None] * 4), "deep": (13, [(6, 11), (6, 12), (7, 12), (6, 11)])}
MAPS = planted_maps(POPULATIONS, noise=0.25)
SMALL, DEEP = (across_seeds(MAPS, name, at()) for name in POPULATIONS)
PAIR = across_architectures(MAPS, "small", "deep", at())


def from_profiles(corresponding, start):
    """Networks of which only the CKA of the same layer is given, [networks, networks, layers], and where blocks begin
    that go on to the last layer."""
    count, _, layers = corresponding.shape
    return AcrossSeeds(corresponding[..., None] * np.eye(layers), (Block(start, layers, layers),) * count)


def test_the_same_layer_has_in_common_what_is_shared():
    """Shared signals, noise of a quarter and blocks of a thousand times their variance."""
    outside, one = 1 / 1.25, 1 / np.sqrt(1.25 * 1001.25)
    assert SMALL.likeness().value == SMALL.likeness(NEITHER).value == pytest.approx(outside, rel=1e-3)
    assert DEEP.likeness(NEITHER).value == pytest.approx(outside, rel=1e-3)
    assert DEEP.likeness(ONE).value == pytest.approx(one, rel=1e-3)
    assert DEEP.likeness(BOTH).value == pytest.approx(1 / 1001.25, rel=1e-3)
    assert DEEP.inside_minus_outside().value == pytest.approx(1 / 1001.25 - outside, rel=1e-3)
    assert DEEP.likeness(BOTH).networks == (4,)


def test_what_no_network_has_has_no_number():
    for found in (
        SMALL.likeness(BOTH),
        SMALL.inside_minus_outside(),
        SMALL.looks_alike(True),
        SMALL.identification(BOTH),
        DEEP.looks_alike(False),
        SMALL.beyond_equal_depth(SMALL, BOTH),
    ):
        assert np.isnan(found.interval).all() and 0 in found.networks


def test_at_equal_depth_a_trend_over_depth_goes_and_the_block_stays():
    """The same layer is less alike the deeper it lies, and by 0.3 less in the block."""
    profile = 0.9 - 0.5 * np.linspace(0, 1, 13) - 0.3 * (np.arange(13) >= 8)
    deep = from_profiles(np.broadcast_to(profile, (4, 4, 13)), 8)
    small = from_profiles(np.broadcast_to(0.9 - 0.5 * np.linspace(0, 1, 5), (3, 3, 5)), 5)
    assert deep.inside_minus_outside().value < -0.5
    found = deep.beyond_equal_depth(small, BOTH)
    np.testing.assert_allclose(found.interval, -0.3)
    assert found.networks == (4, 3)
    np.testing.assert_allclose(deep.beyond_equal_depth(small, NEITHER).interval, 0, atol=1e-12)


def test_across_architectures_layers_outside_of_blocks_match_at_equal_relative_depth():
    assert PAIR.beyond_nearest(False).value < 0.03 and PAIR.nearer_than_chance(False).value > 0.2
    assert PAIR.rank_correlation(False).value > 0.95
    assert PAIR.likeness(False).value > 0.6
    assert PAIR.chance().value == pytest.approx(PAIR.beyond_nearest().value + PAIR.nearer_than_chance().value)


def test_interpolation_is_right_for_straight_lines_and_knows_no_missing_ends():
    weights = interpolation(7, 4)
    np.testing.assert_allclose(interpolated(weights, 2 - 3 * np.linspace(0, 1, 4)), 2 - 3 * np.linspace(0, 1, 7))
    found = interpolated(weights, np.array([1, 1, np.nan, 1]))
    np.testing.assert_array_equal(np.isnan(found), [False, False, False, True, True, True, False])


def test_correlation_of_maps_asks_for_the_pattern_of_different_layers():
    maps = RNG.uniform(size=(3, 3, 5, 5))
    everything = np.ones((3, 3, 5), bool)
    found = map_correlations(maps, everything)
    different = ~np.eye(5, dtype=bool)
    assert found[0, 2] == pytest.approx(pearsonr(maps[0, 2][different], ((maps[0, 0] + maps[2, 2]) / 2)[different])[0])
    assert np.isnan(np.diagonal(found)).all()
    maps[0, 1] = 0.1 + 0.5 * (maps[0, 0] + maps[1, 1]) / 2  # less alike, and of the same pattern
    maps[0, 1][~different] = -3
    assert map_correlations(maps, everything)[0, 1] == pytest.approx(1)
