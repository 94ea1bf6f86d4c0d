"""Chapter 14: do networks go through alike representations at equal relative depth, but for their blocks?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lib.cka.across import BOTH, NEITHER, ONE, AcrossArchitectures, AcrossSeeds
from lib.gates import LEAST_NETWORKS, Gate
from lib.rules import above, below
from lib.statistics.intervals import bounded, in_brackets
from lib.statistics.sample import Estimated, Sample
from lib.training.wide_and_deep import Architecture
from lib.verdicts import HEADLINE, Claim, Row, judged

ALIKE = 0.9  # correlation of two maps: the one then explains four fifths of the variance of the other
NEAR = 0.1  # of the depth
KINDS = {"all": None, "in the block of both": BOTH, "of one": ONE, "of neither": NEITHER}
SIDES = {"all": None, "outside their block": False, "inside": True}

Roles = Mapping[str, Architecture]
Seeds = Mapping[str, AcrossSeeds]  # by role
Pairs = Mapping[tuple[str, str], AcrossArchitectures]  # by two roles


def roles(depths: list[int], wide_depth: int, widths: list[int]) -> dict[str, Architecture]:
    """What the architectures of chapter 14 are there for: role -> architecture.

    'small', the shallowest at width 1; 'second', the one next in depth, if there are three depths; 'wide', the widest;
    'deep', the deepest.  depths, widths: rising.
    """
    found = {
        "small": Architecture(depths[0]),
        "second": Architecture(depths[1]),
        "wide": Architecture(wide_depth, widths[-1]),
        "deep": Architecture(depths[-1]),
    }
    if found["second"] == found["deep"]:
        del found["second"]
    return found


def compared(found: Roles) -> list[tuple[str, str]]:
    """Which roles are compared as two architectures: the two shallowest, small and deep, wide and deep."""
    return [pair for pair in [("small", "second"), ("small", "deep"), ("wide", "deep")] if set(pair) <= set(found)]


@dataclass(frozen=True, eq=False)
class Two:
    """Networks of one architecture or of two, two at a time, on so many images; `small`: for equal depth."""

    found: AcrossSeeds | AcrossArchitectures
    images: int
    small: AcrossSeeds | None = None

    def estimated(self, estimate: Callable[..., Sample], *arguments: object, **options: object) -> Estimated:
        """For a verdict, one of the methods of `found`; NaN where too few networks of an architecture take part.

        It rests on the networks of both architectures, but on those of the smaller one where these are too few.
        """
        measured = estimate(self.found, *arguments, **options)
        counts = measured.networks
        networks = sum(counts) if min(counts) >= LEAST_NETWORKS else min(counts)
        return Estimated(lambda level: measured.interval(level=level), networks, self.images)


SAME = (
    Row(
        "14-maps-alike-{role}",
        "Outside of blocks the map across two networks of {architecture} looks like those within them.",
        "Wide and Deep, Fig. 6",
        "correlation of the map across with the mean of those within, over pairs of different layers in neither's "
        "block, mean over pairs of networks",
        lambda two: two.estimated(AcrossSeeds.looks_alike),
        rule=above(ALIKE),
        bounds=(-1, 1),
    ),
    Row(
        "14-block-unlike-across-seeds-{role}",
        "Networks of {architecture} are less alike in their blocks than outside.",
        "Wide and Deep, Fig. 6",
        "CKA of the same layer of two networks, in both blocks − in neither, mean over pairs of networks",
        lambda two: two.estimated(AcrossSeeds.inside_minus_outside),
        rule=below(0),
        level=HEADLINE,
        bounds=(-1, 1),
        formula=r"\mathrm{CKA}(l, l')_{\mathrm{both\ blocks}} < \mathrm{CKA}(l, l')_{\mathrm{neither}}",
    ),
)
EQUAL_DEPTH = Row(
    "14-block-unlike-at-equal-depth-{role}",
    "Networks of {architecture} are less alike in their blocks than {small} outside of any block at equal relative "
    "depth.",
    "ours, from Wide and Deep, Fig. 6",
    "CKA of the same layer of two networks, in both blocks − small networks at equal relative depth, mean over pairs "
    "of networks",
    lambda two: two.estimated(AcrossSeeds.beyond_equal_depth, two.small, BOTH),
    rule=below(0),
    bounds=(-1, 1),
)
OTHER = (
    Row(
        "14-better-than-chance-{first}-{second}",
        "The best matches of layers of {both} outside of the block of their network lie nearer to equal relative depth "
        "than chance.",
        "Wide and Deep, Fig. E.1",
        "distance in relative depth beyond the nearest layer, chance − best match, mean over pairs of networks",
        lambda two: two.estimated(AcrossArchitectures.nearer_than_chance, inside=False),
        bounds=(-1, 1),
    ),
    Row(
        "14-equal-relative-depth-{first}-{second}",
        "The best matches of layers of {both} outside of the block of their network lie at equal relative depth.",
        "Wide and Deep, Fig. E.1",
        "distance of the best match in relative depth beyond the nearest layer, mean over pairs of networks",
        lambda two: two.estimated(AcrossArchitectures.beyond_nearest, inside=False),
        rule=below(NEAR),
        level=HEADLINE,
        bounds=(0, 1),
        formula=r"\overline{|x - x^*| - \min_l |x - x_l|} < 0.1",
    ),
    Row(
        "14-block-unlike-{first}-{second}",
        "Layers of {both} in the block of their network match less well than those outside.",
        "Wide and Deep, Fig. E.1",
        "CKA with the best match, inside − outside, mean over pairs of networks",
        lambda two: two.estimated(AcrossArchitectures.inside_minus_outside),
        rule=below(0),
        bounds=(-1, 1),
    ),
)


def seed_claims(seeds: Seeds, names: Roles, images: int, fit: Mapping[str, Sequence[Gate]]) -> list[Claim]:
    """Of each architecture; the claim at equal depth of the others than small.  `fit`: what each role has learnt."""
    return [
        claim
        for role, found in seeds.items()
        for claim in judged(
            SAME if role == "small" else (*SAME, EQUAL_DEPTH),
            Two(found, images, seeds["small"]),
            fit[role] if role == "small" else [*fit[role], *fit["small"]],
            role=role,
            architecture=names[role],
            small=names["small"],
        )
    ]


def architecture_claims(pairs: Pairs, names: Roles, images: int, fit: Mapping[str, Sequence[Gate]]) -> list[Claim]:
    """Of each two architectures; `fit` as for `seed_claims`."""
    claims = []
    for (first, second), found in pairs.items():
        both = f"{names[first]} and {names[second]}"
        gates = [*fit[first], *fit[second]]
        claims += judged(OTHER, Two(found, images), gates, first=first, second=second, both=both)
    return claims


def seed_numbers(found: AcrossSeeds) -> dict[str, Sample]:
    """All that the chapter estimates of two networks of one architecture, but for equal depth: name -> estimate."""
    maps = {
        "map across and maps within, correlation, outside blocks": found.looks_alike(),
        "the same, all layers, both without a block": found.looks_alike(False),
        "all layers, both with a block": found.looks_alike(True),
    }
    same = {f"CKA of the same layer, {words}": found.likeness(shared) for words, shared in KINDS.items()}
    again = {f"layers found again, {words}": found.identification(shared) for words, shared in KINDS.items()}
    return maps | same | {"of both − of neither": found.inside_minus_outside()} | again


def architecture_numbers(found: AcrossArchitectures) -> dict[str, Sample]:
    """All that the chapter estimates of two architectures: name -> estimate."""
    numbers: dict[str, Sample] = {}
    for words, inside in SIDES.items():
        numbers |= {
            f"distance of the best match, {words}": found.beyond_nearest(inside),
            f"its distance by chance, {words}": found.chance(inside),
            f"rank correlation, {words}": found.rank_correlation(inside),
            f"CKA with the best match, {words}": found.likeness(inside),
        }
    return numbers | {"CKA with the best match, inside − outside": found.inside_minus_outside()}


def depth_numbers(seeds: Seeds) -> dict[str, dict[str, Sample]]:
    """CKA of the same layer of two networks less that of small ones at equal relative depth: role -> kind -> number."""
    small, kinds = seeds["small"], {words: shared for words, shared in KINDS.items() if shared is not None}
    return {
        role: {words: found.beyond_equal_depth(small, shared) for words, shared in kinds.items()}
        for role, found in seeds.items()
        if role != "small"
    }


def numbers_table(columns: dict[str, dict[str, Sample]]) -> pd.DataFrame:
    """A row a number with its 95 % interval, a column an architecture or two of them."""
    return pd.DataFrame(
        {
            name: {row: in_brackets(bounded(found.interval(), *_bounds(row))) for row, found in numbers.items()}
            for name, numbers in columns.items()
        }
    )


def written(columns: Mapping[str, Mapping[str, Sample]]) -> dict[str, dict[str, list]]:
    """The same numbers as results keep them: estimate, low, high, and how many networks each group has."""
    return {
        name: {row: [*found.interval(), found.networks] for row, found in numbers.items()}
        for name, numbers in columns.items()
    }


def _bounds(row: str) -> tuple[float, float]:
    """Distances and shares are not below 0; correlations, CKA and differences may be."""
    return (0, 1) if "distance" in row or row.startswith("layers found") else (-1, 1)


def blocks_table(seeds: Seeds, names: Roles) -> pd.DataFrame:
    """One row an architecture: how many networks, layers, blocks, and the share of the depth that a block takes."""
    rows = []
    for role, found in seeds.items():
        shares = [block.share() for block in found.blocks if block.exists]
        rows.append(
            {
                "role": role,
                "architecture": str(names[role]),
                "networks": len(found.blocks),
                "hidden layers": found.layers,
                "with a block": int(found.with_block.sum()),
                "share of the depth": f"{min(shares):.2f} to {max(shares):.2f}" if shares else "–",
            }
        )
    return pd.DataFrame(rows)
