"""The claims of chapter 4 about H1, H2 and the rank-one law that follows from them, and all of a family together."""

from collections.abc import Sequence

import numpy as np

from lib.chapters.individual_similarity import Growth, growth_claims
from lib.similarity.rank_one import cosines, explained, resultants
from lib.statistics.sample import Sample
from lib.verdicts import Claim, all_above, judge_above

ALIKE = 0.9  # a corrected mean-direction cosine above this counts as one shared direction (fact sheet 9.3)
EXPLAINED = 0.95  # R^2 above this counts as rank one (fact sheet 9.2)


def family_claims(family: str, matrix: Sample, widths: Sequence[int], chance: tuple[float, float]
                  ) -> list[Claim]:
    """All that chapters 3 and 4 claim of one family: similarity grows, H1, H2 and the rank-one law.

    `chance`: as of `lib.chapters.individual_similarity.growth_claims`.
    """
    return [*growth_claims(family, Growth(matrix, widths, chance)), *variance_claims(family, matrix, widths),
            direction_claim(family, matrix, widths), rank_one_claim(family, matrix)]


def falls(rho: np.ndarray) -> np.ndarray:
    """How much the spherical variance 1 - R falls at each step: [..., widths, widths] -> [..., widths - 1]."""
    return np.diff(resultants(rho), axis=-1)


def variance_claims(family: str, matrix: Sample, widths: Sequence[int]) -> list[Claim]:
    """H1 on average over the steps of the width, and at each of them."""
    size = sum(matrix.networks), matrix.images
    mean = matrix.interval(lambda rho: falls(rho).mean(-1))
    return [
        Claim(f"04-h1-{family}", f"H1: the directions of {family} concentrate as the width grows.",
              "mean fall of the spherical variance 1 - E[t] at a step of the width", *map(float, mean), *size,
              "95 % interval above zero", judge_above(*mean[1:])),
        all_above(f"04-h1-every-step-{family}", f"H1 at every step: each larger width of {family} has the smaller "
                  "spherical variance.", "fall of 1 - E[t] at a step of the width",
                  lambda level: matrix.interval(falls, level), 0, *size,
                  [f"k = {a} to {b}" for a, b in zip(widths, widths[1:])]),
    ]


def direction_claim(family: str, matrix: Sample, widths: Sequence[int]) -> Claim:
    """H2 within a family: all pairs of widths."""
    pairs = np.triu_indices(len(widths), 1)
    return all_above(f"04-h2-{family}", f"H2: all widths of {family} share almost one mean direction.",
                     "corrected mean-direction cosine of two widths",
                     lambda level: matrix.interval(lambda rho: cosines(rho)[..., *pairs], level), ALIKE,
                     sum(matrix.networks), matrix.images, [f"k = {widths[i]} and {widths[j]}" for i, j in zip(*pairs)])


def across_claim(matrix: Sample, family_of: Sequence[str], width_of: Sequence[int]) -> Claim:
    """H2 beyond what the paper says: mean directions shared by different families, at all their widths.

    `family_of`, `width_of`: of each population of the matrix.
    """
    named = [f"{family} k = {width}" for family, width in zip(family_of, width_of)]
    return all_above("04-h2-across-families", "Different families share almost one mean direction too.",
                     "corrected mean-direction cosine of two populations of different families",
                     lambda level: matrix.interval(lambda rho: cosines(rho)[..., *across(family_of)], level), ALIKE,
                     sum(matrix.networks), matrix.images,
                     [f"{named[i]} and {named[j]}" for i, j in zip(*across(family_of))])


def across(family_of: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column, row < column, of all pairs of populations from different families."""
    names = np.asarray(family_of)
    return np.nonzero(np.triu(names[:, None] != names))


def rank_one_claim(family: str, matrix: Sample) -> Claim:
    """H1 and H2 together, as the law log rho = a_i + a_j."""
    interval = matrix.interval(explained)
    return Claim(f"04-rank-one-{family}", f"The similarities of {family} follow log rho(k1, k2) = a(k1) + a(k2).",
                 "R^2 of that fit, averages over images", *map(float, interval), sum(matrix.networks), matrix.images,
                 f"95 % interval above {EXPLAINED}", judge_above(*interval[1:], EXPLAINED))
