"""Intervals for expected similarities that count both networks and images as samples.

A bootstrap draw gives every network and every image a weight.  Networks: N - 1 draws with replacement out of N, whose
variance is that of a mean of N (N draws give (N - 1) / N of it, too narrow for few networks), drawn again until two
different ones are among them (of 3 networks this halves their part of the variance); images: n out of n.  The standard deviation of the draws times a Student quantile gives
the interval; tests/test_bootstrap.py measures how often it holds the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from scipy.stats import ttest_ind

from lib.similarity import has_direction, warn_of_zeros

CHUNK = 64  # images whose pair cosines are in memory at once


@dataclass(frozen=True, eq=False)
class SimilarityMatrix:
    """Expected similarity between several populations.

    Attributes:
        values: [populations, populations], rho(k1, k2) over pairs of different networks.
        draws: [draws, populations, populations], its bootstrap draws; NaN on the diagonal for 2 networks.
        networks: how many networks each population has.
        images: how many images were averaged over.
    """

    values: np.ndarray
    draws: np.ndarray
    networks: tuple[int, ...]
    images: int

    def interval(self, statistic=lambda matrix: matrix, level: float = 0.95
                 ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A function of the matrix with its interval: -> estimate, low, high.

        `statistic` maps [..., populations, populations] to [..., any]; the degrees of freedom are those of the
        smallest population.  With 2 networks a population's own similarity has no interval: NaN.
        """
        estimate = statistic(self.values)
        deviation = np.std(statistic(self.draws), axis=0, ddof=1)
        margin = student.ppf(0.5 + level / 2, min(self.networks) - 1) * deviation
        return estimate, estimate - margin, estimate + margin


def similarity_matrix(populations: Sequence[np.ndarray], rng: np.random.Generator, draws: int = 500
                      ) -> SimilarityMatrix:
    """rho(k1, k2) of all pairs of populations, each [networks, images, dims], with bootstrap draws.

    Raises:
        ValueError: a population of fewer than 2 networks, or populations on different images.
    """
    populations = [np.asarray(population) for population in populations]
    sizes = tuple(len(population) for population in populations)
    if min(sizes) < 2:
        raise ValueError(f"every population needs at least 2 networks, not {min(sizes)}")
    if len({population.shape[1:] for population in populations}) > 1:
        raise ValueError("all populations need the same images and dims")
    warn_of_zeros(*map(has_direction, populations))
    directions = np.concatenate(populations)
    images = directions.shape[1]
    image_weights = np.vstack([np.ones(images), rng.multinomial(images, np.full(images, 1 / images), draws)])
    network_weights = np.vstack([np.ones(sum(sizes)), np.hstack([_draw_networks(size, rng, draws) for size in sizes])])
    values = _weighted_similarity(_pair_means(directions, image_weights), network_weights, sizes)
    return SimilarityMatrix(values[0], values[1:], sizes, images)


def mean_interval(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the first axis, one value a network, with its Student interval: -> mean, low, high."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        raise ValueError(f"an interval needs at least 2 networks, not {len(values)}")
    margin = student.ppf(0.5 + level / 2, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), values.mean(axis=0) - margin, values.mean(axis=0) + margin


def difference_interval(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Difference of the means of two sets of networks with Welch's interval: -> mean(a) - mean(b), low, high."""
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(level)
    return float(np.mean(a) - np.mean(b)), float(low), float(high)


def _draw_networks(size: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """[draws, size] how often each network was drawn; of 3 or more at least two different ones."""
    weights = rng.multinomial(size - 1, np.full(size, 1 / size), draws)
    while size > 2 and (lonely := (weights > 0).sum(1) < 2).any():
        weights[lonely] = rng.multinomial(size - 1, np.full(size, 1 / size), lonely.sum())
    return weights


def _pair_means(directions: np.ndarray, image_weights: np.ndarray) -> np.ndarray:
    """Weighted mean cosine over images of each pair of networks, for each row of weights: -> [rows, N, N].

    NaN for two networks without an image on which both have a direction.
    """
    count = len(directions)
    cosines = np.zeros((len(image_weights), count * count))
    weights = np.zeros_like(cosines)
    for start in range(0, directions.shape[1], CHUNK):
        part = directions[:, start:start + CHUNK].transpose(1, 0, 2).astype(float)  # [images, N, d]
        has = has_direction(part).astype(float)
        weight = image_weights[:, start:start + CHUNK]
        cosines += weight @ (part @ part.transpose(0, 2, 1)).reshape(len(part), -1)
        weights += weight @ (has[:, :, None] * has[:, None, :]).reshape(len(part), -1)
    means = np.divide(cosines, weights, where=weights > 0, out=np.full_like(cosines, np.nan))
    return means.reshape(-1, count, count)


def _weighted_similarity(pairs: np.ndarray, weights: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Average [rows, N, N] over pairs of different networks of each two populations: -> [rows, W, W]."""
    member = np.repeat(np.eye(len(sizes)), sizes, axis=0)  # [N, W]
    grouped = weights[:, :, None] * member  # [rows, N, W]
    # A network is no pair with itself, also when it was drawn twice.
    usable = np.isfinite(pairs) & ~np.eye(len(member), dtype=bool)
    totals = grouped.transpose(0, 2, 1) @ np.where(usable, pairs, 0.0) @ grouped
    counts = grouped.transpose(0, 2, 1) @ usable.astype(float) @ grouped
    return np.divide(totals, counts, where=counts > 0, out=np.full_like(totals, np.nan))
