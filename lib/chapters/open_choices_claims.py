"""The claims of chapters 3 and 4 under every setting of the choices that the paper leaves open, and what changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.chapters.hypothesis_claims import family_claims
from lib.effects.open_choices import chance_band
from lib.similarity.crossed import similarity_matrix
from lib.similarity.rank_one import cosines, explained
from lib.statistics.sample import Sample
from lib.verdicts import CONTRADICTED, MARKS, SUPPORTED, UNDECIDED, Claim

# conclusion -> its claim's name without the family, and what does not depend on the choices if it is robust
CONCLUSIONS = {
    "growth": ("03-growth", "That networks get more alike when either gets wider"),
    "above chance": ("03-above-chance", "That already the narrowest networks are alike beyond chance"),
    "H1": ("04-h1", "That directions concentrate as the width grows (H1)"),
    "H2": ("04-h2", "Whether all widths share almost one mean direction (H2)"),
    "rank one": ("04-rank-one", "That similarities follow a law of rank one"),
}
Setting = tuple[str, str]  # the choice, and what is chosen
DEFAULT: Setting = ("default", "as in the chapters")
EPOCHS = "epochs"
LAW = "R² of the rank-one law"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one setting makes of one family: its similarities at `widths`, and conclusion -> the chapter's claim."""

    widths: tuple[int, ...]
    matrix: Sample
    claims: Mapping[str, Claim]

    @property
    def numbers(self) -> dict[str, float]:
        """Similarity at both ends of the width, the lowest corrected mean-direction cosine, R^2 of the rank-one law."""
        values = self.matrix.values
        return {"ρ(k, k), narrowest": float(values[0, 0]), "ρ(k, k), widest": float(values[-1, -1]),
                "lowest cosine of two mean directions": float(cosines(values)[np.triu_indices(len(values), 1)].min()),
                LAW: float(explained(values))}


Outcomes = Mapping[Setting, Mapping[str, Outcome]]


def judge(families: Mapping[str, Sequence[np.ndarray]], widths: Sequence[int], seed: int, draws: int
          ) -> dict[str, Outcome]:
    """Every family under one setting; family -> [networks, n, dims] at each width.

    The images drawn again depend on `seed` and the family's place alone: settings with the same images share them.
    """
    return {family: _judge_family(family, populations, widths, np.random.default_rng([seed, place]), draws)
            for place, (family, populations) in enumerate(families.items())}


def _judge_family(family: str, populations: Sequence[np.ndarray], widths: Sequence[int], rng: np.random.Generator,
                  draws: int) -> Outcome:
    matrix = similarity_matrix(populations, rng, draws)
    found = family_claims(family, matrix, widths, chance_band(populations[0]))
    by_name = {claim.name: claim for claim in found}
    return Outcome(tuple(widths), matrix,
                   {conclusion: by_name[f"{name}-{family}"] for conclusion, (name, _) in CONCLUSIONS.items()})


def compared_with(outcomes: Outcomes, setting: Setting) -> Setting:
    """The setting that differs from this one in nothing but the choice, or itself.

    It is the default; for epochs it is the first of them, the default number with equally many networks and widths.
    """
    return next(other for other in outcomes if other[0] == EPOCHS) if setting[0] == EPOCHS else DEFAULT


def verdict_table(outcomes: Outcomes, families: Sequence[str]) -> pd.DataFrame:
    """A row a setting, a column a conclusion, the families' marks side by side; a dot for a family not looked at."""
    return _table(outcomes, CONCLUSIONS, families, lambda outcome, name: MARKS[outcome.claims[name].verdict], "·")


def number_table(outcomes: Outcomes, families: Sequence[str]) -> pd.DataFrame:
    """A row a setting, a column a number, the families side by side; an en dash for what is not known."""
    def cell(outcome, name):
        value = outcome.numbers[name]
        return (f"{value:.3f}" if name == LAW else f"{value:.2f}") if np.isfinite(value) else "–"

    return _table(outcomes, next(iter(outcomes[DEFAULT].values())).numbers, families, cell, "–")


def _table(outcomes: Outcomes, columns: Iterable[str], families: Sequence[str], cell: Callable[[Outcome, str], str],
           missing: str) -> pd.DataFrame:
    rows = {setting: {column: "\N{NO-BREAK SPACE}".join(cell(found[family], column) if family in found else missing
                                                        for family in families) for column in columns}
            for setting, found in outcomes.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["choice", "setting"])


def verdicts(outcomes: Outcomes, conclusion: str) -> dict[str, dict[Setting, str]]:
    """family -> setting -> verdict."""
    found: dict[str, dict[Setting, str]] = {}
    for setting, by_family in outcomes.items():
        for family, outcome in by_family.items():
            found.setdefault(family, {})[setting] = outcome.claims[conclusion].verdict
    return found


def turned_round(outcomes: Outcomes, conclusion: str) -> list[str]:
    """The families for which some setting supports what another contradicts."""
    return [family for family, row in verdicts(outcomes, conclusion).items()
            if {SUPPORTED, CONTRADICTED} <= set(row.values())]


def dependence_claims(outcomes: Outcomes) -> list[Claim]:
    """For each conclusion the claim that it does not depend on the choices; the lowest lower end is shown."""
    claims = []
    for conclusion, (name, subject) in CONCLUSIONS.items():
        every = [(setting, outcome.claims[conclusion]) for setting, found in outcomes.items()
                 for outcome in found.values()]
        same = all(len(set(row.values())) == 1 and UNDECIDED not in row.values()
                   for row in verdicts(outcomes, conclusion).values())
        verdict = CONTRADICTED if turned_round(outcomes, conclusion) else SUPPORTED if same else UNDECIDED
        setting, shown = min(every, key=lambda pair: np.nan_to_num(pair[1].low, nan=-np.inf))
        claims.append(Claim(
            f"A1-{name.split('-', 1)[1]}", f"{subject} does not depend on what the paper leaves open.",
            f"{shown.statistic} ({shown.name.removeprefix(name + '-')}, {' '.join(setting)}), the one with the lowest "
            f"lower end of {len(every)}: {_counted([claim.verdict for _, claim in every])}",
            shown.estimate, shown.low, shown.high, shown.networks, shown.images,
            "each family has one verdict, supported or contradicted, under all settings; contradicted if one family is "
            "supported under one setting and contradicted under another", verdict))
    return claims


def _counted(verdicts: Sequence[str]) -> str:
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in MARKS if verdict in verdicts)


def verdict_findings(outcomes: Outcomes) -> list[str]:
    """For each conclusion how the verdicts fell, and every change against the setting to compare with: Markdown."""
    lines = []
    for conclusion in CONCLUSIONS:
        table = verdicts(outcomes, conclusion)
        counted = _counted([verdict for row in table.values() for verdict in row.values()])
        turned = turned_round(outcomes, conclusion)
        changes = [f"{family}, {' '.join(setting)} ({before} → {verdict})" for family, row in table.items()
                   for setting, verdict in row.items()
                   if (before := row[compared_with(outcomes, setting)]) != verdict]
        lines.append(f"- **{conclusion}**: {counted}; turned round: {', '.join(turned) or 'in no family'}. "
                     + (f"Changed: {'; '.join(changes)}." if changes else "No setting changes a verdict."))
    return lines


def size_findings(outcomes: Outcomes) -> list[str]:
    """For each choice the largest change of every number, and where: Markdown."""
    largest: dict[str, dict[str, tuple[float, float, str]]] = {}
    for setting, found in outcomes.items():
        reference = compared_with(outcomes, setting)
        for family, outcome in found.items() if setting != reference else ():
            before = outcomes[reference][family].numbers
            for name, value in outcome.numbers.items():
                change = (before[name], value, f"{family}, {setting[1]}")
                row = largest.setdefault(setting[0], {})
                row[name] = max(row.get(name, change), change, key=lambda one: np.nan_to_num(abs(one[1] - one[0])))
    return [f"- **{choice}**, largest changes: " + "; ".join(
        f"{name} {before:.3f} → {after:.3f} ({where})" for name, (before, after, where) in row.items()) + "."
        for choice, row in largest.items()]
