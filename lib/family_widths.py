"""Widths of several families: one list that all share, or a table, family -> its widths."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import pandas as pd

Widths = Sequence[int] | Mapping[str, Sequence[int]]


def by_family(widths: Widths | Sequence[str], families: Iterable[str]) -> dict[str, list]:
    """The widths of each of the families."""
    return {family: list(widths[family] if isinstance(widths, Mapping) else widths) for family in families}


def one_if_alike(table: Mapping[str, list]) -> list | Mapping[str, list]:
    """The list that all families have; the table, where they have different ones."""
    first, *others = table.values()
    return table if any(own != first for own in others) else first


def union(widths: Mapping[str, Iterable[int]]) -> list[int]:
    """All widths that some family has, the narrowest first."""
    return sorted(set().union(*widths.values()))


def all_steps(widths: Mapping[str, Sequence[int]]) -> list[tuple[int, int]]:
    """The steps from a width to the next one that some family takes, the narrowest first."""
    return sorted({step for own in widths.values() for step in pairwise(own)})


def middle(widths: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """A width of each family: the middle one of those that all have, or of its own where they have none in common."""
    shared = sorted(set.intersection(*map(set, widths.values())))
    return {family: (shared or own)[len(shared or own) // 2] for family, own in widths.items()}


def either(widths: Iterable[int]) -> str:
    """The widths in words, each once: '16', or '16 or 32'."""
    return " or ".join(map(str, sorted(set(widths))))


def table(found: Mapping[str, Mapping[int, object]]) -> pd.DataFrame:
    """family -> width -> anything, as a row a width and a column a family; a dash where a family lacks the width."""
    widths = union(found)
    return pd.DataFrame(
        {family: [own.get(width, "–") for width in widths] for family, own in found.items()},
        index=pd.Index(widths, name="k"),
    )
