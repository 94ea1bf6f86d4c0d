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
from lib.statistics.intervals import difference_interval

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


def test_the_planted_blocks_are_found():
    assert not SMALL.with_block.any() and DEEP.with_block.all()
    assert [(block.start, block.stop) for block in DEEP.blocks] == [(6, 11), (6, 12), (7, 12), (6, 11)]
    assert SMALL.layers == 7 and DEEP.layers == 13


def test_the_same_layer_has_in_common_what_is_shared():
    """Shared signals, noise of a quarter and blocks of a thousand times their variance."""
    outside, one = 1 / 1.25, 1 / np.sqrt(1.25 * 1001.25)
    assert SMALL.likeness().values == SMALL.likeness(NEITHER).values == pytest.approx(outside, rel=1e-3)
    assert DEEP.likeness(NEITHER).values == pytest.approx(outside, rel=1e-3)
    assert DEEP.likeness(ONE).values == pytest.approx(one, rel=1e-3)
    assert DEEP.likeness(BOTH).values == pytest.approx(1 / 1001.25, rel=1e-3)
    assert DEEP.inside_minus_outside().values == pytest.approx(1 / 1001.25 - outside, rel=1e-3)
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
        assert np.isnan(found.interval()).all() and 0 in found.networks


def test_maps_look_alike_without_blocks_and_not_with_them():
    assert SMALL.looks_alike().values == SMALL.looks_alike(False).values > 0.999
    assert DEEP.looks_alike().values > 0.999  # of the layers outside
    assert DEEP.looks_alike(True).values < 0.5


def test_layers_are_found_again_outside_of_blocks():
    assert SMALL.identification().values == 1
    assert DEEP.identification(NEITHER).values == 1
    whole, inside = DEEP.identification().values, DEEP.identification(BOTH).values
    assert inside < whole < 1


def test_a_network_is_never_matched_with_itself():
    """Three networks with nothing in common: each finds its own layers, and no other's."""
    rng = np.random.default_rng(0)
    maps = rng.uniform(0, 0.5, size=(3, 3, 6, 6))
    maps[..., 0] = 0.9
    maps[range(3), range(3)] = np.eye(6)
    found = AcrossSeeds(maps, (Block(0, 0, 6),) * 3)
    assert np.isnan(found.corresponding[range(3), range(3)]).all()
    assert found.identification().values == pytest.approx(1 / 6)


def test_at_equal_depth_a_trend_over_depth_goes_and_the_block_stays():
    """The same layer is less alike the deeper it lies, and by 0.3 less in the block."""
    profile = 0.9 - 0.5 * np.linspace(0, 1, 13) - 0.3 * (np.arange(13) >= 8)
    deep = from_profiles(np.broadcast_to(profile, (4, 4, 13)), 8)
    small = from_profiles(np.broadcast_to(0.9 - 0.5 * np.linspace(0, 1, 5), (3, 3, 5)), 5)
    assert deep.inside_minus_outside().values < -0.5
    found = deep.beyond_equal_depth(small, BOTH)
    np.testing.assert_allclose(found.interval(), -0.3)
    assert found.networks == (4, 3)
    np.testing.assert_allclose(deep.beyond_equal_depth(small, NEITHER).interval(), 0, atol=1e-12)


def test_at_equal_depth_the_reference_is_outside_of_its_own_blocks():
    deep = from_profiles(np.full((4, 4, 13), 0.5), 5)  # from relative depth 5/12 on
    values = np.broadcast_to([0.7, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1], (3, 3, 7))
    assert deep.beyond_equal_depth(from_profiles(values, 4), BOTH).values == pytest.approx(  # up to 3/6
        np.mean([0.5 - 0.4, 0.5 - 0.1])
    )
    found = deep.beyond_equal_depth(from_profiles(values, 2), BOTH)
    assert np.isnan(found.values) and found.networks == (0, 3)


def test_networks_of_both_populations_are_samples_at_equal_depth():
    """A number a pair, the same at all depths: Welch's interval of the difference."""
    rng = np.random.default_rng(1)
    effects = [rng.normal(size=count) for count in (5, 4)]
    first, second = (from_profiles(np.repeat((effect[:, None] + effect)[..., None], 7, 2), 7) for effect in effects)
    np.testing.assert_allclose(
        first.beyond_equal_depth(second, NEITHER).interval(), difference_interval(*(2 * effect for effect in effects))
    )


def test_across_architectures_layers_outside_of_blocks_match_at_equal_relative_depth():
    assert PAIR.beyond_nearest(False).values < 0.03 and PAIR.nearer_than_chance(False).values > 0.2
    assert PAIR.rank_correlation(False).values > 0.95
    assert PAIR.likeness(False).values > 0.6
    assert PAIR.chance().values == pytest.approx(PAIR.beyond_nearest().values + PAIR.nearer_than_chance().values)


def test_across_architectures_a_block_matches_nothing():
    assert PAIR.likeness(True).values < 0.05
    assert PAIR.inside_minus_outside().values == pytest.approx(
        PAIR.back.average(PAIR.back.cka, True).mean() - PAIR.back.average(PAIR.back.cka, False).mean()
    )
    assert PAIR.inside_minus_outside().networks == (4, 4)


def test_the_two_architectures_have_equal_roles():
    turned = across_architectures(MAPS, "deep", "small", at())
    for name in ("beyond_nearest", "chance", "rank_correlation", "likeness", "nearer_than_chance"):
        for inside in (None, False, True):
            found, other = (getattr(pair, name)(inside) for pair in (PAIR, turned))
            np.testing.assert_allclose(found.interval(), other.interval(), err_msg=f"{name}, {inside}")
    np.testing.assert_allclose(PAIR.inside_minus_outside().interval(), turned.inside_minus_outside().interval())


def test_the_order_of_the_networks_does_not_matter():
    layers, blocks = POPULATIONS["deep"]
    turned = across_seeds(planted_maps({"deep": (layers, blocks[::-1])}, noise=0.25), "deep", at())
    for one, other in (
        (DEEP.likeness(BOTH), turned.likeness(BOTH)),
        (DEEP.looks_alike(), turned.looks_alike()),
        (DEEP.identification(ONE), turned.identification(ONE)),
    ):
        np.testing.assert_allclose(one.interval(), other.interval())


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


def test_correlation_of_maps_is_of_the_chosen_layers():
    maps, chosen = RNG.uniform(size=(2, 2, 6, 6)), np.ones((2, 2, 6), bool)
    chosen[0, 1, [1, 4]] = False
    chosen[1, 0, :4] = False
    kept = [0, 2, 3, 5]
    part = maps[:, :, kept][..., kept]
    found = map_correlations(maps, chosen)
    assert found[0, 1] == pytest.approx(map_correlations(part, np.ones((2, 2, 4), bool))[0, 1])
    assert np.isnan(found[1, 0])  # two layers are no pattern
