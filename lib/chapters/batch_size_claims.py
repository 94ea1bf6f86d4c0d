"""The claims of chapter 8: what the paper's Fig. 18 is reported to show, under each protocol, and findings in words."""

from collections.abc import Mapping

import pandas as pd

from lib.effects.batch_size import Protocols
from lib.effects.paired import UNITS, Measures
from lib.statistics.intervals import Interval, in_brackets
from lib.verdicts import Claim, judge_above

CHANGE = "+.3f"  # how changes per doubling are written
Effects = Mapping[str, Mapping[str, Interval]]  # row -> measure -> change per doubling

# measure -> name of the claim, what is claimed of it, the sign that it would have
CLAIMED = {"similarity": ("similarity-rises", "get more alike", 1),
           "test loss": ("loss-falls", "have a lower test loss", -1),
           "test accuracy": ("accuracy-rises", "classify better", 1)}


def batch_size_claims(family: str, measures: Measures, found: Protocols, effects: Effects) -> list[Claim]:
    """Three claims a protocol: similarity rises with the batch size, test loss falls, accuracy rises."""
    claims = []
    for protocol, recipes in found.items():
        for name, (short, words, sign) in CLAIMED.items():
            estimate, low, high = map(float, effects[protocol][name])
            verdict = judge_above(low, high) if sign > 0 else judge_above(-high, -low)
            claims.append(Claim(
                f"08-{short}-{protocol.replace(' ', '-')}-{family}",
                f"Networks of {family} {words} as the batch size grows ({protocol}).",
                f"change per doubling of the batch size, mean over widths ({UNITS[name]})", estimate, low, high,
                measures.seeds * len(recipes), measures.similarity[0].images,
                f"95 % interval {'above' if sign > 0 else 'below'} zero; contradicted if it lies "
                f"{'below' if sign > 0 else 'above'}", verdict))
    return claims


def effects_table(families: Mapping[str, Effects]) -> pd.DataFrame:
    """One row a family and protocol, or difference of protocols: change per doubling with its 95 % interval."""
    return pd.DataFrame([{"family": family, "protocol": row} | {
        f"{name} ({UNITS[name]})": in_brackets(of_row[name], CHANGE) for name in UNITS}
        for family, effects in families.items() for row, of_row in effects.items()])


def direction(found: Interval) -> str:
    """'rises', 'falls' or 'undecided', as the interval says."""
    _, low, high = map(float, found)
    return "rises" if low > 0 else "falls" if high < 0 else "undecided"


def findings(families: Mapping[str, Effects], found: Protocols, at_equal_loss: Mapping[str, Interval]) -> str:
    """The answer in words, Markdown lines: how many families rise or fall under each protocol; then for each family the
    changes and whether protocols disagree, what the protocols differ by, and what is left at equal training loss."""
    lines = [f"- **Over all families**: {_count(families, found)}."]
    for family, effects in families.items():
        for name in UNITS:
            parts = [f"{protocol}: {direction(effects[protocol][name])}, {in_brackets(effects[protocol][name], CHANGE)}"
                     for protocol in found]
            told = [direction(effects[protocol][name]) for protocol in found]
            lines.append(f"- **{family}, {name}** ({UNITS[name]}) per doubling of the batch size: {'; '.join(parts)}. "
                         f"{agreement(told)}")
        added = [f"{row} {in_brackets(effects[row]['similarity'], CHANGE)}" for row in effects if row not in found]
        lines.append(f"- **{family}, differences of protocols** in the change of similarity: {'; '.join(added)}.")
        lines.append(f"- **{family}, at equal training loss** and one learning rate similarity changes by "
                     f"{in_brackets(at_equal_loss[family], CHANGE)} per doubling of the batch size: "
                     f"{_meaning(at_equal_loss[family])}")
    return "\n".join(lines)


def _count(families: Mapping[str, Effects], found: Protocols) -> str:
    parts = []
    for protocol in found:
        told = [direction(effects[protocol]["similarity"]) for effects in families.values()]
        parts.append(f"{protocol}: similarity rises with the batch size in {told.count('rises')} and falls in "
                     f"{told.count('falls')} of {len(told)}")
    return "; ".join(parts)


def agreement(directions: list[str]) -> str:
    """One sentence on whether the protocols say the same."""
    if {"rises", "falls"} <= set(directions):
        return "The protocols disagree on the direction."
    if len(set(directions)) == 1 and directions[0] != "undecided":
        return "The protocols agree."
    return "No two protocols contradict each other, but not all decide."


def _meaning(found: Interval) -> str:
    if direction(found) == "undecided":
        return "it may be that similarity follows the training loss alone."
    return "similarity does not follow the training loss alone, if it follows its logarithm in a straight line."
