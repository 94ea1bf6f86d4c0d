"""Chapter 4: do directions concentrate (H1), about one mean direction (H2), and what do narrow networks foretell?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.rules import above, every, within
from lib.similarity.rank_one import (
    cosines,
    direction_cosine,
    explained,
    predicted_resultant,
    predicted_similarity,
    ratio,
    resultants,
)
from lib.statistics.sample import Estimated, Sample, side_by_side
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

ALIKE = 0.9  # a corrected mean-direction cosine above this counts as one shared direction (fact sheet 9.3)
EXPLAINED = 0.95  # R^2 above this counts as rank one (fact sheet 9.2)
FORETOLD = within(0.9, 1.1)  # predicted over measured

REAL, UNTRAINED, LABELS, WEIGHTS, ORDER = "trained", "untrained", "random labels", "same weights", "same order"
POPULATIONS = (REAL, UNTRAINED, LABELS, WEIGHTS, ORDER)


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
    return cosines(rho)[..., *np.triu_indices(rho.shape[-1], 1)]


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
    of=lambda one: one.matrix.estimated(cosines_of_two),
    rule=every(above(ALIKE)),
    places=lambda one: [
        f"k = {one.widths[i]} and {one.widths[j]}" for i, j in zip(*np.triu_indices(len(one.widths), 1))
    ],
    level=HEADLINE,
)
RANK_ONE = Row(
    "04-rank-one-{family}",
    "The similarities of {family} follow log rho(k1, k2) = a(k1) + a(k2).",
    "ours, from H1 and H2",
    "R^2 of that fit, averages over images",
    of=lambda one: one.matrix.estimated(explained),
    rule=above(EXPLAINED),
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
    ),
)


def family_claims(rows: Sequence[Row], families: Mapping[str, Family]) -> list[Claim]:
    """The claims of each of the families."""
    return [claim for family, one in families.items() for claim in judged(rows, one, family=family, **one.words)]


@dataclass(frozen=True)
class Everything:
    """rho of all populations, whatever their families, and the family and width of each."""

    matrix: Sample
    family_of: Sequence[str]
    width_of: Sequence[int]

    def across(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column, row < column, of all pairs of populations from different families."""
        names = np.asarray(self.family_of)
        return np.nonzero(np.triu(names[:, None] != names))

    def places(self) -> list[str]:
        """What each of those pairs is."""
        named = [f"{family} k = {width}" for family, width in zip(self.family_of, self.width_of)]
        return [f"{named[i]} and {named[j]}" for i, j in zip(*self.across())]


ACROSS = Row(
    "04-h2-across-families",
    "Different families share almost one mean direction too.",
    "ours",
    "corrected mean-direction cosine of two populations of different families",
    of=lambda one: one.matrix.estimated(lambda rho: cosines(rho)[..., *one.across()]),
    rule=every(above(ALIKE)),
    places=Everything.places,
)


def more_alike(matrices: Mapping[int, Sample], more: str, less: str) -> Estimated:
    """rho within one of POPULATIONS minus rho within another, at every width; `matrices`: width -> of POPULATIONS."""
    a, b = POPULATIONS.index(more), POPULATIONS.index(less)
    return side_by_side(
        [
            matrix.estimated(lambda rho: rho[..., a, a] - rho[..., b, b], matrix.networks[a] + matrix.networks[b])
            for matrix in matrices.values()
        ]
    )


def _control(name: str, says: str, more: str, less: str, level: str = DETAIL) -> Row:
    return Row(
        f"04-control-{name}-{{family}}",
        says,
        "ours",
        f"rho(k, k) {more} - {less}",
        of=partial(more_alike, more=more, less=less),
        rule=every(above(0)),
        places=lambda matrices: [f"k = {width}" for width in matrices],
        level=level,
    )


CONTROLS = (
    _control(
        "untrained",
        "Training makes networks of {family} more alike than they were before it.",
        REAL,
        UNTRAINED,
        MACHINERY,
    ),
    _control(
        "random-labels",
        "Networks of {family} are more alike for labels that mean something than for shuffled ones.",
        REAL,
        LABELS,
    ),
    _control(
        "memorising", "Even shuffled labels make networks of {family} more alike than no training.", LABELS, UNTRAINED
    ),
    _control(
        "same-weights",
        "Networks of {family} that start from the same weights are more alike than others.",
        WEIGHTS,
        REAL,
    ),
    _control(
        "same-order",
        "Networks of {family} that see the images in the same order are more alike than others.",
        ORDER,
        REAL,
    ),
)
