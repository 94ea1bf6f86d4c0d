"""The block structure: many neighbouring layers of a network that represent images alike (Wide and Deep, section 4)."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from lib.statistics.intervals import Interval

LEAST = 3  # two neighbouring layers are alike in any network: fewer layers are no block
LEAST_NETWORKS = 3
DRAWS = 2000


class Block(NamedTuple):
    """Layers start, ..., stop - 1 of `layers`, of which every two are alike."""

    start: int
    stop: int
    layers: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def exists(self) -> bool:
        """Whether it has layers enough to be called a block."""
        return len(self) >= LEAST

    def share(self) -> float:
        """Its side relative to the depth of the network, from 0 to 1; 0 for fewer layers than `LEAST`."""
        return len(self) / self.layers if self.exists else 0.0

    def inside(self) -> np.ndarray:
        """Which layers lie in it, [layers] bool; none for fewer layers than `LEAST`."""
        places = np.arange(self.layers)
        return (places >= self.start) & (places < self.stop) & self.exists

    def late_share(self) -> float:
        """Share of its layers that lie in the last two of the three stages of a network; NaN without a block."""
        return float(self.inside()[stage_starts(self.layers)[1] :].sum() / len(self)) if self.exists else np.nan


def stage_starts(layers: int) -> tuple[int, int, int]:
    """Where the three stages of a network of `lib.models.cifar_resnets` begin among its `layers` hidden points.

    These are the stem and stages of equally many blocks.
    """
    blocks = (layers - 1) // 3
    return 1, 1 + blocks, 1 + 2 * blocks


def largest_block(cka: np.ndarray, threshold: float) -> Block:
    """The longest run of layers of which every two have a CKA above `threshold`; of several, the deepest.

    cka: [layers, layers].
    """
    layers = len(cka)
    alike = cka > threshold
    best, start = Block(0, 0, layers), 0
    for stop in range(1, layers + 1):
        # The run that ends here begins after the last layer that is unlike the newest one.
        unlike = np.flatnonzero(~alike[start : stop - 1, stop - 1])
        start = start + unlike[-1] + 1 if len(unlike) else start
        if stop - start >= len(best):
            best = Block(start, stop, layers)
    return best


def shares(maps: np.ndarray, threshold: float) -> np.ndarray:
    """The block measure, `Block.share` of the largest block, of each map: [..., layers, layers] -> [...]."""
    found = [largest_block(cka, threshold).share() for cka in maps.reshape(-1, *maps.shape[-2:])]
    return np.array(found).reshape(maps.shape[:-2])


def mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is chosen and not NaN, [..., n] each -> [...]; NaN where nothing is."""
    chosen = chosen & np.isfinite(values)
    counts = chosen.sum(-1)
    sums = np.where(chosen, values, 0).sum(-1)
    return np.divide(sums, counts, where=counts > 0, out=np.full(np.shape(sums), np.nan))


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
    (found,) = excess_distances(ends, as_they_are)
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
