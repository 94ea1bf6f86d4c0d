"""How alike directions are: all pairs of networks, intervals over images and networks, Wasserstein-1 distances."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch.nn import functional as F

from benchmarks.measuring import Case, Cases, largest
from lib import similarity
from lib.similarity.crossed import similarity_matrix
from lib.statistics.sample import image_counts

DRAWS = 500


def directions(networks: int, images: int, dims: int, seed: int = 0) -> np.ndarray:
    """Unit rows [networks, images, dims] float32 that have something in common at every image."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((networks, images, dims), dtype=np.float32)
    found += rng.standard_normal((images, dims), dtype=np.float32)
    found /= np.sqrt(np.vecdot(found, found))[..., None]
    return found


def double_loop(rows: torch.Tensor) -> np.ndarray:
    """[networks, networks]: every pair once, image by image."""
    found = np.eye(len(rows))
    for i, j in combinations(range(len(rows)), 2):
        found[i, j] = found[j, i] = F.cosine_similarity(rows[i], rows[j], dim=1).mean()
    return found


def pairs(networks: int, images: int, dims: int) -> Case:
    rows = directions(networks, images, dims)
    flat, as_tensor = rows.reshape(networks, -1), torch.from_numpy(rows)
    return Case(
        "pairwise similarity",
        f"{networks} networks, {images} images, {dims} numbers",
        lambda: similarity.pairwise(rows),
        {"loop of F.cosine_similarity": lambda: double_loop(as_tensor)},
        ("the matrix product alone", lambda: flat @ flat.T),
        largest,
        1e-5,
        goal=50,
        share=0.5,
        repeats=3,
    )


def computed_again(populations: Sequence[np.ndarray]) -> np.ndarray:
    """[populations, populations], similarities on images that are drawn again as the first draw of ours does."""
    images = populations[0].shape[1]
    counts = image_counts(images, np.random.default_rng(0), 1)[0]
    drawn = [population[:, np.repeat(np.arange(images), counts)] for population in populations]
    return np.array([[similarity.expected(a, None if a is b else b) for b in drawn] for a in drawn])


def intervals(widths: int, networks: int, images: int, dims: int) -> Case:
    populations = [directions(networks, images, dims, seed) for seed in range(widths)]
    draws = {"resampling and computing again": DRAWS}
    return Case(
        "similarity matrix with its intervals",
        f"{widths} widths, {networks} networks each, {images} images, {dims} numbers, {DRAWS} draws",
        lambda: similarity_matrix(populations, np.random.default_rng(0), DRAWS),
        {name: lambda: computed_again(populations) for name in draws},
        ("reading the directions once", lambda: [np.dot(one.ravel(), one.ravel()) for one in populations]),
        lambda ours, theirs: largest(ours.by_images[0], theirs),
        1e-5,
        times=draws,
        goal=50,
        repeats=2,
    )


def distances(networks: int, images: int) -> Case:
    samples = np.random.default_rng(0).standard_normal((networks, images)) ** 3

    def one_by_one() -> np.ndarray:
        found = np.zeros((networks, networks))
        for i, j in combinations(range(networks), 2):
            found[i, j] = found[j, i] = wasserstein_distance(samples[i], samples[j])
        return found

    return Case(
        "Wasserstein-1 distances",
        f"all pairs of {networks} networks, {images} values",
        lambda: similarity.wasserstein(samples),
        {"loop of scipy.stats": one_by_one},
        ("sorting once", lambda: np.sort(samples, axis=1)),
        largest,
        1e-10,
        goal=100,
        repeats=3,
    )


def cases(quick: bool) -> Cases:
    yield pairs(6, 20, 12) if quick else pairs(100, 2000, 192)
    yield intervals(2, 3, 30, 12) if quick else intervals(5, 20, 10_000, 192)
    yield distances(5, 50) if quick else distances(100, 2000)
