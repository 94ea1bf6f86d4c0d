"""Appendix 1: do the conclusions of chapters 3 and 4 depend on the choices that the paper leaves open?"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from lib.chapters.hypotheses import H1, H2, RANK_ONE, Family
from lib.chapters.individual_similarity import GROWS
from lib.gates import enough
from lib.rules import CONTRADICTED, MARKS, NOT_TESTED, SUPPORTED, UNDECIDED, Judged
from lib.similarity.crossed import similarity_matrix
from lib.similarity.rank_one import cosines, residual_size
from lib.statistics.sample import Estimated, Sample
from lib.verdicts import Claim, Row, judged


class Conclusion(NamedTuple):
    """A row of chapter 3 or 4, what does not depend on the choices if it is robust, and what its number is."""

    row: Row
    subject: str
    number: str


CONCLUSIONS = {
    "growth": Conclusion(
        GROWS, "That networks get more alike when either gets wider", "rise of ρ from the narrowest to the widest"
    ),
    "H1": Conclusion(
        H1, "That directions concentrate as the width grows (H1)", "mean fall of 1 - E[t] at a step of the width"
    ),
    "H2": Conclusion(
        H2, "Whether all widths share almost one mean direction (H2)", "corrected cosine of two mean directions"
    ),
    "rank one": Conclusion(
        RANK_ONE, "That similarities follow a law of rank one", "r.m.s. residual of the rank-one law"
    ),
}
LAW = CONCLUSIONS["rank one"].number
Setting = tuple[str, str]  # the choice, and what is chosen
DEFAULT: Setting = ("default", "as in the chapters")
EPOCHS = "epochs"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one setting makes of one family: its similarities at `widths`, and conclusion -> the chapter's claim."""

    widths: tuple[int, ...]
    matrix: Sample
    claims: Mapping[str, Claim]

    @property
    def numbers(self) -> dict[str, float]:
        """Similarity at both ends of the width, the lowest corrected mean-direction cosine, and the rank-one law's residual."""
        values = self.matrix.values
        return {
            "ρ(k, k), narrowest": float(values[0, 0]),
            "ρ(k, k), widest": float(values[-1, -1]),
            "lowest cosine of two mean directions": float(cosines(values)[np.triu_indices(len(values), 1)].min()),
            LAW: float(residual_size(values)),
        }


Outcomes = Mapping[Setting, Mapping[str, Outcome]]


def judge(
    families: Mapping[str, Sequence[np.ndarray]], widths: Sequence[int], seed: int, draws: int
) -> dict[str, Outcome]:
    """Every family under one setting; family -> [networks, n, dims] at each width.

    The images drawn again depend on `seed` and the family's place alone: settings with the same images share them.
    A setting that leaves fewer than six networks of a width is shown, and not tested.
    """
    found = {}
    for place, (family, populations) in enumerate(families.items()):
        matrix = similarity_matrix(populations, np.random.default_rng([seed, place]), draws)
        one, smallest = Family(matrix, widths), enough(min(map(len, populations)))
        rows = [conclusion.row for conclusion in CONCLUSIONS.values()]
        claims = judged(rows, one, [smallest], family=family, narrowest=widths[0], **one.words)
        found[family] = Outcome(tuple(widths), matrix, dict(zip(CONCLUSIONS, claims)))
    return found


def verdicts(outcomes: Outcomes, conclusion: str) -> dict[str, dict[Setting, str]]:
    """family -> setting -> verdict."""
    found: dict[str, dict[Setting, str]] = {}
    for setting, by_family in outcomes.items():
        for family, outcome in by_family.items():
            found.setdefault(family, {})[setting] = outcome.claims[conclusion].verdict
    return found


@dataclass(frozen=True)
class Settled:
    """Each family has one verdict under all settings that were tested; `verdicts`: family -> setting -> verdict."""

    verdicts: Mapping[str, Mapping[Setting, str]]

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """Contradicted if some setting supports of a family what another contradicts."""
        sets = [set(row.values()) - {NOT_TESTED} for row in self.verdicts.values()]
        counts = Counter(verdict for row in self.verdicts.values() for verdict in row.values())
        if any({SUPPORTED, CONTRADICTED} <= one for one in sets):
            verdict = CONTRADICTED
        else:
            verdict = SUPPORTED if all(len(one) == 1 and UNDECIDED not in one for one in sets) else UNDECIDED
        counted = ", ".join(f"{counts[name]} {name}" for name in MARKS if counts[name])
        note = f": {places[0]}, the one of {counts.total()} that is closest to another verdict: {counted}"
        estimate, low, high = found.interval(level)
        return Judged(estimate, low, high, verdict, note)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against."""
        return ()

    def __str__(self) -> str:
        return (
            "each family has one verdict, supported or contradicted, under all settings that were tested; contradicted if one "
            "family is supported under one setting and contradicted under another"
        )


def weakest(outcomes: Outcomes, conclusion: str) -> tuple[str, Claim]:
    """The claim whose interval reaches farthest out of its rule's band, one without an interval first, and whose it is."""
    rule: Any = CONCLUSIONS[conclusion].row.rule
    band = getattr(rule, "band", rule)
    found = [
        (f"{family}, {' '.join(setting)}", outcome.claims[conclusion])
        for setting, by_family in outcomes.items()
        for family, outcome in by_family.items()
    ]
    return max(found, key=lambda pair: np.nan_to_num(band.beyond(pair[1].low, pair[1].high), nan=np.inf))


def _dependence(conclusion: str) -> Row:
    row, subject, number = CONCLUSIONS[conclusion]

    def shown(outcomes: Outcomes) -> Estimated:
        claim = weakest(outcomes, conclusion)[1]
        return Estimated(lambda level: (claim.estimate, claim.low, claim.high), claim.networks, claim.images)

    return Row(
        "A1-" + row.name.removesuffix("-{family}").split("-", 1)[1],
        f"{subject} does not depend on what the paper leaves open.",
        "ours",
        number,
        shown,
        lambda outcomes: Settled(verdicts(outcomes, conclusion)),
        str(Settled({})),
        lambda outcomes: [weakest(outcomes, conclusion)[0]],
    )


DEPENDENCE = tuple(map(_dependence, CONCLUSIONS))


def compared_with(outcomes: Outcomes, setting: Setting) -> Setting:
    """The setting that differs from this one in nothing but the choice, or itself.

    It is the default; for epochs it is the first of them, the default number with equally many networks and widths.
    """
    return next(other for other in outcomes if other[0] == EPOCHS) if setting[0] == EPOCHS else DEFAULT


def marks(outcome: Outcome) -> dict[str, str]:
    """The verdict on each conclusion."""
    return {name: MARKS[claim.verdict] for name, claim in outcome.claims.items()}


def numbers(outcome: Outcome) -> dict[str, str]:
    """The numbers in words; an en dash for what is not known."""
    styles = {name: ".3f" if name == LAW else ".2f" for name in outcome.numbers}
    return {name: f"{x:{styles[name]}}" if np.isfinite(x) else "–" for name, x in outcome.numbers.items()}


def table(
    outcomes: Outcomes, families: Sequence[str], cells: Callable[[Outcome], Mapping[str, str]], missing: str
) -> pd.DataFrame:
    """A row a setting, the cells of all families side by side; `missing` for a family that was not looked at."""
    columns = cells(next(iter(outcomes[DEFAULT].values())))
    rows = {}
    for setting, found in outcomes.items():
        texts = [cells(found[name]) if name in found else dict.fromkeys(columns, missing) for name in families]
        rows[setting] = {column: "\N{NO-BREAK SPACE}".join(text[column] for text in texts) for column in columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["choice", "setting"])


def largest_changes(outcomes: Outcomes) -> pd.DataFrame:
    """A row a choice: the largest change of every number against `compared_with`, whatever its sign, and where."""
    rows: dict[str, dict[str, tuple[float, float, str]]] = {}
    for setting, found in outcomes.items():
        reference = compared_with(outcomes, setting)
        for family, outcome in found.items() if setting != reference else ():
            before = outcomes[reference][family].numbers
            for name, value in outcome.numbers.items():
                change, row = (before[name], value, f"{family}, {setting[1]}"), rows.setdefault(setting[0], {})
                row[name] = max(row.get(name, change), change, key=lambda one: np.nan_to_num(abs(one[1] - one[0])))
    told = {
        choice: {name: f"{before:.3f} → {after:.3f} ({where})" for name, (before, after, where) in row.items()}
        for choice, row in rows.items()
    }
    return pd.DataFrame.from_dict(told, orient="index").rename_axis("choice")


def spaced(table: pd.DataFrame, name: str) -> Styler:
    """A table whose cells, with a mark or number for each family, stand apart.

    `name`: of its elements on the page; pandas would draw another in each run.
    """
    look = [{"selector": "td, th", "props": "padding: 0.2em 1.5em; text-align: left"}]
    return table.style.set_uuid(name).set_table_styles(look)
