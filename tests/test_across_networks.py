"""The verdicts of chapter 14 follow from what is planted, and words, tables and pictures from the numbers."""

import numpy as np
from planted_blocks import at
from planted_layers import planted_maps

from lib.chapters.across_networks import architecture_claims, compared, roles, seed_claims
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
