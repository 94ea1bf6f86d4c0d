"""What a chapter's rows say under other choices than its own, as small numbers that a page looks up (`rule_bench`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lib.gates import Gate
from lib.rules import MARKS
from lib.statistics.intervals import Interval
from lib.verdicts import DETAIL, MACHINERY, Claim, Row, judged
from verdict_html import case, unmet
from what_holds import together

VERDICTS = list(MARKS)
DIGITS = 3  # significant ones
Judgement = tuple[Claim, str]  # a claim, and the verdict of its rule whatever its gates say
Chosen = Mapping[str, object]  # name of a choice -> its value, of those that matter


def judgements(rows: Sequence[Row], evidence: object, gates: Sequence[Gate] = (), **words: object) -> list[Judgement]:
    """The chapter's own rows and rules on some evidence, behind their gates and without them."""
    # Of headlines a level of error would be looked for, which takes long and is not shown.
    details = [row if row.level == MACHINERY else replace(row, level=DETAIL) for row in rows]
    claims = judged(details, evidence, gates, **words)
    alone = judged([replace(row, level=MACHINERY) for row in rows], evidence, **words)
    return [(claim, one.verdict) for claim, one in zip(claims, alone)]


@dataclass(frozen=True)
class Outcomes:
    """One chapter's claims and one curve of its on one data set, choice by choice.

    Attributes:
        values: what can be chosen, in words -> its values; own: what the chapter chose.
        curve: words for the curve's axes, x and y.
    """

    values: Mapping[str, Sequence]
    own: Mapping[str, object]
    curve: tuple[str, str]
    _claims: dict[str, dict] = field(default_factory=dict)
    _curves: dict[str, dict] = field(default_factory=dict)
    _drawn_by: list[str] = field(default_factory=list)
    _words: dict[str, int] = field(default_factory=dict)

    def add(self, chosen: Chosen, found: Iterable[Judgement]) -> None:
        """Claims under some choices; a choice that is left out does not matter to them."""
        for claim, alone in found:
            row = self._claims.setdefault(claim.row, {"by": list(chosen), "cases": {}, "own": []})
            if all(self.own[name] == value for name, value in chosen.items()):
                row["own"].append(claim)
            row["cases"].setdefault(case(claim), {})[_key(chosen)] = self._record(claim, alone)

    def draw(self, chosen: Chosen, name: str, x: Sequence[float], interval: Interval) -> None:
        """A line of the curve under some choices, with its interval at every x."""
        points = [[place, *map(_short, ends)] for place, *ends in zip(x, *interval)]
        self._curves.setdefault(_key(chosen), {})[name] = points
        self._drawn_by[:] = chosen

    def _record(self, claim: Claim, alone: str) -> list:
        numbers = [_short(number) for number in (claim.estimate, claim.low, claim.high)]
        verdicts = VERDICTS.index(claim.verdict), VERDICTS.index(alone)
        told = self._word("; ".join(dict.fromkeys(unmet(claim.gate)))), self._word(claim.rule)
        return [*verdicts, *numbers, claim.networks, claim.images, list(claim.thresholds), *told]

    def _word(self, text: str) -> int:
        return self._words.setdefault(text, len(self._words))

    def content(self) -> dict:
        """For JSON: of each row its words and, case by case, what is found under each choice."""
        rows = [
            {
                "row": name,
                "says": together([claim.statement for claim in row["own"]]),
                "statistic": row["own"][0].statistic.partition(":")[0],
                "source": row["own"][0].source,
                "by": row["by"],
                "cases": row["cases"],
            }
            for name, row in self._claims.items()
        ]
        curve = {"x": self.curve[0], "y": self.curve[1], "by": self._drawn_by, "found": self._curves}
        return {
            "values": {name: list(values) for name, values in self.values.items()},
            "own": dict(self.own),
            "words": list(self._words),
            "rows": rows,
            "curve": curve,
        }


def _key(chosen: Chosen) -> str:
    return " | ".join(map(str, chosen.values()))


def _short(number: float) -> float | None:
    return float(f"{number:.{DIGITS}g}") if np.isfinite(number) else None
