"""What chapter 18 found, in words that follow from the numbers, and its tables."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from lib.chapters.view_claims import DEEDS, NAMES
from lib.statistics.intervals import Interval, in_brackets
from lib.views.measures import Measures
from lib.views.outcomes import OUTCOMES
from lib.views.prediction import ALL, ALONE, MODELS, SOURCES, WIDTHS
from lib.views.three_views import VIEWS

CHANGE = "+.3f"  # how changes are written


def findings(families: Mapping[str, Measures]) -> str:
    """The answers, Markdown lines: in short, then for each family whether views agree, grow, what they foretell."""
    return "\n".join([_short(families), *(line for family, measures in families.items() for line in (
        _agreement(family, measures), _growth(family, measures),
        *(_foretold(family, measures, outcome) for outcome in OUTCOMES)))])


def skill_table(families: Mapping[str, Measures]) -> pd.DataFrame:
    """Held-out R^2 with its interval: a row a family and model, a column an outcome."""
    rows = {(family, model): {DEEDS[outcome]: in_brackets(found) for outcome, *found in zip(OUTCOMES, *of_model)}
            for family, measures in families.items()
            for model, *of_model in zip(map(_named, list(MODELS)[1:]), *measures.skill())}
    return pd.DataFrame(rows).T


def _named(model: str) -> str:
    return " + ".join(NAMES.get(part, part) for part in model.split(" + "))


def rank_table(families: Mapping[str, Measures]) -> pd.DataFrame:
    """Rank correlations of views with outcomes: a row a family and view, over all pairs and within widths."""
    rows = {}
    for family, measures in families.items():
        for within, words in ((False, "all pairs"), (True, "within widths")):
            for view, *of_view in zip(VIEWS, *measures.with_outcomes(within)):
                rows.setdefault((family, NAMES[view]), {}).update(
                    {f"{DEEDS[outcome]}, {words}": in_brackets(found) for outcome, *found in zip(OUTCOMES, *of_view)})
    return pd.DataFrame(rows).T


def _short(families: Mapping[str, Measures]) -> str:
    """How often the 95 % intervals answer each of the three questions with yes."""
    found = families.values()
    agree = sum(bool((measures.between_views(True)[1] > 0).all()) for measures in found)
    rise = sum(int((measures.growth()[1] > 0).sum()) for measures in found)
    lead = sum(any((measures.lead(outcome, view, tuple(set(VIEWS) - {view}))[1] > 0).all() for view in VIEWS)
               for measures in found for outcome in OUTCOMES)
    more = sum(int((measures.gain()[1][SOURCES.index(ALL)] > 0).sum()) for measures in found)
    cases = len(families) * len(OUTCOMES)
    return (f"- **In short**: every two views agree within widths in {agree} of {len(families)} families. Views rise with "
            f"the width in {rise} of {len(families) * len(VIEWS)} cases, a view and a family each. Of {cases} cases, an "
            f"outcome and a family each, one view alone foretells {lead} better than both others do, and the three "
            f"together tell of {more} what is not known of each network alone.")


def _agreement(family: str, measures: Measures) -> str:
    over, within = measures.between_views(False), measures.between_views(True)
    told = int((within[1] > 0).sum())
    meaning = {3: "Width is not the only reason why the views agree.",
               0: "Within widths no agreement of two views can be told from none."}.get(
                   told, f"Within widths the agreement of {told} of 3 couples of views can be told from none.")
    return (f"- **{family}, do the views agree?** Rank correlations over all pairs: {_couples(over)}. Within widths: "
            f"{_couples(within)}. {meaning}")


def _couples(found: Interval) -> str:
    names = [f"{NAMES[a]} and {NAMES[b]}" for a, b in combinations(VIEWS, 2)]
    return "; ".join(f"{name} {in_brackets(one)}" for name, *one in zip(names, *found))


def _growth(family: str, measures: Measures) -> str:
    parts = [f"{NAMES[view]} {in_brackets(found, CHANGE)}, {_direction(found)}"
             for view, *found in zip(VIEWS, *measures.growth())]
    return f"- **{family}, two networks of one width** per doubling of the width: {'; '.join(parts)}."


def _direction(found: Interval) -> str:
    _, low, high = map(float, found)
    return "rises" if low > 0 else "falls" if high < 0 else "undecided"


def _foretold(family: str, measures: Measures, outcome: str) -> str:
    column = OUTCOMES.index(outcome)
    skills = dict(zip(list(MODELS)[1:], zip(*(part[:, column] for part in measures.skill()))))
    gained = tuple(part[SOURCES.index(ALL), column] for part in measures.gain())
    ranks = zip(VIEWS, *(part[:, column] for part in measures.with_outcomes(True)))
    views = "; ".join(f"{NAMES[view]} {in_brackets(skills[view])}" for view in VIEWS)
    return (f"- **{family}, {DEEDS[outcome]}.** Held-out R² of one view alone: {views}. {_best(measures, outcome, skills)} "
            f"The widths alone reach {in_brackets(skills[WIDTHS])}, all that is known of each network alone "
            f"{in_brackets(skills[ALONE])}; beyond that the three views take away {in_brackets(gained)} of the error: "
            f"{_meaning(gained)} Within widths the rank correlations are "
            + "; ".join(f"{NAMES[view]} {in_brackets(found)}" for view, *found in ranks) + ".")


def _best(measures: Measures, outcome: str, skills: Mapping[str, Interval]) -> str:
    """Which view has the largest R^2, and over which others its lead is decided."""
    estimates = [float(skills[view][0]) for view in VIEWS]
    if not np.isfinite(estimates).all():
        return "It is the same for all pairs, so that there is nothing to foretell."
    best = VIEWS[int(np.argmax(estimates))]
    if max(estimates) <= 0:
        return "No view foretells it better than the mean of other pairs does."
    others = tuple(view for view in VIEWS if view != best)
    beaten = [NAMES[other] for other, low in zip(others, measures.lead(outcome, best, others)[1]) if low > 0]
    return f"The largest is that of {NAMES[best]}; its lead over {' and '.join(beaten) or 'neither other'} is decided."


def _meaning(found: Interval) -> str:
    return {"rises": "they know something of the pair that is not known of its two networks.",
            "falls": "they make the prediction worse.",
            "undecided": "whether they know more of the pair is not decided."}[_direction(found)]
