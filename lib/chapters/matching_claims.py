"""The claims of chapter 14: networks go through alike representations at equal relative depth, but for their blocks."""

from collections.abc import Mapping

from lib.cka.across import BOTH, AcrossArchitectures, AcrossSeeds
from lib.statistics.pairs import LEAST, Estimate
from lib.training.wide_and_deep import Architecture
from lib.verdicts import Claim, judge_above

ALIKE = 0.9  # correlation of two maps: the one then explains four fifths of the variance of the other
NEAR = 0.1  # of the depth
FEW = f"undecided where fewer than {LEAST} networks of an architecture take part"

Roles = Mapping[str, Architecture]
Seeds = Mapping[str, AcrossSeeds]  # by role
Pairs = Mapping[tuple[str, str], AcrossArchitectures]  # by two roles


def roles(depths: list[int], wide_depth: int, widths: list[int]) -> dict[str, Architecture]:
    """What the architectures of chapter 14 are there for: role -> architecture.

    'small', the shallowest at width 1; 'second', the one next in depth, if there are three depths; 'wide', the widest;
    'deep', the deepest.  depths, widths: rising.
    """
    found = {"small": Architecture(depths[0]), "second": Architecture(depths[1]),
             "wide": Architecture(wide_depth, widths[-1]), "deep": Architecture(depths[-1])}
    if found["second"] == found["deep"]:
        del found["second"]
    return found


def compared(found: Roles) -> list[tuple[str, str]]:
    """Which roles are compared as two architectures: the two shallowest, small and deep, wide and deep."""
    return [pair for pair in [("small", "second"), ("small", "deep"), ("wide", "deep")] if set(pair) <= set(found)]


def seed_claims(seeds: Seeds, names: Roles, images: int) -> list[Claim]:
    """Of each architecture: maps outside of blocks look alike, and blocks do not; of the others than small, the latter
    at equal depth too."""
    claims = []
    for role, found in seeds.items():
        claims.append(_claim(
            f"14-maps-alike-{role}", f"Outside of blocks the map across two networks of {names[role]} looks like those "
            "within them.", "correlation of the map across with the mean of those within, over pairs of different "
            "layers in neither's block", found.looks_alike(), ALIKE, 1, images))
        claims.append(_claim(
            f"14-block-unlike-across-seeds-{role}", f"Networks of {names[role]} are less alike in their blocks than "
            "outside.", "CKA of the same layer of two networks, in both blocks − in neither",
            found.inside_minus_outside(), 0, -1, images))
        if role != "small":
            claims.append(_claim(
                f"14-block-unlike-at-equal-depth-{role}", f"Networks of {names[role]} are less alike in their blocks "
                f"than {names['small']} outside of any block at equal relative depth.",
                "CKA of the same layer of two networks, in both blocks − small networks at equal relative depth",
                found.beyond_equal_depth(seeds["small"], BOTH), 0, -1, images))
    return claims


def architecture_claims(pairs: Pairs, names: Roles, images: int) -> list[Claim]:
    """Of each two architectures: layers outside blocks match at equal relative depth, by two rules, and blocks match
    less well."""
    claims = []
    for (first, second), found in pairs.items():
        both = f"{names[first]} and {names[second]}"
        where = f"layers of {both} outside of the block of their network"
        claims += [
            _claim(f"14-better-than-chance-{first}-{second}", f"The best matches of {where} lie nearer to equal "
                   "relative depth than chance.", "distance in relative depth beyond the nearest layer, chance − best "
                   "match", found.nearer_than_chance(inside=False), 0, 1, images),
            _claim(f"14-equal-relative-depth-{first}-{second}", f"The best matches of {where} lie at equal relative "
                   "depth.", "distance of the best match in relative depth beyond the nearest layer",
                   found.beyond_nearest(inside=False), NEAR, -1, images),
            _claim(f"14-block-unlike-{first}-{second}", f"Layers of {both} in the block of their network match less "
                   "well than those outside.", "CKA with the best match, inside − outside",
                   found.inside_minus_outside(), 0, -1, images)]
    return claims


def _claim(name: str, statement: str, statistic: str, found: Estimate, threshold: float, sign: int, images: int
           ) -> Claim:
    """The claim that a number lies above the threshold (sign 1) or below (sign -1)."""
    verdict = judge_above(*sorted((sign * found.low, sign * found.high)), sign * threshold)
    side, other = ("above", "below") if sign > 0 else ("below", "above")
    return Claim(name, statement, f"{statistic}, mean over pairs of networks", found.value, found.low, found.high,
                 sum(found.networks), images, f"95 % interval over networks {side} {threshold:g}; contradicted if it "
                 f"lies {other}; {FEW}", verdict)
