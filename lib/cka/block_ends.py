"""Whether the blocks of several networks begin and end at different layers, by more than one measurement differs from
another."""

from itertools import combinations

import numpy as np

from lib.cka.block_structure import largest_block
from lib.statistics.intervals import Interval

LEAST_NETWORKS = 3
DRAWS = 2000


def block_ends(maps: np.ndarray, threshold: float) -> np.ndarray:
    """Start and stop of the blocks of the networks that have one in every part of the images.

    maps: [networks, parts, layers, layers] -> [networks with a block, parts, 2].
    """
    blocks = [[largest_block(cka, threshold) for cka in of_network] for of_network in maps]
    found = [[(block.start, block.stop) for block in row] for row in blocks if all(block.exists for block in row)]
    return np.array(found).reshape(len(found), maps.shape[1], 2)


def ends_apart(maps: np.ndarray, threshold: float, rng: np.random.Generator) -> tuple[Interval | None, int]:
    """How much further apart the blocks of two networks are than two measurements of one, in layers.

    By how many layers two blocks begin apart, plus by how many they end apart: the mean over two networks less that
    over twice the same network, always on different parts of the images: both hold the error of two measurements.

    If all networks had the same block, they could change places with each other in any part of the images.  The
    interval is the difference less its 95 % range over such changes, a permutation test inverted by a shift.

    maps: [networks, parts, layers, layers].

    Returns:
        The interval, None for fewer than 3 networks with a block, and how many networks it rests on.
    """
    ends = block_ends(maps, threshold)
    networks, parts = ends.shape[:2]
    if networks < LEAST_NETWORKS:
        return None, networks
    as_they_are = np.broadcast_to(np.arange(networks)[:, None], (1, networks, parts))
    found, = excess_distances(ends, as_they_are)
    by_chance = excess_distances(ends, rng.random((DRAWS, networks, parts)).argsort(axis=1))
    return (found, found - np.quantile(by_chance, 0.975), found - np.quantile(by_chance, 0.025)), networks


def excess_distances(ends: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Mean distance of two different networks less that of a network from itself, over pairs of parts: -> [draws].

    ends: [networks, parts, 2]; orders: [draws, networks, parts], which network is taken for which in every part.
    """
    distances = np.abs(ends[:, :, None, None] - ends).sum(-1)
    pairs = list(combinations(range(ends.shape[1]), 2))
    same = sum(distances[orders[..., a], a, orders[..., b], b].sum(1) for a, b in pairs)
    other = sum(distances[:, a, :, b].sum() for a, b in pairs) - same  # both together do not depend on the order
    count = len(ends) * len(pairs)
    return other / (count * (len(ends) - 1)) - same / count
