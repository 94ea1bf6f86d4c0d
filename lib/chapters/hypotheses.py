"""Chapter 4: do directions of one family concentrate (H1), about one mean direction (H2), and what do narrow networks foretell?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.gates import Gate
from lib.rules import above, below, within
from lib.rules_of_several import every
from lib.similarity.rank_one import (
    cosines,
    direction_cosine,
    pairs,
    predicted_resultant,
    predicted_similarity,
    ratio,
    residual_size,
    resultants,
)
from lib.statistics.sample import Sample
from lib.verdicts import HEADLINE, Claim, Row, judged

ALIKE = 0.9  # a corrected mean-direction cosine above this counts as one shared direction
OFF = 0.1  # a root mean square residual below this share of rho counts as rank one
FORETOLD = within(0.9, 1.1)  # predicted over measured


@dataclass(frozen=True)
class Family:
    """rho(k1, k2) of one family, a network left out and images drawn again as in `Sample`, and its widths."""

    matrix: Sample
    widths: Sequence[int]

    @property
    def words(self) -> dict[str, int]:
        """What fills the rows' texts beside the family's name."""
        return {"widest": self.widths[-1]}


def falls(rho: np.ndarray) -> np.ndarray:
    """How much the spherical variance 1 - R falls at each step: [..., widths, widths] -> [..., widths - 1]."""
    return np.diff(resultants(rho), axis=-1)


def cosines_of_two(rho: np.ndarray) -> np.ndarray:
    """Corrected mean-direction cosines of all pairs of widths: [..., widths, widths] -> [..., pairs]."""
    return pairs(cosines(rho))


def resultant_ratio(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Predicted E[t] of the last width over the measured one: [..., widths, widths] -> [...]."""
    return ratio(predicted_resultant(rho, widths), resultants(rho)[..., -1])


def similarity_ratio(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """rho(k, last) predicted over measured, for every k: [..., widths, widths] -> [..., widths]."""
    return ratio(predicted_similarity(rho, widths), rho[..., -1])


def lead(rho: np.ndarray, networks: Sequence[int]) -> np.ndarray:
    """By how much the mean of the narrow networks is closer to the widest mean direction than one wide network."""
    return direction_cosine(rho, networks) - resultants(rho)[..., -1]


# Chapters 9 and A1 put the same rows to other populations: evidence is whatever has a matrix and widths.
H1 = Row(
    "04-h1-{family}",
    "H1: the directions of {family} concentrate as the width grows.",
    "Great Minds, Fig. 4",
    "mean fall of the spherical variance 1 - E[t] at a step of the width",
    of=lambda one: one.matrix.estimated(lambda rho: falls(rho).mean(-1)),
    level=HEADLINE,
    formula=r"1 - \mathbb E[t_k] \text{ falls with } k, \quad t_k = \mu_k \cdot u_k",
)
H1_EVERY_STEP = Row(
    "04-h1-every-step-{family}",
    "H1 at every step: each larger width of {family} has the smaller spherical variance.",
    "Great Minds, Fig. 4",
    "fall of 1 - E[t] at a step of the width",
    of=lambda one: one.matrix.estimated(falls),
    rule=every(above(0)),
    places=lambda one: [f"k = {a} to {b}" for a, b in zip(one.widths, one.widths[1:])],
)
H2 = Row(
    "04-h2-{family}",
    "H2: all widths of {family} share almost one mean direction.",
    "Great Minds, abstract; Fig. 4",
    "corrected mean-direction cosine of two widths",
    of=lambda one: one.matrix.estimated(cosines_of_two).cut(-1, 1),
    rule=every(above(ALIKE)),
    places=lambda one: [
        f"k = {one.widths[i]} and {one.widths[j]}" for i, j in zip(*np.triu_indices(len(one.widths), 1))
    ],
    level=HEADLINE,
    formula=rf"\mu_{{k_1}} \cdot \mu_{{k_2}} > {ALIKE} \quad \text{{for every }} k_1 \neq k_2",
)
RANK_ONE = Row(
    "04-rank-one-{family}",
    "The similarities of {family} follow log rho(k1, k2) = a(k1) + a(k2).",
    "ours, from H1 and H2",
    "root mean square residual of that fit, a share of rho",
    of=lambda one: one.matrix.estimated(residual_size).cut(0, np.inf),
    rule=below(OFF),
)
PROMISE = (
    Row(
        "04-predict-mean-cosine-{family}",
        "The narrow networks of {family} foretell E[t] of the widest.",
        "ours, from the abstract",
        "E[t] at k = {widest}, by a power law of the others, over measured",
        of=lambda one: one.matrix.estimated(partial(resultant_ratio, widths=one.widths)),
        rule=FORETOLD,
    ),
    Row(
        "04-predict-similarity-{family}",
        "The narrow networks of {family} foretell their similarity to the widest, and that of the widest to each "
        "other.",
        "ours, from the abstract",
        "predicted over measured",
        of=lambda one: one.matrix.estimated(partial(similarity_ratio, widths=one.widths)),
        rule=every(FORETOLD),
        places=lambda one: [f"rho({k}, {one.widths[-1]})" for k in one.widths],
    ),
    Row(
        "04-predict-direction-{family}",
        "The mean of all narrow networks of {family} is closer to the widest mean direction than a network of that "
        "width is.",
        "Great Minds, abstract",
        "difference of the two cosines with that direction",
        of=lambda one: one.matrix.estimated(partial(lead, networks=one.matrix.networks)),
        level=HEADLINE,
        formula=r"\frac{\bar u_{\text{narrow}}}{\lVert \bar u_{\text{narrow}} \rVert} \cdot \mu_K > \mathbb E[t_K], \quad "
        r"\bar u_{\text{narrow}} \text{ the mean over all networks with } k < K",
    ),
)


def family_claims(
    rows: Sequence[Row], families: Mapping[str, Family], gates: Mapping[str, Sequence[Gate]]
) -> list[Claim]:
    """The claims of each of the families, behind its gates."""
    return [
        claim
        for family, one in families.items()
        for claim in judged(rows, one, gates[family], family=family, **one.words)
    ]
