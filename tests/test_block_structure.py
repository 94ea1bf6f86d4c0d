"""The verdicts of chapter 11 follow from planted blocks, and its words, tables and pictures from the same numbers."""

import numpy as np
import pytest
from planted_blocks import at, planted, with_shares
from test_grams import planted as planted_sizes

from lib.chapters.block_structure import BATCH_SIZE, Always, Blocks, Differs, block_claims
from lib.cka.block_growth import BlockMaps
from lib.gates import Gate
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture
from lib.verdicts import judged as judged_rows

DEPTHS = [Architecture(depth) for depth in (14, 26, 38)]
WIDTHS = [Architecture(14, width) for width in (1, 2, 4)]
PLAIN = [Architecture(14, width, False) for width in (1, 2, 4)]
COUNTS = [100, 200, 400]
RULES = {
    "11-block-grows-depth",
    "11-block-grows-width",
    "11-block-grows-width-plain",
    "11-less-data-width",
    "11-less-data-depth",
    "11-every-seed-deepest",
    "11-ends-differ-deepest",
    "11-every-seed-widest",
    "11-ends-differ-widest",
    "11-block-late",
}


def maps_of(growing=True, fewer=True, elsewhere=True, late=True, side=3):
    """Blocks of 13 layers' depth that follow the paper in each respect, or do not."""

    def network(length, place):
        start = 13 - length - place if late else place
        return planted(13, start, start + length)

    def line(architectures):
        return {
            one: np.stack([network(side + 2 * step * growing, 0) for _ in range(6)])
            for step, one in enumerate(architectures)
        }

    maps = line(DEPTHS) | line(WIDTHS) | line(PLAIN)
    by_count = {
        one: np.stack([[network(side + 2 * (2 - step) * fewer, 0) for step in range(3)] for _ in range(6)])
        for one in (DEPTHS[0], DEPTHS[-1], WIDTHS[-1])
    }
    parts = {
        one: np.stack([[network(3, 2 * seed * elsewhere) for _ in range(4)] for seed in range(6)])
        for one in (DEPTHS[-1], WIDTHS[-1])
    }
    return BlockMaps(DEPTHS, WIDTHS, PLAIN, maps, COUNTS, by_count, parts)


def judged(found, threshold=0.9):
    fit = dict.fromkeys(("depths", "widths", "plain", "less data"), ())
    return block_claims(Blocks(found, at(threshold), 500, 0), fit)


def verdicts(found, threshold=0.9):
    return {claim.name: claim.verdict for claim in judged(found, threshold)}


def test_blocks_as_the_paper_has_them_are_supported():
    assert verdicts(maps_of()) == dict.fromkeys(RULES, "supported")


def test_the_reverse_is_contradicted():
    found = maps_of(elsewhere=False, late=False)
    turned = BlockMaps(
        DEPTHS,
        WIDTHS,
        PLAIN,
        {one: found.maps[other] for line in (DEPTHS, WIDTHS, PLAIN) for one, other in zip(line, reversed(line))},
        COUNTS,
        {one: maps[:, ::-1] for one, maps in found.by_count.items()},
        found.parts,
    )
    every = {"11-every-seed-deepest", "11-every-seed-widest"}
    assert verdicts(turned) == dict.fromkeys(RULES - every, "contradicted") | dict.fromkeys(every, "supported")


def test_blocks_of_one_size_leave_growth_undecided():
    told = verdicts(maps_of(growing=False, fewer=False))
    assert {told[name] for name in RULES if "grows" in name or "less-data" in name} == {"undecided"}
    assert told["11-block-late"] == "supported"


def test_without_any_block_nothing_is_tested():
    assert verdicts(maps_of(), threshold=0.99) == dict.fromkeys(RULES, "not tested")


def test_a_gate_of_a_line_stops_its_claims_alone():
    fit = dict.fromkeys(("depths", "plain", "less data"), ()) | {
        "widths": [Gate("largest training loss", 0.1, most=0.05)]
    }
    told = {claim.name: claim.verdict for claim in block_claims(Blocks(maps_of(), at(), 500, 0), fit)}
    stopped = {"11-block-grows-width", "11-every-seed-widest", "11-ends-differ-widest", "11-block-late"}
    assert {name for name, verdict in told.items() if verdict == "not tested"} == stopped


def test_one_network_without_a_block_contradicts_that_every_one_has_one():
    found = maps_of()
    found.maps[WIDTHS[-1]][2] = with_shares(13, [2])
    claims = {claim.name: claim for claim in judged(found)}
    wide, deep = claims["11-every-seed-widest"], claims["11-every-seed-deepest"]
    assert wide.verdict == "contradicted" and wide.estimate == pytest.approx(5 / 6) and wide.high < 1
    # Clopper and Pearson for six of six: the lower end is 0.025 ** (1 / 6).
    assert deep.verdict == "supported" and deep.low == pytest.approx(0.025 ** (1 / 6)) and deep.high == 1


@pytest.mark.parametrize("share, most", [(0.5, 0.025), (1, 1)])
def test_every_seed_is_seldom_said_where_half_of_them_have_none(share, most):
    rng, networks = np.random.default_rng(6), 6
    told = []
    for _ in range(300):
        has = np.where(rng.random(networks) < share, 7, 2)
        found = maps_of()
        found.maps[DEPTHS[-1]] = with_shares(13, has)
        present = Blocks(found, at(), 500, 0).present(DEPTHS[-1])
        told.append(Always().judge(present).verdict == "supported")
    assert np.mean(told) <= most + 3 * np.sqrt(most / 300) and (share < 1 or all(told))


def test_all_of_few_networks_are_not_always():
    few = Estimated(lambda level: (1.0, ((1 - level) / 2) ** (1 / 4), 1.0), 4, 500)
    assert Always().judge(few).verdict == "undecided"


def test_claims_count_their_networks():
    claims = {claim.name: claim for claim in judged(maps_of())}
    assert all(claim.images == 500 for claim in claims.values())
    assert claims["11-block-grows-depth"].networks == 18 and claims["11-less-data-width"].networks == 12
    assert claims["11-block-late"].networks == 30  # depth 14 at width 1 stands in both lines
    assert claims["11-block-grows-depth"].estimate == pytest.approx(
        np.polyfit(np.log2([14, 26, 38]), np.array([3, 5, 7]) / 13, 1)[0]
    )
    assert claims["11-less-data-depth"].estimate == pytest.approx(2 / 13)


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (0.1, 5, "supported"),
        (0, 0, "contradicted"),
        (-1e-16, 1e-16, "contradicted"),
        (0, 0.5, "undecided"),
        (-1, 1, "undecided"),
        (-2, -1, "undecided"),
        (np.nan, np.nan, "undecided"),
    ],
)
def test_ends_are_the_same_only_where_all_networks_have_one_block(low, high, verdict):
    assert Differs().judge(Estimated(lambda level: (low, low, high), 4, 500)).verdict == verdict


@pytest.mark.parametrize(
    "deviations, verdict, size",
    [
        ([0.001, -0.002, 0.003], "supported", 64),
        ([0.001, -0.05, 0.003], "contradicted", 32),
        ([0.001, 0.019, 0.003], "undecided", 32),
        ([0.05, -0.09, 0.003], "contradicted", 32),
    ],
)
def test_batch_sizes_are_judged_by_the_one_that_deviates_most(deviations, verdict, size):
    (claim,) = judged_rows([BATCH_SIZE], planted_sizes(deviations))
    assert claim.verdict == verdict and f": batches of {size}, the one of 3 " in claim.statistic and claim.images == 500


def test_a_single_pass_decides_nothing_about_batch_sizes():
    (claim,) = judged_rows([BATCH_SIZE], planted_sizes([0.5, 0.5], passes=1))
    assert claim.verdict == "undecided"
