"""The claims of chapter 7, each a rule for a matrix of attack outcomes in which lower means a stronger attack.

Matrices are [..., sources, targets].  Within a family the sources are its widths, then the mean direction and random
signs, and the targets its widths; across families the sources are the families, then random signs, and the targets the
families.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lib.attacks.attack_transfer import TRIED_TAIL
from lib.attacks.gradient_signs import MAIN_SUMMARY, PAPER_EPS
from lib.statistics.sample import Sample
from lib.verdicts import CONTRADICTED, SUPPORTED, Claim, all_above, judge_above

MEAN, RANDOM = -2, -1  # their rows; RANDOM across families too


def fall_a_doubling(sources: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """By how much averages over targets [..., widths] fall when the source width doubles, by least squares: [...]."""
    doublings = np.log2(widths) - np.log2(widths).mean()
    return -sources @ doublings / (doublings**2).sum()


def source_means(outcome: np.ndarray) -> np.ndarray:
    """Mean over targets of the attacks by single networks: [...] -> [..., widths]."""
    return _single(outcome).mean(-1)


def source_falls(outcome: np.ndarray) -> np.ndarray:
    """By how much the average over targets falls at each step of the source width: [...] -> [..., widths - 1]."""
    return -np.diff(source_means(outcome), axis=-1)


def source_less_target_spread(outcome: np.ndarray) -> np.ndarray:
    """Standard deviation of the averages of source widths less that of target widths: -> [...]."""
    return source_means(outcome).std(-1) - _single(outcome).mean(-2).std(-1)


def lead_over_largest(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the largest width: -> [..., target widths]."""
    return _single(outcome)[..., -1, :] - outcome[..., MEAN, :]


def lead_over_own_width(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the target's width: -> [..., target widths - 1].

    Not at the largest width, where that is `lead_over_largest`.
    """
    return (np.diagonal(_single(outcome), axis1=-2, axis2=-1) - outcome[..., MEAN, :])[..., :-1]


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


def attack_claims(family: str, outcome: Sample, widths: Sequence[int], networks: int, with_mean: int
                  ) -> list[Claim]:
    """The claims about one family at one eps.

    `networks`: how many attack and are attacked; `with_mean`: how many they are together with those of the means.
    """
    def one(name: str, statement: str, statistic: str, measure: Callable) -> Claim:
        found = outcome.interval(measure)
        return _sampled(Claim(f"07-{name}-{family}", statement, statistic, *map(float, found), networks,
                              outcome.images, "95 % interval above zero", judge_above(*found[1:])), outcome)

    def every(name: str, statement: str, statistic: str, measure: Callable, places: Sequence[str],
              networks: int = networks) -> Claim:
        return _sampled(all_above(f"07-{name}-{family}", statement, statistic,
                                  lambda level: outcome.interval(measure, level), 0, networks, outcome.images, places),
                        outcome)

    targets = [f"target k = {width}" for width in widths]
    return [
        one("wide-sources", f"Wide networks of {family} attack better than narrow ones.",
            "fall of alpha with a doubling of the source width, by least squares",
            lambda alpha: fall_a_doubling(source_means(alpha), widths)),
        every("wide-sources-every-step", f"Each larger width of {family} attacks better than the one before.",
              "fall of alpha at a step of the source width", source_falls,
              [f"k = {a} to {b}" for a, b in zip(widths, widths[1:])]),
        one("target-little", f"In {family} an attack depends less on the target's width than on the source's.",
            "standard deviation of alpha over source widths less that over target widths", source_less_target_spread),
        every("mean-direction-best", f"The mean direction of narrow networks of {family} attacks better than a network "
              "of the largest width.", "alpha of the largest width less that of the mean direction", lead_over_largest,
              targets, with_mean),
        every("mean-direction-own-width", f"The mean direction of narrow networks of {family} attacks better than "
              "another network of the target's width, for targets below the largest width.",
              "alpha of the target's own width less that of the mean direction", lead_over_own_width, targets[:-1],
              with_mean),
        every("beyond-random", f"Networks of {family}, of every width, attack better than random signs do.",
              "alpha of random signs less that of the networks", lead_over_random,
              [f"source k = {width}" for width in widths]),
    ]


def across_claims(families: Sequence[str], outcome: Sample, networks: int) -> list[Claim]:
    """The claim about attacks between families at one width and one eps; none for a single family."""
    places = [f"{families[i]} against {families[j]}" for i, j in zip(*other_families(len(families)))]
    return [_sampled(all_above(
        "07-cross-family", "Networks of one family attack those of every other family better than random signs do.",
        "alpha of random signs less that of a network of another family",
        lambda level: outcome.interval(lead_across, level), 0, networks, outcome.images, places), outcome)
    ] if places else []


def verdicts_by(judge: Callable[[Sample], Sequence[Claim]], outcomes: Mapping[Hashable, Sample]
                ) -> dict[str, dict[Hashable, str]]:
    """The same rules on every outcome, a summary or an eps each: claim -> key of the outcome -> verdict."""
    found: dict[str, dict[Hashable, str]] = {}
    for key, outcome in outcomes.items():
        for claim in judge(outcome):
            found.setdefault(claim.name, {})[key] = claim.verdict
    return found


def changed_verdicts(table: Mapping[str, Mapping[Hashable, str]], main: Hashable) -> dict[str, list[Hashable]]:
    """Claims whose verdict is not that of the column `main` in some other column: claim -> those columns."""
    changed = {name: [key for key, verdict in row.items() if verdict != row[main]] for name, row in table.items()}
    return {name: keys for name, keys in changed.items() if keys}


def summary_findings(table: Mapping[str, Mapping[str, str]]) -> list[str]:
    """How far the verdicts depend on the summary, and which are turned round by it: Markdown lines."""
    changed, columns = changed_verdicts(table, MAIN_SUMMARY), {summary for row in table.values() for summary in row}
    turned = [name for name, row in table.items() if {SUPPORTED, CONTRADICTED} <= set(row.values())]
    lines = [f"- **Summaries**: {len(table) - len(changed)} of {len(table)} verdicts are the same under all "
             f"{len(columns)} summaries; supported under one and contradicted under another: "
             f"{', '.join(turned) or 'none'}."]
    named = "; ".join(f"{name} ({', '.join(summaries)})" for name, summaries in changed.items())
    return lines + ([f"- **Verdicts that differ from those of the mean of ratios**: {named}."] if changed else [])


def eps_findings(table: Mapping[str, Mapping[float, str]], main_eps: float) -> list[str]:
    """How far the verdicts depend on the size of the step, the paper's first of all: Markdown lines."""
    changed = changed_verdicts(table, main_eps)
    lines = [f"- **Steps**: the verdicts above are those of eps = {main_eps:g}"
             + (", the paper's." if main_eps == PAPER_EPS else f"; the paper's program takes {PAPER_EPS:g}.")]
    for eps in sorted({eps for row in table.values() for eps in row} - {main_eps}):
        named = [f"{name} ({table[name][eps]}, not {table[name][main_eps]})" for name, keys in changed.items()
                 if eps in keys]
        lines.append(f"- **At eps = {eps:g}{', the step of the paper,' if eps == PAPER_EPS else ''}** "
                     f"{len(table) - len(named)} of {len(table)} verdicts are the same; others: "
                     f"{'; '.join(named) or 'none'}.")
    return lines


def length_findings(lengths: Mapping[str, Mapping[Hashable, float]], widths: Mapping[str, Sequence[int]]) -> list[str]:
    """How long the steps of single networks, mean directions and random signs are: family -> source -> length."""
    ends = {family: (own[0], own[-1]) for family, own in widths.items()}
    named = "; ".join(f"{family} {', '.join(f'{of[k]:.2f} (k = {k})' for k in ends[family])}, "
                      f"{of['mean']:.2f} (mean direction), {of['random']:.2f} (random signs), the longest of all "
                      f"widths and strategies {np.divide(max(of.values()), min(of.values())):.2f} times the shortest"
                      for family, of in lengths.items())
    return [f"- **Lengths of the steps** after clipping: {named}. A longer step can do more, whatever its gradient "
            "knows."]


def tail_findings(tails: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How heavy the tail of the ratios is, and whether intervals were tried on such a one.

    family -> `lib.attacks.attack_transfer.tail` of its single networks; a Markdown line.
    """
    shares = {family: found["share of the sum from the largest 1 %"] for family, found in tails.items()}
    beyond = [family for family, share in shares.items() if share > TRIED_TAIL]
    return ["- **Tail**: where single networks attack, the largest 1 % of the ratios have "
            + ", ".join(f"{100 * share:.1f} % ({family})" for family, share in shares.items())
            + f" of their sum. Intervals were tried on planted ratios where they have up to {100 * TRIED_TAIL:g} %; "
            + (f"those of {', '.join(beyond)} have more, and their intervals may hold the truth less often."
               if beyond else "none has more here.")]


def attack_findings(outcomes: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> list[str]:
    """What the chapter shows about each family, in words with the numbers of the run: Markdown lines."""
    lines = []
    for family, outcome in outcomes.items():
        alpha = outcome.values
        sources, targets = _single(alpha).mean(-1), _single(alpha).mean(-2)
        narrowest, *_, widest = widths[family]
        lines.append(
            f"- **{family}**: alpha goes from {sources[0]:.2f} (source k = {narrowest}) to {sources[-1]:.2f} (k = "
            f"{widest}), and over target widths it lies between {targets.min():.2f} and {targets.max():.2f}. "
            f"Averaged over targets it is {sources[-1]:.2f} for the largest width, "
            f"{np.diagonal(_single(alpha)).mean():.2f} for the target's own width, {alpha[MEAN].mean():.2f} for the "
            f"mean direction and {alpha[RANDOM].mean():.2f} for random signs; the mean direction leads the largest by "
            f"{_with_interval(outcome, lambda matrix: lead_over_largest(matrix).mean(-1))}.")
    return lines


def across_findings(families: Sequence[str], outcome: Sample) -> list[str]:
    """Attacks between families: alpha within, between and of random signs."""
    if len(families) < 2:
        return []
    alpha, pairs = outcome.values, other_families(len(families))
    return [f"- **Across families** alpha is {np.diagonal(alpha).mean():.2f} within a family, "
            f"{alpha[pairs].mean():.2f} between families and {alpha[RANDOM].mean():.2f} for random signs."]


def _sampled(claim: Claim, outcome: Sample) -> Claim:
    """The claim with a rule that says how many samples its interval has: far fewer than there are networks."""
    return replace(claim, rule=f"{claim.rule}; samples: {outcome.networks[0]} groups of networks, and the images")


def _with_interval(outcome: Sample, measure: Callable) -> str:
    estimate, low, high = outcome.interval(measure)
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


def _single(outcome: np.ndarray) -> np.ndarray:
    """The square part of the matrix: sources that are single networks."""
    return outcome[..., :MEAN, :]
