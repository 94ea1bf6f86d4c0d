"""Chapter 21: how often its intervals hold the truth in planted populations, whose similarities are what the law says."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib import sphere
from lib.chapters.foretold import Foretold, direction_ratio, narrow_ratios
from lib.similarity.crossed import similarity_matrix
from lib.similarity.foretold import from_diagonal
from lib.similarity.mean_directions import planted_population
from lib.similarity.rank_one import pairs, ratio
from lib.sphere.saw import von_mises_fisher
from lib.statistics.sample import Sample

DRAWS = 50  # of images, a trial


def planted(
    resultants: Sequence[float] | np.ndarray,
    networks: int,
    images: int,
    dim: int,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Sample:
    """rho of populations with these E[t] about one mean direction, which obey the law."""
    laws = [von_mises_fisher(float(sphere.vmf_concentration(r, dim)), dim) for r in resultants]
    return similarity_matrix([planted_population(law, networks, images, rng) for law in laws], rng, draws)


def coverage(
    widths: Sequence[int],
    narrow: Sequence[int],
    first: float,
    exponent: float,
    networks: int,
    images: int,
    dim: int,
    trials: int,
    rng: np.random.Generator,
) -> Mapping[str, float]:
    """Share of 95 % intervals of foretold over measured that hold 1, by what they foretell.

    E[t] of the planted widths is first * (k / narrowest)^exponent.
    """
    resultants = first * (np.asarray(widths) / widths[0]) ** exponent
    statistics = {
        "similarities, from the diagonal": lambda rho, one: pairs(ratio(from_diagonal(rho), rho)),
        "similarities, from two widths": narrow_ratios,
        "mean direction, from two widths": direction_ratio,
    }
    held: dict[str, list[float]] = {name: [] for name in statistics}
    for _ in range(trials):
        matrix = planted(resultants, networks, images, dim, rng)
        one = Foretold(matrix, matrix, widths, narrow)  # attacks are not looked at
        for name, statistic in statistics.items():
            _, low, high = matrix.interval(lambda rho: statistic(rho, one))
            held[name].append(float(np.mean((low <= 1) & (1 <= high))))
    return {name: float(np.mean(shares)) for name, shares in held.items()}
