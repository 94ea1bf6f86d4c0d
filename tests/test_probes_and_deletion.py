"""The verdicts of chapter 13 follow from the planted blocks, and figures and words show the same numbers."""

import numpy as np
from planted_block_effects import planted

from lib.chapters.probes_and_deletion import probe_claims
from lib.training.wide_and_deep import Architecture

DEEP, WIDE = Architecture(56), Architecture(14, 4)
INSIDE, NONE = [(2, 6)] * 6, [(0, 0)] * 6
GROWING = [(0, 0), (0, 3), (0, 5), (0, 7), (0, 0), (0, 7)]
NAMES = [
    "13-probe-rises-without-block",
    "13-probe-gain-smaller-in-block",
    "13-after-exceeds-before-in-block",
    "13-deletion-cheaper-in-block",
    "13-deletion-cheaper-with-larger-block",
]
NOISE = np.random.default_rng(0).normal(0, 0.002, (6, 7))


def stairs(inside, outside):
    """Probe accuracies whose steps are these inside the layers 2 to 5 and outside, with a little noise."""
    return 0.5 + np.cumsum([0, outside, outside, inside, inside, inside, outside]) + NOISE


def costs(inside, outside):
    return np.array([outside, outside, inside, inside, inside, outside]) + NOISE[:, 1:]


def verdicts(found):
    claims = probe_claims(found, [])
    assert [claim.name for claim in claims] == NAMES
    for claim in claims:
        assert claim.images == 50 and (claim.low <= claim.estimate <= claim.high or np.isnan(claim.estimate))
    return [claim.verdict for claim in claims]


def test_what_the_paper_says_is_supported_where_it_is_planted():
    sizes = [(2, 6), (2, 6), (1, 6), (0, 6), (2, 6), (1, 6)]
    blocks = planted(sizes, stairs(0, 0.1), stairs(0, 0.1)[:, 1:] - 0.1 + NOISE[:, 1:], costs(0, 0.1))
    # The larger the block structure, the less a deletion costs.
    rest = planted(GROWING, cost=np.outer([4, 2.5, 1.5, 0.5, 4.2, 0.4], np.full(6, 0.02)))
    bare = planted(NONE, stairs(0.05, 0.05))
    assert verdicts({DEEP: blocks, Architecture(14): bare}) == ["supported"] * 4 + ["undecided"]
    assert verdicts({WIDE: rest})[4] == "supported"


def test_the_opposite_is_contradicted():
    blocks = planted(INSIDE, stairs(0.1, 0), stairs(0.1, 0)[:, 1:] + 0.1 + NOISE[:, 1:], costs(0.1, 0))
    rest = planted(GROWING, cost=np.outer([0.5, 1.5, 2.5, 4, 0.4, 4.2], np.full(6, 0.02)))
    bare = planted(NONE, stairs(-0.05, -0.05))
    assert verdicts({DEEP: blocks, WIDE: rest, Architecture(14): bare}) == ["contradicted"] * 5


def test_without_enough_networks_nothing_is_decided():
    for structures in ([(2, 6)] * 3 + [(0, 0)] * 3, [(3, 5)] * 3 + [(1, 7)] * 3):
        claims = probe_claims({DEEP: planted(structures, stairs(0, 0.1), cost=costs(0, 0.1))}, [])
        assert [claim.verdict for claim in claims[:4]] == ["not tested"] * 4
        assert all(np.isnan([claim.estimate, claim.low, claim.high]).all() for claim in claims[:4])
        assert all("too few networks" in claim.statistic for claim in claims[:4])
        assert [claim.networks for claim in claims[:4]] == [3] * 4


def test_one_architecture_that_speaks_against_it_is_enough_and_is_shown():
    found = {DEEP: planted(INSIDE, stairs(0, 0.1)), WIDE: planted(INSIDE, stairs(0.1, 0))}
    claim = probe_claims(found, [])[1]
    assert claim.verdict == "contradicted" and "ResNet-14 (4×)" in claim.statistic and claim.networks == 12
    assert "the one of 2 that decides" in claim.statistic
