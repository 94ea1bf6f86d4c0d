"""The verdicts of chapter 12 follow from the networks' numbers; tables and pictures show them."""

import numpy as np
import pytest
from made_components import IMAGES, LAYERS, made

from lib.chapters import first_component
from lib.chapters.first_component import CLAIMS, component_claims, share_and_block
from lib.cka.block_components import Dropped
from lib.cka.components import TOP
from lib.statistics.contrasts import slope_within
from lib.training.wide_and_deep import Architecture

DEEP, WIDE = Architecture(14), Architecture(14, 4)
ALL = "share-grows-with-block"  # the one claim about all architectures together


def network(seed, sign, **changes):
    """A network for which every claim holds (sign 1) or its opposite does (sign -1)."""
    rng = np.random.default_rng(seed)
    base = made(seed, start=2, stop=6)
    inside = np.outer(base.block.inside(), base.block.inside())
    # The outliers are images of this seed alone, or the same ones for all seeds.
    top = TOP * (seed % 10 % (IMAGES // TOP) if sign > 0 else 0) + np.arange(TOP)
    vector = np.sign(rng.standard_normal(IMAGES))
    vector[top] = 40 if sign > 0 else 1.01
    vector[top[0]] *= 3 if sign > 0 else 1
    lengths = rng.uniform(1, 1.1, IMAGES)
    lengths[top] += sign
    fields = {
        "cosines": sign * base.cka + 0.01 * base.cosines,
        "shares": np.where(base.block.inside(), 0.5 + 0.3 * sign, 0.5) + rng.uniform(0, 0.05, LAYERS),
        "without": base.cka - sign * np.where(inside, 0.5, 0.1) - rng.uniform(0, 0.03, (LAYERS, LAYERS)),
        "coefficients": vector / np.linalg.norm(vector),
        "norms": lengths,
        "dropped": Dropped(0.95, 0.94 - 0.4 * sign + rng.uniform(0, 0.02), 0.94),
    }
    return made(seed, start=2, stop=6, **{**fields, **changes})


def population(sign, architectures=(DEEP, WIDE), seeds=6):
    return {
        architecture: [network(10 * place + seed, sign) for seed in range(seeds)]
        for place, architecture in enumerate(architectures)
    }


def verdicts(found):
    claims = component_claims(found, [])
    assert len({claim.name for claim in claims}) == len(CLAIMS)
    return {claim.name.removeprefix("12-"): claim for claim in claims}


@pytest.mark.parametrize("sign, verdict", [(1, "supported"), (-1, "contradicted")])
def test_the_sign_of_the_intervals_decides(sign, verdict):
    found = verdicts(population(sign))
    found.pop(ALL)
    assert {name: claim.verdict for name, claim in found.items()} == dict.fromkeys(found, verdict)
    assert all(claim.networks == 12 and claim.images == IMAGES for claim in found.values())


def test_one_architecture_on_the_other_side_contradicts():
    found = population(1)
    found[WIDE] = [network(seed, -1) for seed in range(6)]
    told = verdicts(found)
    assert told["component-dominates-block"].verdict == "contradicted"
    assert str(WIDE) in told["component-dominates-block"].statistic


def test_networks_without_a_block_are_left_out_and_too_few_decide_nothing():
    found = population(1)
    found[WIDE] = [network(0, 1), network(1, 1), *(made(seed, start=4, stop=6) for seed in range(4))]
    told = verdicts(found)
    assert told["cka-follows-component"].networks == 12 and told["removal-lowers-block"].networks == 6
    assert told["removal-lowers-block"].verdict == told["seeds-have-their-own-images"].verdict == "supported"
    assert told["seeds-have-their-own-images"].networks == 6
    few = verdicts(population(1, seeds=5))
    assert {claim.verdict for name, claim in few.items() if name not in ("removal-lowers-block", ALL)} == {"not tested"}
    assert {claim.networks for name, claim in few.items() if name != ALL} == {5}
    nowhere = {DEEP: [made(seed, start=4, stop=6) for seed in range(6)]}
    for name, claim in verdicts(nowhere).items():
        if name not in ("cka-follows-component", ALL):
            assert (
                claim.verdict == ("undecided" if "lowers" in name else "not tested")
                and np.isnan(claim.estimate)
                and claim.networks == 0
            )
            assert "too few networks" in claim.statistic
    assert verdicts(nowhere)[ALL].verdict == "not tested"  # no block is larger than another
    first_component.image_table({DEEP: []})


@pytest.mark.parametrize("sign, verdict", [(1, "supported"), (-1, "contradicted"), (0, "undecided")])
def test_share_and_block_are_judged_within_architectures(sign, verdict):
    """Between the two architectures the relation is the opposite."""
    rng = np.random.default_rng(0)
    found = {
        one: [
            made(seed, start=6 - size, stop=6, late_share=0.4 + base + 0.03 * sign * size + rng.normal(0, 0.005))
            for seed, size in enumerate(sizes)
        ]
        for one, sizes, base in ((DEEP, [3, 4, 3, 4, 3, 4], 0.2 * sign), (WIDE, [5, 6, 5, 6, 5, 6], -0.2 * sign))
    }
    claim = verdicts(found)[ALL]
    assert claim.verdict == verdict and claim.networks == 12
    assert (claim.estimate, claim.low, claim.high) == share_and_block(found)


@pytest.mark.parametrize("runs", [100, pytest.param(4000, marks=pytest.mark.slow)])
def test_architectures_that_differ_in_share_and_block_do_not_make_a_claim_about_seeds(runs):
    """Six seeds of three architectures; a slope of 1 within them is found, and one between them alone is not."""
    rng, found = np.random.default_rng(2), {0: [], 1: []}
    for _ in range(runs):
        for slope, told in found.items():
            block = {one: 0.2 * one + rng.normal(0.3, 0.1, 6) for one in range(3)}
            share = {one: 0.2 * one + slope * block[one] + rng.normal(0, 0.05, 6) for one in block}
            told.append(slope_within(block, share)[1] > 0)
    assert np.mean(found[0]) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs) and np.mean(found[1]) > 0.95
