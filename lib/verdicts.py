"""Claims as rows of a chapter's table, and what becomes of them on its evidence.

A chapter lists its claims as `Row`s.  `judged` evaluates them; `lib.results` renders the table of verdicts, the rules in prose
and the answer from what it returns.  A claim is judged only where its networks have learnt what they must (`lib.gates`)
and are six or more; otherwise it is 'not tested', whatever its numbers.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib.gates import Gate, enough
from lib.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, Judged, Rule, above
from lib.statistics.sample import Estimated

HEADLINE, DETAIL, MACHINERY = "headline", "detail", "machinery"
LEAST_P = 1e-6  # smaller ones are not told apart


@dataclass(frozen=True)
class Claim:
    """One claim of a paper, as it fared on the networks at hand.

    Attributes:
        name: identifier, unique over the book; `row`: that of its row, which families and architectures share.
        statement: the claim in words; `formula`: in LaTeX; `rule`: what decides, whatever the numbers of the run.
        statistic: what is estimated; `estimate`, `low`, `high`: its value and 95 % interval.
        thresholds: what the estimate is held against.
        networks, images: how many independent ones of each the estimate rests on.
        verdict: 'supported', 'contradicted', 'undecided' or 'not tested'.
        gate: what the networks must have learnt, with the numbers found.
        p: the smallest error level at which the verdict would still be the same; NaN where it is not looked for.
        source: where in the paper the claim stands, or 'ours'.
        level: 'headline', 'detail' or 'machinery', a check of what the book computes with.
    """

    name: str
    statement: str
    statistic: str
    estimate: float
    low: float
    high: float
    networks: int
    images: int
    rule: str
    verdict: str
    source: str = ""
    level: str = DETAIL
    row: str = ""
    formula: str = ""
    thresholds: tuple[float, ...] = ()
    gate: str = ""
    p: float | None = None


@dataclass(frozen=True)
class Row:
    """A claim before it is judged.

    Attributes:
        name: the claim's name in the book, with {words} for what `judged` is told, such as {family}.
        says: the claim in words; `statistic`: what is estimated; both with {words}.
        source: where in the paper it stands, or 'ours'.
        of: evidence -> the statistic.
        rule: what decides; a function of the evidence where a threshold depends on it, and then `told` says it in words.
        places: evidence -> what each number is about, for `every`.
        level: headline, detail or machinery.
        bounds: least and largest value that the statistic can have; its interval stays within.
        formula: the claim in LaTeX; braces stand for themselves.
    """

    name: str
    says: str
    source: str
    statistic: str
    of: Callable[[Any], Estimated]
    rule: Rule | Callable[[Any], Rule] = field(default_factory=above)
    told: str = ""
    places: Callable[[Any], Sequence[str]] = lambda evidence: ()
    level: str = DETAIL
    bounds: tuple[float, float] | None = None
    formula: str = ""

    @property
    def rule_in_words(self) -> str:
        """What decides, whatever the numbers of a run."""
        return self.told or str(self.rule)


def judged(rows: Iterable[Row], evidence: Any, gates: Sequence[Gate] = (), **words: object) -> list[Claim]:
    """The claims of some rows on one chapter's evidence.

    gates: what the networks behind the evidence must have learnt; `words` fill the rows' texts: family='cnn-small'.
    """
    return [_judge(row, evidence, gates, words) for row in rows]


def _judge(row: Row, evidence: Any, gates: Sequence[Gate], words: dict[str, object]) -> Claim:
    rule = row.rule(evidence) if callable(row.rule) else row.rule
    found, places = row.of(evidence), row.places(evidence)
    found = found.bounded(*row.bounds) if row.bounds else found
    gates = [] if row.level == MACHINERY else [*gates, enough(found.networks)]
    result = rule.judge(found, places)
    verdict = result.verdict if all(gate.passed for gate in gates) else NOT_TESTED
    return Claim(
        row.name.format(**words),
        row.says.format(**words),
        row.statistic.format(**words) + result.note,
        result.estimate,
        result.low,
        result.high,
        found.networks,
        found.images,
        row.rule_in_words,
        verdict,
        row.source,
        row.level,
        row.name,
        row.formula,
        rule.thresholds,
        "; ".join(map(str, gates)),
        smallest_level(rule, found, places, result) if row.level == HEADLINE and verdict == result.verdict else None,
    )


def smallest_level(rule: Rule, found: Estimated, places: Sequence[str], result: Judged) -> float | None:
    """The smallest error level at which a rule still comes to its verdict at 5 %, to two digits; None if undecided."""
    if result.verdict not in (SUPPORTED, CONTRADICTED):
        return None
    holds, fails = np.log(0.05), np.log(LEAST_P)
    while holds - fails > 0.005:
        tried = (holds + fails) / 2
        if rule.judge(found, places, 1 - np.exp(tried)).verdict == result.verdict:
            holds = tried
        else:
            fails = tried
    return float(f"{np.exp(holds):.2g}")


def verdicts_by(judge: Callable[[Any], Iterable[Claim]], evidence: Mapping[Hashable, object]) -> dict[str, dict]:
    """The same rules on several pieces of evidence, a summary of the data each for instance: claim -> key -> verdict."""
    found: dict[str, dict[Hashable, str]] = {}
    for key, one in evidence.items():
        for claim in judge(one):
            found.setdefault(claim.name, {})[key] = claim.verdict
    return found
