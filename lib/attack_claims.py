"""The claims of chapter 7, each a rule for a matrix of attack outcomes in which lower means a stronger attack.

Matrices are [..., sources, targets].  Within a family the sources are its widths, then the mean direction and random
signs, and the targets its widths; across families the sources are the families, then random signs, and the targets the
families.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lib.attacks import MAIN_SUMMARY, SUMMARIES
from lib.bootstrap import SimilarityMatrix
from lib.claims import CONTRADICTED, SUPPORTED, Claim, all_above, judge_above

MEAN, RANDOM = -2, -1  # their rows; RANDOM across families too


def source_falls(outcome: np.ndarray) -> np.ndarray:
    """By how much the average over targets falls at each step of the source width: [...] -> [..., widths - 1]."""
    return -np.diff(_single(outcome).mean(-1), axis=-1)


def source_less_target_spread(outcome: np.ndarray) -> np.ndarray:
    """Standard deviation of the averages of source widths less that of target widths: -> [...]."""
    return _single(outcome).mean(-1).std(-1) - _single(outcome).mean(-2).std(-1)


def lead_over_largest(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the largest width: -> [..., target widths]."""
    return _single(outcome)[..., -1, :] - outcome[..., MEAN, :]


def lead_over_own_width(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the target's width: -> [..., target widths]."""
    return np.diagonal(_single(outcome), axis1=-2, axis2=-1) - outcome[..., MEAN, :]


def lead_over_random(outcome: np.ndarray) -> np.ndarray:
    """By how much networks are stronger than random signs, averaged over targets: -> [..., source widths]."""
    return outcome[..., RANDOM, None, :].mean(-1) - _single(outcome).mean(-1)


def lead_across(outcome: np.ndarray) -> np.ndarray:
    """By how much networks of *other* families are stronger than random signs: -> [..., pairs of `other_families`]."""
    lead = outcome[..., RANDOM, None, :] - outcome[..., :RANDOM, :]
    return lead[..., *other_families(lead.shape[-1])]


def other_families(families: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and target of all pairs of different families."""
    return np.nonzero(~np.eye(families, dtype=bool))


def attack_claims(family: str, outcome: SimilarityMatrix, widths: Sequence[int], networks: int) -> list[Claim]:
    """The claims about one family at one eps; `networks`: how many attack and are attacked."""
    size = networks, outcome.images

    def one(name: str, statement: str, statistic: str, measure: Callable) -> Claim:
        found = outcome.interval(measure)
        return Claim(f"07-{name}-{family}", statement, statistic, *map(float, found), *size,
                     "95 % interval above zero", judge_above(*found[1:]))

    def every(name: str, statement: str, statistic: str, measure: Callable, places: Sequence[str]) -> Claim:
        return all_above(f"07-{name}-{family}", statement, statistic, lambda level: outcome.interval(measure, level), 0,
                         *size, places)

    targets = [f"target k = {width}" for width in widths]
    return [
        one("wide-sources", f"Wide networks of {family} attack better than narrow ones.",
            "mean fall of alpha at a step of the source width", lambda alpha: source_falls(alpha).mean(-1)),
        every("wide-sources-every-step", f"Each larger width of {family} attacks better than the one before.",
              "fall of alpha at a step of the source width", source_falls,
              [f"k = {a} to {b}" for a, b in zip(widths, widths[1:])]),
        one("target-little", f"In {family} an attack depends less on the target's width than on the source's.",
            "standard deviation of alpha over source widths less that over target widths", source_less_target_spread),
        every("mean-direction-best", f"The mean direction of narrow networks of {family} attacks better than a network "
              "of the largest width.", "alpha of the largest width less that of the mean direction", lead_over_largest,
              targets),
        every("mean-direction-own-width", f"The mean direction of narrow networks of {family} attacks better than "
              "another network of the target's width.",
              "alpha of the target's own width less that of the mean direction", lead_over_own_width, targets),
        every("beyond-random", f"Networks of {family}, of every width, attack better than random signs do.",
              "alpha of random signs less that of the networks", lead_over_random,
              [f"source k = {width}" for width in widths]),
    ]


def across_claim(families: Sequence[str], outcome: SimilarityMatrix, networks: int) -> Claim:
    """Attacks between families at one width and one eps."""
    return all_above("07-cross-family", "Networks of one family attack those of every other family better than random "
                     "signs do.", "alpha of random signs less that of a network of another family",
                     lambda level: outcome.interval(lead_across, level), 0, networks, outcome.images,
                     [f"{families[i]} against {families[j]}" for i, j in zip(*other_families(len(families)))])


def verdicts_by_summary(judge: Callable[[SimilarityMatrix], Sequence[Claim]], outcomes: Mapping[str, SimilarityMatrix]
                        ) -> dict[str, dict[str, str]]:
    """The same rules on every summary of the ratios: claim -> summary -> verdict."""
    found: dict[str, dict[str, str]] = {}
    for summary, outcome in outcomes.items():
        for claim in judge(outcome):
            found.setdefault(claim.name, {})[summary] = claim.verdict
    return found


def changed_verdicts(table: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Claims whose verdict is not that of the paper's alpha under some other summary: claim -> those summaries."""
    changed = {name: [summary for summary, verdict in row.items() if verdict != row[MAIN_SUMMARY]]
               for name, row in table.items()}
    return {name: summaries for name, summaries in changed.items() if summaries}


def summary_findings(table: Mapping[str, Mapping[str, str]]) -> list[str]:
    """How far the verdicts depend on the summary, and which are turned round by it: Markdown lines."""
    changed = changed_verdicts(table)
    turned = [name for name, row in table.items() if {SUPPORTED, CONTRADICTED} <= set(row.values())]
    lines = [f"- **Summaries**: {len(table) - len(changed)} of {len(table)} verdicts are the same under all "
             f"{len(SUMMARIES)}; supported under one and contradicted under another: {', '.join(turned) or 'none'}."]
    named = "; ".join(f"{name} ({', '.join(summaries)})" for name, summaries in changed.items())
    return lines + ([f"- **Verdicts that differ from those of the mean of ratios**: {named}."] if changed else [])


def attack_findings(outcomes: Mapping[str, SimilarityMatrix], widths: Sequence[int]) -> list[str]:
    """What the chapter shows about each family, in words with the numbers of the run: Markdown lines."""
    lines = []
    for family, outcome in outcomes.items():
        alpha = outcome.values
        sources, targets = _single(alpha).mean(-1), _single(alpha).mean(-2)
        lines.append(
            f"- **{family}**: alpha goes from {sources[0]:.2f} (source k = {widths[0]}) to {sources[-1]:.2f} (k = "
            f"{widths[-1]}), and over target widths it lies between {targets.min():.2f} and {targets.max():.2f}. "
            f"Averaged over targets it is {sources[-1]:.2f} for the largest width, "
            f"{np.diagonal(_single(alpha)).mean():.2f} for the target's own width, {alpha[MEAN].mean():.2f} for the "
            f"mean direction and {alpha[RANDOM].mean():.2f} for random signs; the mean direction leads the largest by "
            f"{_with_interval(outcome, lambda matrix: lead_over_largest(matrix).mean(-1))}.")
    return lines


def across_findings(families: Sequence[str], outcome: SimilarityMatrix) -> list[str]:
    """Attacks between families: alpha within, between and of random signs."""
    if len(families) < 2:
        return []
    alpha, pairs = outcome.values, other_families(len(families))
    return [f"- **Across families** alpha is {np.diagonal(alpha).mean():.2f} within a family, "
            f"{alpha[pairs].mean():.2f} between families and {alpha[RANDOM].mean():.2f} for random signs."]


def _with_interval(outcome: SimilarityMatrix, measure: Callable) -> str:
    estimate, low, high = outcome.interval(measure)
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


def _single(outcome: np.ndarray) -> np.ndarray:
    """The square part of the matrix: sources that are single networks."""
    return outcome[..., :MEAN, :]
