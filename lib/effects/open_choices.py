"""The same gradients under other choices: a coarser grid, fewer images, only images that networks get right.

Directions are [networks, images, dims], as `lib.salience.population_directions` gives them; a zero row is left out of
averages over images.  Nothing here computes a gradient anew.
"""

from dataclasses import replace

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.salience import direction_store, extraction
from lib.salience.direction_store import population_logits
from lib.similarity.crossed import similarity_matrix
from lib.statistics.intervals import Interval
from lib.training.populations import Population, train_or_load
from lib.training.specification import Specification


def coarser(directions: np.ndarray, channels: int, grid: int) -> np.ndarray:
    """Directions on a coarser grid, [networks, n, channels * size^2] -> [networks, n, channels * grid^2] float32.

    An average over areas is linear and a direction has no length, so that it makes no difference whether gradients are
    averaged before they are scaled to unit length, as the authors' program does, or after.

    Raises:
        ValueError: a grid that does not divide the one that the directions have.
    """
    networks, images, dims = directions.shape
    size = round((dims / channels) ** 0.5)
    if grid < 1 or size % grid:
        raise ValueError(f"a grid of {size} can be made coarser to a grid that divides it, not to {grid}")
    pictures = torch.tensor(directions).reshape(networks * images, channels, size, size)
    return extraction.directions(pictures, grid=grid).reshape(networks, images, -1).numpy()


def right_only(directions: np.ndarray, population: Population, images: ImageData) -> np.ndarray:
    """The directions with a zero row for every network at every test image that it gets wrong.

    Two networks are then compared on the images that both get right.

    Raises:
        ValueError: directions of fewer networks than the population has, of which it is not known whose they are.
    """
    if len(directions) != len(population):
        lost = f"{len(population) - len(directions)} networks without a gradient were left out"
        name = population.specification.name
        raise ValueError(f"{name}: {lost}, so that it is not known whose directions these are")
    labels = images.test_labels.numpy()
    right = population_logits({0: population}, images)[0].argmax(-1) == labels
    return np.where(right[:, :, None], directions, 0)


def by_epochs(
    specification: Specification,
    seeds: int,
    images: ImageData,
    *,
    output: str,
    grid: int | None,
    rng: np.random.Generator,
    draws: int,
) -> dict[int, Interval]:
    """rho(k, k) of one population after each of its snapshots: epochs -> interval over networks and images."""
    requests = {replace(specification, epochs=count): range(seeds) for count in specification.snapshots}
    populations = {one.epochs: population for one, population in train_or_load(requests).items()}
    directions = direction_store.population_directions(populations, images, output=output, grid=grid)
    matrices = {count: similarity_matrix([found], rng, draws) for count, found in directions.items()}
    return {count: tuple(float(part.item()) for part in matrix.interval()) for count, matrix in matrices.items()}


def overlap(one: Interval, other: Interval) -> bool:
    """Whether two intervals (estimate, low, high) have a value in common."""
    return one[1] <= other[2] and other[1] <= one[2]
