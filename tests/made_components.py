"""Made-up first components of networks for tests: nothing in them was computed from a network."""

import numpy as np

from lib.cka.block_components import Dropped, NetworkComponents
from lib.cka.blocks import Block

LAYERS, IMAGES = 6, 80


def made(seed=0, start=2, stop=6, **changes):
    """A network of 6 layers with a block, or without one where it is shorter than 3."""
    rng = np.random.default_rng(seed)
    half = np.triu(rng.uniform(0.2, 1, (3, LAYERS, LAYERS)), 1)
    maps = half + half.transpose(0, 2, 1) + np.eye(LAYERS)
    vector = rng.standard_normal(IMAGES)
    block = Block(start, stop, LAYERS)
    fields = {
        "points": ("stem", *(f"stage{i}.0" for i in range(1, LAYERS))),
        "cka": maps[0],
        "without": maps[1],
        "cosines": maps[2],
        "shares": rng.uniform(0.1, 0.9, LAYERS),
        "late_share": rng.uniform(0.1, 0.9),
        "block": block,
        "coefficients": vector / np.linalg.norm(vector),
        "norms": rng.uniform(1, 2, IMAGES),
        "dropped": Dropped(*rng.uniform(0.5, 1, 3)) if stop - start >= 3 else None,
    }
    return NetworkComponents(**{**fields, **changes})
