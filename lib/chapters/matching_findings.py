"""What chapter 14 shows, as tables and in words with the numbers of the run."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lib.chapters.matching_claims import Pairs, Roles, Seeds
from lib.cka.across import BOTH, NEITHER, ONE, AcrossArchitectures, AcrossSeeds
from lib.statistics.intervals import in_brackets
from lib.statistics.pairs import Estimate
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim

KINDS = {"all": None, "in the block of both": BOTH, "of one": ONE, "of neither": NEITHER}
SIDES = {"all": None, "outside their block": False, "inside": True}


def seed_numbers(found: AcrossSeeds) -> dict[str, Estimate]:
    """All that the chapter estimates of two networks of one architecture, but for equal depth: name -> estimate."""
    return ({"map across and maps within, correlation, outside blocks": found.looks_alike(),
             "the same, all layers, both without a block": found.looks_alike(False),
             "all layers, both with a block": found.looks_alike(True)}
            | {f"CKA of the same layer, {words}": found.likeness(shared) for words, shared in KINDS.items()}
            | {"of both − of neither": found.inside_minus_outside()}
            | {f"layers found again, {words}": found.identification(shared) for words, shared in KINDS.items()})


def architecture_numbers(found: AcrossArchitectures) -> dict[str, Estimate]:
    """All that the chapter estimates of two architectures: name -> estimate."""
    numbers = {}
    for words, inside in SIDES.items():
        numbers |= {f"distance of the best match, {words}": found.beyond_nearest(inside),
                    f"its distance by chance, {words}": found.chance(inside),
                    f"rank correlation, {words}": found.rank_correlation(inside),
                    f"CKA with the best match, {words}": found.likeness(inside)}
    return numbers | {"CKA with the best match, inside − outside": found.inside_minus_outside()}


def depth_numbers(seeds: Seeds) -> dict[str, dict[str, Estimate]]:
    """CKA of the same layer of two networks less that of small ones at equal relative depth: role -> kind -> number."""
    return {role: {words: found.beyond_equal_depth(seeds["small"], shared)
                   for words, shared in KINDS.items() if shared is not None}
            for role, found in seeds.items() if role != "small"}


def numbers_table(columns: dict[str, dict[str, Estimate]]) -> pd.DataFrame:
    """A row a number with its 95 % interval, a column an architecture or two of them."""
    return pd.DataFrame({name: {row: in_brackets(found.interval) for row, found in numbers.items()}
                         for name, numbers in columns.items()})


def blocks_table(seeds: Seeds, names: Roles) -> pd.DataFrame:
    """One row an architecture: how many networks, layers, blocks, and the share of the depth that a block takes."""
    return pd.DataFrame([{"role": role, "architecture": str(names[role]), "networks": len(found.blocks),
                          "hidden layers": found.layers, "with a block": int(found.with_block.sum()),
                          "share of the depth": _shares(found)} for role, found in seeds.items()])


def findings(seeds: Seeds, pairs: Pairs, names: Roles, claims: Iterable[Claim]) -> str:
    """The answer in words, Markdown lines: each architecture, each two of them, how the claims of each kind fare."""
    claims = list(claims)
    inside = [claim for claim in claims if "block-unlike" in claim.name]
    outside = [claim for claim in claims if claim not in inside]
    return "\n".join([*(_of_seeds(role, names, found) for role, found in seeds.items()),
                      *(_of_pair(pair, names, found) for pair, found in pairs.items()),
                      f"- **Outside of blocks** {_verdicts(outside)} {_outside(outside)}",
                      f"- **Blocks** {_verdicts(inside)} {_inside(inside)}"])


def _of_seeds(role: str, names: Roles, found: AcrossSeeds) -> str:
    both, neither = (in_brackets(found.likeness(shared).interval) for shared in (BOTH, NEITHER))
    return (f"- **{role}, {names[role]}**: {int(found.with_block.sum())} of {len(found.blocks)} networks have a block. "
            f"CKA of the same layer of two networks in both blocks: {both}; in neither: {neither}.")


def _of_pair(pair: tuple[str, str], names: Roles, found: AcrossArchitectures) -> str:
    distance, chance, order = (in_brackets(estimate.interval) for estimate in (
        found.beyond_nearest(False), found.chance(False), found.rank_correlation(False)))
    return (f"- **{names[pair[0]]} and {names[pair[1]]}**, layers outside of blocks: distance of the best match from "
            f"equal relative depth {distance}, by chance {chance}; rank correlation {order}.")


def _shares(found: AcrossSeeds) -> str:
    shares = [block.share() for block in found.blocks if block.share()]
    return f"{min(shares):.2f} to {max(shares):.2f}" if shares else "–"


def _verdicts(claims: list[Claim]) -> str:
    counts = [f"{sum(claim.verdict == verdict for claim in claims)} {verdict}"
              for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED)]
    return f"({len(claims)} claims: {', '.join(counts)})."


def _outside(claims: list[Claim]) -> str:
    told = {claim.verdict for claim in claims if np.isfinite(claim.estimate)}
    if told == {SUPPORTED}:
        return ("Wherever enough networks leave layers outside of blocks, networks of other seeds, depths and widths "
                "go through alike representations in the same order, at equal relative depths.")
    if CONTRADICTED in told:
        return "Not all of it holds: that layers correspond by their relative depth is at best part of the truth here."
    return "It is not decided that layers correspond by their relative depth."


def _inside(claims: list[Claim]) -> str:
    told = {claim.verdict for claim in claims if np.isfinite(claim.estimate)}
    if not told:
        return "Too few networks have a block to tell what different networks do there."
    if told == {SUPPORTED}:
        return "Wherever enough networks have one, a block is its network's own: other networks are less like it there."
    if CONTRADICTED in told:
        return "Not every block is its network's own: some are more alike than what they are compared with."
    return "It is not decided whether a block is its network's own."
