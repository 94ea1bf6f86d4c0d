"""Expected similarities as samples of networks and images (`lib.statistics.sample`).

tests/test_bootstrap.py measures how often an interval holds the truth.
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.cosines import checked, has_direction, warn_of_zeros
from lib.statistics.sample import Sample, image_counts

CHUNK = 64  # images whose pair cosines are in memory at once
BLOCK = 50  # draws whose pair means are in memory at once
JOINT = 20  # no more than BLOCK: draws of images that are repeated without each network: their variances are averaged


def similarity_matrix(populations: Sequence[np.ndarray], rng: np.random.Generator, draws: int = 500) -> Sample:
    """rho(k1, k2) of all pairs of populations, each [networks, images, dims], with what its intervals are made from.

    Memory does not grow with the number of draws, except for one matrix a draw.

    Raises:
        ValueError: a population of fewer than 2 networks, or populations on different images.
    """
    populations = [np.asarray(population) for population in populations]
    first = checked(populations[0])
    populations = [first, *(checked(population, like=first) for population in populations[1:])]
    sizes = tuple(len(population) for population in populations)
    if min(sizes) < 2:
        raise ValueError(f"every population needs at least 2 networks, not {min(sizes)}")
    warn_of_zeros(*map(has_direction, populations))
    directions = np.concatenate(populations)
    images = directions.shape[1]
    pairs = _pair_means(directions, np.ones((1, images)))
    by_images, jointly = [], None
    for start in range(0, draws, BLOCK):
        drawn = _pair_means(directions, image_counts(images, rng, min(BLOCK, draws - start)))
        by_images.append(_group_means(drawn, sizes))
        if start == 0:
            jointly = _without_each(drawn[:JOINT], sizes)
    return Sample(
        _group_means(pairs, sizes)[0], _without_each(pairs, sizes)[0], np.concatenate(by_images), jointly, sizes, images
    )


def _pair_means(directions: np.ndarray, image_weights: np.ndarray) -> np.ndarray:
    """Weighted mean cosine over images of each pair of networks, for each row of weights: -> [rows, N, N].

    NaN for two networks without an image on which both have a direction, and for a network with itself.
    """
    count = len(directions)
    cosines = np.zeros((len(image_weights), count * count))
    weights = np.zeros_like(cosines)
    for start in range(0, directions.shape[1], CHUNK):
        part = directions[:, start : start + CHUNK].transpose(1, 0, 2).astype(float)  # [images, N, d]
        has = has_direction(part).astype(float)
        weight = image_weights[:, start : start + CHUNK]
        cosines += weight @ (part @ part.transpose(0, 2, 1)).reshape(len(part), -1)
        weights += weight @ (has[:, :, None] * has[:, None, :]).reshape(len(part), -1)
    means = np.divide(cosines, weights, where=weights > 0, out=np.full_like(cosines, np.nan))
    means[:, :: count + 1] = np.nan
    return means.reshape(-1, count, count)


def _sums(pairs: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the pairs of each network with each population: two times [rows, N, populations]."""
    member = np.repeat(np.eye(len(sizes)), sizes, axis=0)  # [N, populations]
    return np.nan_to_num(pairs) @ member, np.isfinite(pairs) @ member


def _group_means(pairs: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Average of [rows, N, N] over the pairs between each two populations: -> [rows, populations, populations]."""
    member = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    totals, counts = (member.T @ part for part in _sums(pairs, sizes))
    return np.divide(totals, counts, where=counts > 0, out=np.full_like(totals, np.nan))


def _without_each(pairs: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """`_group_means` without each network in turn: [rows, N, N] -> [rows, N, populations, populations]."""
    member = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    totals, counts = (
        (member.T @ part)[:, None] - member[:, :, None] * part[:, :, None, :] - member[:, None, :] * part[:, :, :, None]
        for part in _sums(pairs, sizes)
    )
    # A network's pairs within its own population stood in two places of the sum: it left with both.
    return np.divide(totals, counts, where=counts > 0.5, out=np.full_like(totals, np.nan))
