"""Chapter 7: which networks attack others best, does the target's width matter, and is a mean direction the best weapon?

Every claim is a rule for a matrix of attack outcomes, [..., sources, targets], in which lower means a stronger attack.  Within
a family the sources are its widths, then the mean direction and random signs, and the targets its widths; across families the
sources are the families, then random signs, and the targets the families.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.gates import Gate
from lib.rules import above
from lib.rules_of_several import every
from lib.statistics.sample import Estimated, Sample, Statistic
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged

MEAN, RANDOM = -2, -1  # their rows; RANDOM across families too


@dataclass(frozen=True)
class Attacked:
    """Outcomes of attacks on some targets.

    Attributes:
        outcome: a matrix as above; its units are groups of networks, far fewer than there are networks.
        names: of its targets, widths or families.
    """

    outcome: Sample
    names: Sequence

    def estimated(self, statistic: Statistic) -> Estimated:
        """A statistic of the matrix, which rests on the groups: they are what is independent."""
        return self.outcome.estimated(statistic)


def fall_a_doubling(means: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """By how much averages [..., widths] fall when the width doubles, by least squares: [...]."""
    doublings = np.log2(widths) - np.log2(widths).mean()
    return -means @ doublings / (doublings**2).sum()


def single(outcome: np.ndarray) -> np.ndarray:
    """The square part of the matrix, sources that are single networks: -> [..., widths, widths]."""
    return outcome[..., :MEAN, :]


def source_means(outcome: np.ndarray) -> np.ndarray:
    """Mean over targets of the attacks by single networks: -> [..., widths]."""
    return single(outcome).mean(-1)


def target_means(outcome: np.ndarray) -> np.ndarray:
    """Mean over sources of the attacks by single networks: -> [..., widths]."""
    return single(outcome).mean(-2)


def source_falls(outcome: np.ndarray) -> np.ndarray:
    """By how much the average over targets falls at each step of the source width: -> [..., widths - 1]."""
    return -np.diff(source_means(outcome), axis=-1)


def source_less_target_spread(outcome: np.ndarray) -> np.ndarray:
    """Standard deviation of the averages of source widths less that of target widths: -> [...]."""
    return source_means(outcome).std(-1) - target_means(outcome).std(-1)


def lead_over_largest(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the largest width: -> [..., target widths]."""
    return outcome[..., MEAN - 1, :] - outcome[..., MEAN, :]


def own_width(outcome: np.ndarray) -> np.ndarray:
    """Attacks by other networks of the target's width: -> [..., target widths]."""
    return np.diagonal(single(outcome), axis1=-2, axis2=-1)


def lead_over_own_width(outcome: np.ndarray) -> np.ndarray:
    """By how much the mean direction is stronger than a network of the target's width: -> [..., target widths - 1].

    Not at the largest width, where that is `lead_over_largest`.
    """
    return (own_width(outcome) - outcome[..., MEAN, :])[..., :-1]


def lead_over_random(outcome: np.ndarray) -> np.ndarray:
    """By how much networks are stronger than random signs, averaged over targets: -> [..., source widths]."""
    return outcome[..., RANDOM, None, :].mean(-1) - source_means(outcome)


def lead_across(outcome: np.ndarray) -> np.ndarray:
    """By how much networks of *other* families are stronger than random signs: -> [..., pairs of `other_families`]."""
    lead = outcome[..., RANDOM, None, :] - outcome[..., :RANDOM, :]
    return lead[..., *other_families(lead.shape[-1])]


def other_families(families: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and target of all pairs of different families."""
    source, target = np.nonzero(~np.eye(families, dtype=bool))
    return source, target


ATTACKS = (
    Row(
        "07-wide-sources-{family}",
        "Wide networks of {family} attack better than narrow ones.",
        "Great Minds, Fig. 25",
        "fall of α with a doubling of the source width, by least squares, averaged over targets",
        lambda at: at.estimated(lambda alpha: fall_a_doubling(source_means(alpha), at.names)),
        level=HEADLINE,
        formula=r"-\frac{\Delta\, \mathbb{E}_{k_2}\, \alpha(k_1, k_2)}{\Delta \log_2 k_1} > 0",
    ),
    Row(
        "07-larger-targets-{family}",
        "Attacks with networks of {family} transfer especially to larger targets.",
        "Great Minds, after a summary",
        "fall of α with a doubling of the target width, by least squares, averaged over sources",
        lambda at: at.estimated(lambda alpha: fall_a_doubling(target_means(alpha), at.names)),
        level=HEADLINE,
        formula=r"-\frac{\Delta\, \mathbb{E}_{k_1}\, \alpha(k_1, k_2)}{\Delta \log_2 k_2} > 0",
    ),
    Row(
        "07-wide-sources-every-step-{family}",
        "Each larger width of {family} attacks better than the one before.",
        "Great Minds, Fig. 25",
        "fall of α at a step of the source width, averaged over targets",
        lambda at: at.estimated(source_falls),
        rule=every(above(0)),
        places=lambda at: [f"k = {a} to {b}" for a, b in zip(at.names, at.names[1:])],
    ),
    Row(
        "07-target-little-{family}",
        "In {family} an attack depends less on the target's width than on the source's.",
        "Great Minds, Fig. 25",
        "standard deviation of α over source widths less that over target widths",
        lambda at: at.estimated(source_less_target_spread),
    ),
    Row(
        "07-mean-direction-best-{family}",
        "The mean direction of narrow networks of {family} attacks better than a network of the largest width.",
        "Great Minds, Fig. 11",
        "α of the largest width less that of the mean direction",
        lambda at: at.estimated(lead_over_largest),
        rule=every(above(0)),
        places=lambda at: [f"target k = {width}" for width in at.names],
        level=HEADLINE,
        formula=r"\alpha(\mu, k_2) < \alpha(k_\text{max}, k_2) \quad \text{for every } k_2",
    ),
    Row(
        "07-mean-direction-own-width-{family}",
        "The mean direction of narrow networks of {family} attacks better than another network of the target's width, "
        "for targets below the largest width.",
        "Great Minds, Fig. 11",
        "α of the target's own width less that of the mean direction",
        lambda at: at.estimated(lead_over_own_width),
        rule=every(above(0)),
        places=lambda at: [f"target k = {width}" for width in at.names[:-1]],
        level=HEADLINE,
        formula=r"\alpha(\mu, k_2) < \alpha(k_2, k_2) \quad \text{for every } k_2 < k_\text{max}",
    ),
    Row(
        "07-beyond-random-{family}",
        "Networks of {family}, of every width, attack better than random signs do.",
        "ours",
        "α of random signs less that of the networks, averaged over targets",
        lambda at: at.estimated(lead_over_random),
        rule=every(above(0)),
        places=lambda at: [f"source k = {width}" for width in at.names],
        level=MACHINERY,
    ),
)
ACROSS = Row(
    "07-cross-family",
    "Networks of one family attack those of every other family better than random signs do.",
    "ours",
    "α of random signs less that of a network of another family",
    lambda at: at.estimated(lead_across),
    rule=every(above(0)),
    places=lambda at: [f"{at.names[i]} against {at.names[j]}" for i, j in zip(*other_families(len(at.names)))],
)


def attack_claims(family: str, outcome: Sample, widths: Sequence[int], gates: Sequence[Gate]) -> list[Claim]:
    """The claims about one family at one eps."""
    return judged(ATTACKS, Attacked(outcome, widths), gates, family=family)


def across_claims(families: Sequence[str], outcome: Sample, gates: Sequence[Gate]) -> list[Claim]:
    """The claim about attacks between families at one width and one eps; none for a single family."""
    return judged([ACROSS] if len(families) > 1 else [], Attacked(outcome, families), gates)
