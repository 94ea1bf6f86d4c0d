"""Populations of known directions, and scores of networks of different skill."""

import numpy as np

from lib.similarity.mean_directions import planted_population
from lib.sphere import uniform_directions, vmf_concentration, von_mises_fisher


def planted(networks, images, rng, truth=0.5, dim=32):
    """Von Mises-Fisher directions of the mean resultant length `truth`."""
    return planted_population(von_mises_fisher(float(vmf_concentration(truth, dim)), dim), networks, images, rng)


def uneven(networks, images, rng, dim=32):
    """Directions about the first axis; networks keep to it closely or hardly."""
    quality = rng.uniform(0.05, 0.95, (networks, 1, 1))
    across = uniform_directions(rng, networks * images, dim - 1).reshape(networks, images, dim - 1)
    return np.concatenate([np.broadcast_to(quality, (networks, images, 1)), np.sqrt(1 - quality**2) * across], axis=2)


def scored(networks, images, rng):
    """Scores and labels of networks of different skill that are right more often than not."""
    labels = rng.integers(0, 4, images)
    skill = rng.uniform(1, 3, (networks, 1, 1))
    return rng.standard_normal((networks, images, 4)) + skill * np.eye(4)[labels], labels


# Three networks that point one way and three that point the other: no mean direction.
OPPOSITE = np.array([1, -1, 1, -1, 1, -1])[:, None, None] * np.ones((6, 10, 1)) * [1.0, 0.0, 0.0]
