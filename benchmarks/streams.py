"""Work that is large in everything, and what it may hold: each in a process of its own, at full size, once."""

import os
import tempfile
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.measuring import held_while, peak
from benchmarks.similarity import directions
from lib.cka import linear_cka
from lib.data import ImageData
from lib.salience import population_directions
from lib.similarity import pairwise_of_parts
from lib.similarity.crossed import similarity_matrix
from lib.training import TrainedNetwork
from lib.training.populations import Population
from lib.training.specification import specify

PART = 50  # images that are there at once


def pairs(networks: int, images: int, dims: int) -> None:
    """Every pair from parts of the images; where they come from, here memory, is not what is measured."""
    part = directions(networks, PART, dims)

    def parts() -> Iterator[np.ndarray]:
        for _ in range(images // PART):
            yield part

    pairwise_of_parts(parts())


def intervals(networks: int, images: int, dims: int, draws: int) -> None:
    populations = [directions(networks, images, dims, seed) for seed in range(5)]
    similarity_matrix(populations, np.random.default_rng(0), draws)


def cka(images: int, features: int) -> None:
    rng = np.random.default_rng(0)
    linear_cka(rng.standard_normal((images, features)), rng.standard_normal((images, features)), unbiased=False)


def gradients(networks: int, images: int) -> None:
    """Directions of untrained networks at full resolution, computed and stored."""
    rng = torch.Generator().manual_seed(0)
    pixels, labels = torch.randn(images, 3, 32, 32, generator=rng), torch.randint(10, (images,), generator=rng)
    data = ImageData("noise", 0, pixels[:10], labels[:10], pixels, labels, tuple("0123456789"), (0.0,) * 3, (1.0,) * 3)
    specification = specify(data, "cnn-small", 4)
    states = [specification.initial(seed).state_dict() for seed in range(networks)]
    known = tuple(TrainedNetwork(seed, state, [], [], [], [], [], [], "cpu", 0.0) for seed, state in enumerate(states))
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, GREATMINDS_ARTIFACTS=folder):
        population_directions({"noise": Population(specification, known)}, data, grid=None)


def found(quick: bool) -> list[dict]:
    """work -> bytes that were held, those of what is given or returned, and seconds."""
    sizes = (4, 100, 12) if quick else (300, 10_000, 3072)
    several = (3, 60, 12) if quick else (20, 10_000, 192)
    many, few = (2100, 8) if quick else (12_000, 64), (3, 20) if quick else (20, 2000)
    numbers = "{} networks, {} images, {} numbers"
    works = [
        (
            "pairwise similarity from parts of the images, " + numbers.format(*sizes),
            pairs,
            sizes,
            sizes[0] * PART * sizes[2],
        ),
        *(
            (
                f"similarity matrix, 5 x {numbers.format(*several)}, {draws} draws",
                intervals,
                (*several, draws),
                5 * int(np.prod(several)),
            )
            for draws in (100, 1000)
        ),
        ("biased CKA, {} images, {} features".format(*many), cka, many, 4 * many[0] * many[1]),
        ("input gradients at full size, {} networks, {} images".format(*few), gradients, few, few[0] * few[1] * 3072),
    ]
    rows = []
    for work, function, arguments, own in works:
        held, seconds = held_while(function, arguments) if quick else peak(function, *arguments)
        rows.append({"work": work, "bytes": held, "own": 4 * own, "seconds": round(seconds, 2)})
    return rows
