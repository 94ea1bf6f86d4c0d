"""Chapter 18: do three views of two networks agree, grow with the width, and foretell what the two do?  All claims are ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import pandas as pd

from lib.gates import Gate
from lib.rules import above
from lib.rules_of_several import every
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.sample import Estimated
from lib.verdicts import Claim, Row, judged
from lib.views.measures import Measures
from lib.views.outcomes import AGREEMENT, ERRORS, OUTCOMES, TRANSFER
from lib.views.prediction import ALL, MODELS, SOURCES
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

NAMES = {RHO: "ρ", CKA: "CKA", MATCHING: "direct matching"}
DEEDS = {AGREEMENT: "equal predictions", ERRORS: "errors in common", TRANSFER: "transfer of attacks"}


@dataclass(frozen=True, eq=False)
class Family:
    """Measures of one family; `images`: how many the views see, and the outcomes."""

    measures: Measures
    images: int

    def estimated(self, interval) -> Estimated:
        """What `interval`: measures, level -> estimate, low, high gives, over all networks."""
        return Estimated(partial(interval, self.measures), len(self.measures.table), self.images)


def between(one: Family, within: bool) -> Estimated:
    """Rank correlation of every two views, over all pairs or within widths."""
    return one.estimated(lambda measures, level: measures.between_views(within, level))


def growth(one: Family, view: str) -> Estimated:
    """Of a view per doubling of the width."""
    return one.estimated(lambda measures, level: _at(measures.growth(level), VIEWS.index(view)))


def lead_of_rho(one: Family, outcome: str) -> Estimated:
    """By how much the held-out R^2 of rho exceeds that of CKA and of direct matching."""
    return one.estimated(lambda measures, level: measures.lead(outcome, RHO, (CKA, MATCHING), level))


def lead_over_rho(one: Family, outcome: str) -> Estimated:
    """By how much the held-out R^2 of CKA and of direct matching exceed that of rho."""

    def interval(measures: Measures, level: float) -> Interval:
        estimate, low, high = measures.lead(outcome, RHO, (CKA, MATCHING), level)
        return -estimate, -high, -low

    return one.estimated(interval)


def gain(one: Family, outcome: str) -> Estimated:
    """Share of the held-out squared error that three views take from what is known of each network alone."""
    place = SOURCES.index(ALL), OUTCOMES.index(outcome)
    return one.estimated(lambda measures, level: _at(measures.gain(level), place))


def _at(interval: Interval, place: int | tuple[int, int]) -> Interval:
    return tuple(part[place] for part in interval)


def _couples(one: Family) -> list[str]:
    return [f"{NAMES[a]} and {NAMES[b]}" for a, b in combinations(VIEWS, 2)]


ALL_AGREE, AGREE_WITHIN = (
    Row(
        f"18-views-agree-{short}{{family}}",
        f"In {{family}} every two of the three views tend to put pairs of networks in one order{words}.",
        "ours",
        f"Spearman's rank correlation{words}",
        partial(between, within=within),
        rule=every(above(0)),
        places=_couples,
    )
    for within, short, words in ((False, "", " over all pairs"), (True, "within-widths-", " within widths"))
)
GROWTH = [
    Row(
        f"18-grows-{view.lower()}-{{family}}",
        f"By {NAMES[view]}, two networks of {{family}} of one width are more alike the wider they are.",
        "ours",
        "change per doubling of the width",
        partial(growth, view=view),
    )
    for view in VIEWS
]
HYPOTHESES = [
    Row(
        "18-rho-best-for-transfer-{family}",
        "In {family} ρ alone foretells the transfer of attacks better than CKA and than direct matching.",
        "ours",
        "difference of held-out R²",
        partial(lead_of_rho, outcome=TRANSFER),
        rule=every(above(0)),
        places=lambda one: [f"ρ less {NAMES[other]}" for other in (CKA, MATCHING)],
    ),
    *(
        Row(
            f"18-representations-best-for-{outcome}-{{family}}",
            f"In {{family}} CKA and direct matching each foretell {DEEDS[outcome]} better than ρ does.",
            "ours",
            "difference of held-out R²",
            partial(lead_over_rho, outcome=outcome),
            rule=every(above(0)),
            places=lambda one: [f"{NAMES[other]} less ρ" for other in (CKA, MATCHING)],
        )
        for outcome in (AGREEMENT, ERRORS)
    ),
]
GAINS = [
    Row(
        f"18-views-add-to-{outcome}-{{family}}",
        f"In {{family}} the three views together foretell {DEEDS[outcome]} better than what is known of each network alone.",
        "ours",
        "share of the held-out squared error that they take away",
        partial(gain, outcome=outcome),
    )
    for outcome in OUTCOMES
]
ROWS = (ALL_AGREE, AGREE_WITHIN, *GROWTH, *HYPOTHESES, *GAINS)


def view_claims(
    family: str, measures: Measures, images: int, gates: Sequence[Gate], rows: Sequence[Row] = ROWS
) -> list[Claim]:
    """All claims about one family; `images` as in `Family`."""
    return judged(rows, Family(measures, images), gates, family=family)


def skill_table(families: Mapping[str, Measures]) -> pd.DataFrame:
    """Held-out R^2 with its interval: a row a family and model, a column an outcome."""
    rows = {
        (family, " + ".join(NAMES.get(part, part) for part in model.split(" + "))): _by_outcome(found)
        for family, measures in families.items()
        for model, *found in zip(list(MODELS)[1:], *measures.skill())
    }
    return pd.DataFrame(rows).T


def rank_table(families: Mapping[str, Measures]) -> pd.DataFrame:
    """Rank correlations of views with outcomes: a row a family and view, over all pairs and within widths."""
    tables = [
        pd.DataFrame(
            {
                (family, NAMES[view]): _by_outcome(found, words)
                for family, measures in families.items()
                for view, *found in zip(VIEWS, *measures.with_outcomes(within))
            }
        ).T
        for within, words in ((False, ", all pairs"), (True, ", within widths"))
    ]
    return pd.concat(tables, axis=1)


def _by_outcome(found: Interval, words: str = "") -> dict[str, str]:
    return {DEEDS[outcome] + words: in_brackets(one) for outcome, *one in zip(OUTCOMES, *found)}
