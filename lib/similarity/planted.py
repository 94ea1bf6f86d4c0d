"""Populations whose truth is known, to see what the estimators make of it."""

from collections.abc import Sequence

import numpy as np

from lib.similarity.mean_directions import mean_cosine_estimates
from lib.sphere.saw import Saw


def planted_population(saw: Saw, networks: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Independent directions [networks, images, dim] about the first axis; any other mu would do as well."""
    mu = np.eye(saw.dim)[0]
    return saw.sample(rng, mu, networks * images).reshape(networks, images, saw.dim)


def estimates_by_networks(saw: Saw, networks: Sequence[int], images: int, simulations: int, rng: np.random.Generator
                          ) -> dict[str, np.ndarray]:
    """Mean over simulations of each of `mean_cosine_estimates`, for populations of each size: name -> [networks]."""
    found = {}
    for count in networks:
        runs = [mean_cosine_estimates(planted_population(saw, count, images, rng)) for _ in range(simulations)]
        for name in runs[0]:
            found.setdefault(name, []).append(np.mean([run[name] for run in runs]))
    return {name: np.array(values) for name, values in found.items()}
