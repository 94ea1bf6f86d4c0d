"""Places of layers in networks of different depth: relative depth, and what lies between the layers of a shallower one."""

import numpy as np


def relative_depths(layers: int) -> np.ndarray:
    """0 for the stem to 1 for the last block: [layers].  Stages end at the same relative depths in every network."""
    return np.linspace(0, 1, layers)


def interpolation(layers: int, others: int) -> np.ndarray:
    """Weights [layers, other layers] of linear interpolation over relative depth."""
    return np.stack([np.interp(relative_depths(layers), relative_depths(others), row) for row in np.eye(others)], 1)


def at_depths(cka: np.ndarray, layers: int) -> np.ndarray:
    """A symmetric map with ones on its diagonal at the relative depths of another network: -> [layers, layers].

    CKA has a ridge along the diagonal, which interpolation across it would wear down: what lies on one side of it is
    mirrored to the other as going on straight, and the sides are put together afterwards.
    """
    weights = interpolation(layers, len(cka))
    upper = np.triu(weights @ (np.triu(cka) + np.tril(2 - cka, -1)) @ weights.T, 1)
    return upper + upper.T + np.eye(layers)
