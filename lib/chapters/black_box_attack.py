"""Chapter 7: which networks attack others best, does the target's width matter, and is a mean direction the best weapon?

Every claim is a rule for a matrix of attack outcomes, [..., sources, targets], in which lower means a stronger attack.  Within
a family the sources are its widths, then the mean direction and random signs, and the targets its widths; across families the
sources are the families, then random signs, and the targets the families.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lib.rules import above, every
from lib.statistics.sample import Sample
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged

MEAN, RANDOM = -2, -1  # their rows; RANDOM across families too


@dataclass(frozen=True)
class Attacked:
    """Outcomes of attacks on some targets.

    Attributes:
        outcome: a matrix as above; its units are groups of networks.
        names: of its targets, widths or families.
        networks: how many attack and are attacked; `with_mean`: how many they are together with those of the means.
    """

    outcome: Sample
    names: Sequence
    networks: int
    with_mean: int = 0

    def judged(self, rows: Sequence[Row], **words: object) -> list[Claim]:
        """The claims, with rules that say how many samples an interval has: far fewer than there are networks."""
        samples = f"samples: {self.outcome.networks[0]} groups of networks, and the images"
        return [replace(claim, rule=f"{claim.rule}; {samples}") for claim in judged(rows, self, **words)]


def fall_a_doubling(sources: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """By how much averages over targets [..., widths] fall when the source width doubles, by least squares: [...]."""
    doublings = np.log2(widths) - np.log2(widths).mean()
    return -sources @ doublings / (doublings**2).sum()


def single(outcome: np.ndarray) -> np.ndarray:
    """The square part of the matrix, sources that are single networks: -> [..., widths, widths]."""
    return outcome[..., :MEAN, :]


def source_means(outcome: np.ndarray) -> np.ndarray:
    """Mean over targets of the attacks by single networks: -> [..., widths]."""
    return single(outcome).mean(-1)


def source_falls(outcome: np.ndarray) -> np.ndarray:
    """By how much the average over targets falls at each step of the source width: -> [..., widths - 1]."""
    return -np.diff(source_means(outcome), axis=-1)


def source_less_target_spread(outcome: np.ndarray) -> np.ndarray:
    """Standard deviation of the averages of source widths less that of target widths: -> [...]."""
    return source_means(outcome).std(-1) - single(outcome).mean(-2).std(-1)


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
    return np.nonzero(~np.eye(families, dtype=bool))


ATTACKS = (
    Row(
        "07-wide-sources-{family}",
        "Wide networks of {family} attack better than narrow ones.",
        "Great Minds, Fig. 25",
        "fall of alpha with a doubling of the source width, by least squares, averaged over targets",
        lambda at: at.outcome.estimated(lambda alpha: fall_a_doubling(source_means(alpha), at.names), at.networks),
        level=HEADLINE,
    ),
    Row(
        "07-wide-sources-every-step-{family}",
        "Each larger width of {family} attacks better than the one before.",
        "Great Minds, Fig. 25",
        "fall of alpha at a step of the source width, averaged over targets",
        lambda at: at.outcome.estimated(source_falls, at.networks),
        rule=every(above(0)),
        places=lambda at: [f"k = {a} to {b}" for a, b in zip(at.names, at.names[1:])],
    ),
    Row(
        "07-target-little-{family}",
        "In {family} an attack depends less on the target's width than on the source's.",
        "Great Minds, Fig. 25",
        "standard deviation of alpha over source widths less that over target widths",
        lambda at: at.outcome.estimated(source_less_target_spread, at.networks),
    ),
    Row(
        "07-mean-direction-best-{family}",
        "The mean direction of narrow networks of {family} attacks better than a network of the largest width.",
        "Great Minds, Fig. 11",
        "alpha of the largest width less that of the mean direction",
        lambda at: at.outcome.estimated(lead_over_largest, at.with_mean),
        rule=every(above(0)),
        places=lambda at: [f"target k = {width}" for width in at.names],
        level=HEADLINE,
    ),
    Row(
        "07-mean-direction-own-width-{family}",
        "The mean direction of narrow networks of {family} attacks better than another network of the target's width, "
        "for targets below the largest width.",
        "Great Minds, Fig. 11",
        "alpha of the target's own width less that of the mean direction",
        lambda at: at.outcome.estimated(lead_over_own_width, at.with_mean),
        rule=every(above(0)),
        places=lambda at: [f"target k = {width}" for width in at.names[:-1]],
        level=HEADLINE,
    ),
    Row(
        "07-beyond-random-{family}",
        "Networks of {family}, of every width, attack better than random signs do.",
        "ours",
        "alpha of random signs less that of the networks, averaged over targets",
        lambda at: at.outcome.estimated(lead_over_random, at.networks),
        rule=every(above(0)),
        places=lambda at: [f"source k = {width}" for width in at.names],
        level=MACHINERY,
    ),
)
ACROSS = Row(
    "07-cross-family",
    "Networks of one family attack those of every other family better than random signs do.",
    "ours",
    "alpha of random signs less that of a network of another family",
    lambda at: at.outcome.estimated(lead_across, at.networks),
    rule=every(above(0)),
    places=lambda at: [f"{at.names[i]} against {at.names[j]}" for i, j in zip(*other_families(len(at.names)))],
)


def attack_claims(family: str, outcome: Sample, widths: Sequence[int], networks: int, with_mean: int) -> list[Claim]:
    """The claims about one family at one eps; numbers of networks as in `Attacked`."""
    return Attacked(outcome, widths, networks, with_mean).judged(ATTACKS, family=family)


def across_claims(families: Sequence[str], outcome: Sample, networks: int) -> list[Claim]:
    """The claim about attacks between families at one width and one eps; none for a single family."""
    return Attacked(outcome, families, networks).judged([ACROSS] if len(families) > 1 else [])
