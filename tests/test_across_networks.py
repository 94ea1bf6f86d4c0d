"""The verdicts of chapter 14 follow from what is planted, and words, tables and pictures from the numbers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from planted_blocks import at
from planted_layers import planted_maps

from lib.chapters import across_networks_figures
from lib.chapters.across_networks import (
    architecture_claims,
    architecture_numbers,
    blocks_table,
    compared,
    depth_numbers,
    numbers_table,
    roles,
    seed_claims,
    seed_numbers,
)
from lib.cka.across import BOTH, across_architectures, across_seeds
from lib.training.wide_and_deep import Architecture

NAMES = roles([14, 26, 38], 14, [1, 2, 4])
FIT = dict.fromkeys(NAMES, ())
LAYERS = {"small": 7, "second": 13, "wide": 7, "deep": 13}
DEEP_BLOCKS = [(6, 11), (6, 12), (7, 12), (6, 11), (7, 12), (6, 12)]


def measured(blocks=None, noise=0.2, **options):
    """Seeds and pairs of four networks of each role; blocks: role -> those of its networks, none by default."""
    blocks = {role: (blocks or {}).get(role, [None] * 6) for role in LAYERS}
    maps = planted_maps({role: (layers, blocks[role]) for role, layers in LAYERS.items()}, noise=noise, **options)
    seeds = {role: across_seeds(maps, role, at()) for role in LAYERS}
    return seeds, {pair: across_architectures(maps, *pair, at()) for pair in compared(NAMES)}


def claims_of(seeds, pairs):
    ends = {role: seeds[role] for role in ("small", "wide", "deep")}
    return [*seed_claims(ends, NAMES, 597, FIT), *architecture_claims(pairs, NAMES, 597, FIT)]


def verdicts(claims):
    assert len({claim.name for claim in claims}) == len(claims) == 17
    assert all(claim.name.startswith("14-") and claim.images == 597 for claim in claims)
    return {claim.name.removeprefix("14-"): claim.verdict for claim in claims}


def test_roles_are_the_ends_of_the_grid():
    assert NAMES == {
        "small": Architecture(14),
        "second": Architecture(26),
        "wide": Architecture(14, 4),
        "deep": Architecture(38),
    }
    assert compared(NAMES) == [("small", "second"), ("small", "deep"), ("wide", "deep")]
    two = roles([14, 26], 20, [2, 8])
    assert two == {"small": Architecture(14), "wide": Architecture(20, 8), "deep": Architecture(26)}
    assert compared(two) == [("small", "deep"), ("wide", "deep")]


def test_blocks_of_their_own_are_unlike_and_the_rest_corresponds():
    found = verdicts(claims_of(*measured({"deep": DEEP_BLOCKS, "wide": [(3, 6)] * 6})))
    for name in (
        "maps-alike-small",
        "maps-alike-wide",
        "maps-alike-deep",
        "block-unlike-across-seeds-wide",
        "block-unlike-across-seeds-deep",
        "block-unlike-at-equal-depth-deep",
        "block-unlike-at-equal-depth-wide",
        "better-than-chance-small-second",
        "better-than-chance-small-deep",
        "better-than-chance-wide-deep",
        "equal-relative-depth-small-second",
        "block-unlike-small-deep",
        "block-unlike-wide-deep",
    ):
        assert found[name] == "supported", name
    assert found["block-unlike-across-seeds-small"] == found["block-unlike-small-second"] == "not tested"


def test_without_blocks_nothing_is_said_about_them():
    for claim in claims_of(*measured()):
        assert claim.verdict == ("not tested" if "block-unlike" in claim.name else "supported"), claim.name
        assert np.isnan(claim.estimate) == ("block-unlike" in claim.name)


def test_blocks_that_all_networks_share_contradict():
    """In its block every network holds the same signal: the block is alike across seeds, and the rest less."""
    seeds, pairs = measured({"deep": DEEP_BLOCKS})
    deep = seeds["deep"]
    np.einsum("ijll->ijl", deep.maps)[deep.shared == BOTH] = 0.99
    pairs["small", "deep"].back.cka[:, :, 6:12] = 0.99
    found = verdicts(claims_of(seeds, pairs))
    assert found["block-unlike-across-seeds-deep"] == found["block-unlike-at-equal-depth-deep"] == "contradicted"
    assert found["block-unlike-small-deep"] == "contradicted"


def test_matches_in_reversed_order_contradict():
    seeds, pairs = measured()
    turned = pairs["small", "deep"]
    turned.there.place[:] = turned.there.place[..., ::-1].copy()
    turned.back.place[:] = turned.back.place[..., ::-1].copy()
    found = verdicts(claims_of(seeds, pairs))
    assert found["better-than-chance-small-deep"] == found["equal-relative-depth-small-deep"] == "contradicted"
    assert found["better-than-chance-wide-deep"] == "supported"


def test_a_claim_has_the_networks_and_the_rule_it_rests_on():
    seeds, pairs = measured({"deep": [*DEEP_BLOCKS[:5], None]})
    claims = {claim.name: claim for claim in claims_of(seeds, pairs)}
    block = claims["14-block-unlike-across-seeds-deep"]
    assert (block.networks, block.verdict) == (5, "not tested") and block.high < 0
    assert claims["14-maps-alike-small"].networks == 6 and "above 0.9" in claims["14-maps-alike-small"].rule
    below = claims["14-equal-relative-depth-wide-deep"]
    assert below.networks == 12 and "below 0.1; contradicted if it lies above" in below.rule


def test_tables_hold_every_number_and_say_what_is_not_known():
    seeds, pairs = measured({"deep": DEEP_BLOCKS})
    ends = {role: seeds[role] for role in ("small", "wide", "deep")}
    table = numbers_table({role: seed_numbers(found) for role, found in ends.items()})
    assert list(table.columns) == list(ends) and table.loc["CKA of the same layer, all", "small"] == "0.83 [0.83, 0.83]"
    assert table.loc["CKA of the same layer, in the block of both", "small"] == "not to be told"
    assert table.loc["layers found again, of neither", "deep"].startswith("1.00")
    table = numbers_table({"small and deep": architecture_numbers(pairs["small", "deep"])})
    assert len(table) == 13 and table.loc["rank correlation, inside", "small and deep"] != "not to be told"
    depths = depth_numbers(ends)
    assert list(depths) == ["wide", "deep"] and depths["deep"]["in the block of both"].value < -0.5
    blocks = blocks_table(seeds, NAMES).set_index("role")
    assert list(blocks["with a block"]) == [0, 0, 0, 6] and blocks.loc["deep", "share of the depth"] == "0.38 to 0.46"
    assert blocks.loc["small", "share of the depth"] == "–" and list(blocks["hidden layers"]) == list(LAYERS.values())


@pytest.fixture
def drawn():
    figures = []
    yield lambda figure: figures.append(figure) or figure
    for figure in figures:
        plt.close(figure)


def test_maps_of_seeds_are_a_grid_with_framed_blocks_on_its_diagonal(drawn):
    seeds, _ = measured({"deep": [*DEEP_BLOCKS[:3], None, *DEEP_BLOCKS[4:]]})
    axes = drawn(across_networks_figures.seed_maps(seeds["deep"])).axes[:25]
    for place, axis in enumerate(axes):
        row, column = divmod(place, 5)
        np.testing.assert_allclose(axis.images[0].get_array(), seeds["deep"].maps[row, column])
        assert len(axis.patches) == (row == column and row != 3)
    frame = axes[6].patches[0]
    assert (frame.get_xy(), frame.get_width()) == ((5.5, 5.5), 6)
    assert axes[20].get_xlabel() == "network 0" and axes[20].get_ylabel() == "network 4"


def test_no_more_than_five_networks_are_shown(drawn):
    found = across_seeds(planted_maps({"small": (7, [None] * 7)}), "small", at())
    assert len(drawn(across_networks_figures.seed_maps(found)).axes) == 25 + 1


def test_maps_of_architectures_are_own_across_own(drawn):
    seeds, pairs = measured({"deep": DEEP_BLOCKS})
    axes = drawn(across_networks_figures.architecture_maps(pairs, seeds, NAMES)).axes
    np.testing.assert_allclose(axes[3].images[0].get_array(), seeds["small"].maps[0, 0])
    np.testing.assert_allclose(axes[4].images[0].get_array(), pairs["small", "deep"].maps[0, 0].T)
    np.testing.assert_allclose(axes[5].images[0].get_array(), seeds["deep"].maps[0, 0])
    points, line = axes[4].lines
    np.testing.assert_array_equal(points.get_ydata(), pairs["small", "deep"].there.place[0, 0])
    np.testing.assert_array_equal(line.get_ydata(), [0, 12])
    assert axes[4].get_xlabel() == "layer of ResNet-14 (1×)" and axes[5].get_title() == "ResNet-38 (1×)"


def test_likeness_over_depth_has_every_layer_of_every_pair_once(drawn):
    seeds, _ = measured({"deep": DEEP_BLOCKS})
    ends = {role: seeds[role] for role in ("small", "wide", "deep")}
    axes = drawn(across_networks_figures.likeness_over_depth(ends, NAMES)).axes
    for axis, found in zip(axes, ends.values()):
        points = axis.lines[:3]
        assert sum(len(line.get_xdata()) for line in points) == 15 * found.layers
        assert len(points[BOTH].get_xdata()) == (found.shared[np.triu_indices(6, 1)] == BOTH).sum()
        np.testing.assert_allclose(axis.lines[3].get_ydata(), np.nanmean(found.corresponding, axis=(0, 1)))
    assert len(axes[0].lines) == 4 and len(axes[2].lines) == 5  # small needs no line of small


def test_matches_over_depth_has_every_layer_of_every_pair_once_either_way(drawn):
    seeds, pairs = measured({"deep": DEEP_BLOCKS})
    axes = drawn(across_networks_figures.matches_over_depth(pairs, NAMES)).axes
    outside, inside, _ = axes[3].lines  # deep in small
    found = pairs["small", "deep"].back
    assert len(outside.get_xdata()) + len(inside.get_xdata()) == found.place.size
    assert len(inside.get_xdata()) == found.inside.sum() * 6
    np.testing.assert_allclose(
        sorted(outside.get_ydata()), sorted(found.place[np.broadcast_to(~found.inside[:, None], found.place.shape)] / 6)
    )
    assert axes[3].get_title() == "ResNet-38 (1×) in ResNet-14 (1×)"
