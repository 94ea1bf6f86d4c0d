"""The claims of chapter 18, all of them this book's own: do three views agree, grow with the width, and foretell?"""

from functools import partial
from itertools import combinations

from lib.verdicts import Claim, all_above, judge_above
from lib.views.measures import Measures
from lib.views.outcomes import AGREEMENT, ERRORS, OUTCOMES, TRANSFER
from lib.views.prediction import ALL, SOURCES
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

NAMES = {RHO: "ρ", CKA: "CKA", MATCHING: "direct matching"}
DEEDS = {AGREEMENT: "equal predictions", ERRORS: "errors in common", TRANSFER: "transfer of attacks"}
R2 = "difference of held-out R²"


def view_claims(family: str, measures: Measures, images: int) -> list[Claim]:
    """All claims about one family; `images`: how many the views see, and the outcomes."""
    return [*_agreement(family, measures, images), *_growth(family, measures, images),
            *_hypotheses(family, measures, images), *_gains(family, measures, images)]


def _agreement(family: str, measures: Measures, images: int) -> list[Claim]:
    places = [f"{NAMES[a]} and {NAMES[b]}" for a, b in combinations(VIEWS, 2)]
    return [all_above(f"18-views-agree-{short}{family}", f"In {family} every two of the three views tend to put pairs of "
                      f"networks in one order{words}.", f"Spearman's rank correlation{words}",
                      partial(measures.between_views, within), 0.0, len(measures.table), images, places)
            for within, short, words in ((False, "", " over all pairs"), (True, "within-widths-", " within widths"))]


def _growth(family: str, measures: Measures, images: int) -> list[Claim]:
    return [Claim(f"18-grows-{view.lower()}-{family}",
                  f"By {NAMES[view]}, two networks of {family} of one width are more alike the wider they are.",
                  "change per doubling of the width", *map(float, found), len(measures.table), images,
                  "95 % interval above zero; contradicted if it lies below", judge_above(*found[1:]))
            for view, *found in zip(VIEWS, *measures.growth())]


def _hypotheses(family: str, measures: Measures, images: int) -> list[Claim]:
    claim = partial(all_above, threshold=0.0, networks=len(measures.table), images=images)
    found = [claim(f"18-rho-best-for-transfer-{family}",
                   f"In {family} ρ alone foretells the transfer of attacks better than CKA and than direct matching.", R2,
                   partial(measures.lead, TRANSFER, RHO, (CKA, MATCHING)),
                   places=[f"ρ less {NAMES[other]}" for other in (CKA, MATCHING)])]
    for outcome in (AGREEMENT, ERRORS):
        found.append(claim(f"18-representations-best-for-{outcome}-{family}",
                           f"In {family} CKA and direct matching each foretell {DEEDS[outcome]} better than ρ does.", R2,
                           partial(_behind, measures, outcome),
                           places=[f"{NAMES[other]} less ρ" for other in (CKA, MATCHING)]))
    return found


def _behind(measures: Measures, outcome: str, level: float):
    """By how much the R^2 of CKA and of direct matching exceed that of rho."""
    estimate, low, high = measures.lead(outcome, RHO, (CKA, MATCHING), level)
    return -estimate, -high, -low


def _gains(family: str, measures: Measures, images: int) -> list[Claim]:
    claims = []
    for outcome, *found in zip(OUTCOMES, *(part[SOURCES.index(ALL)] for part in measures.gain())):
        claims.append(Claim(
            f"18-views-add-to-{outcome}-{family}",
            f"In {family} the three views together foretell {DEEDS[outcome]} better than what is known of each network alone.",
            "share of the held-out squared error that they take away", *map(float, found), len(measures.table), images,
            "95 % interval above zero; contradicted if it lies below", judge_above(*found[1:])))
    return claims
