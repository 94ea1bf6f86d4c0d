"""The claims of chapter 4 about the practical promise: the narrow networks of a family foretell the widest."""

from collections.abc import Sequence

import numpy as np

from lib.similarity.rank_one import direction_cosine, predicted_resultant, predicted_similarity, ratio, resultants
from lib.statistics.sample import Sample
from lib.verdicts import Claim, all_within, judge_above, judge_within

BAND = 0.9, 1.1  # predicted over measured: within a tenth


def promise_claims(family: str, matrix: Sample, widths: Sequence[int]) -> list[Claim]:
    """E[t], rho and the mean direction of the last width, from the others."""
    last, size = widths[-1], (sum(matrix.networks), matrix.images)
    resultant = matrix.interval(lambda rho: resultant_ratio(rho, widths))
    direction = matrix.interval(lambda rho: lead(rho, matrix.networks))
    return [
        Claim(f"04-predict-mean-cosine-{family}", f"The narrow networks of {family} foretell E[t] of the widest.",
              f"E[t] at k = {last}, by a power law of the others, over measured", *map(float, resultant), *size,
              f"95 % interval within {BAND[0]} to {BAND[1]}; contradicted if it lies outside",
              judge_within(*resultant[1:], *BAND)),
        all_within(f"04-predict-similarity-{family}", f"The narrow networks of {family} foretell their similarity to "
                   "the widest, and that of the widest to each other.", "predicted over measured",
                   lambda level: matrix.interval(lambda rho: similarity_ratio(rho, widths), level), BAND, *size,
                   [f"rho({k}, {last})" for k in widths]),
        Claim(f"04-predict-direction-{family}", f"The mean of all narrow networks of {family} is closer to the widest "
              "mean direction than a network of that width is.", "difference of the two cosines with that direction",
              *map(float, direction), *size, "95 % interval above zero", judge_above(*direction[1:])),
    ]


def resultant_ratio(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Predicted E[t] of the last width over the measured one: [..., widths, widths] -> [...]."""
    return ratio(predicted_resultant(rho, widths), resultants(rho)[..., -1])


def similarity_ratio(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """rho(k, last) predicted over measured, for every k: [..., widths, widths] -> [..., widths]."""
    return ratio(predicted_similarity(rho, widths), rho[..., -1])


def lead(rho: np.ndarray, networks: Sequence[int]) -> np.ndarray:
    """By how much the mean of the narrow networks is closer to the widest mean direction than one wide network."""
    return direction_cosine(rho, networks) - resultants(rho)[..., -1]
