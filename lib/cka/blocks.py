"""The block structure: many neighbouring layers of a network that represent images alike (Wide and Deep, section 4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lib.runtime.checks import real_numbers
from lib.statistics.intervals import Interval, quotient

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

    @property
    def crosses(self) -> bool:
        """Whether layers of two stages lie in it; the stem belongs to the first."""
        return any(self.start < boundary < self.stop for boundary in stage_starts(self.layers)[1:])

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


def relative_depths(layers: int) -> np.ndarray:
    """0 for the stem to 1 for the last block: [layers].  Stages end at the same relative depths in every network."""
    return np.linspace(0, 1, layers)


def interpolation(layers: int, others: int) -> Float[np.ndarray, "{layers} {others}"]:
    """Weights [layers, other layers] of linear interpolation over relative depth."""
    return np.stack([np.interp(relative_depths(layers), relative_depths(others), row) for row in np.eye(others)], 1)


def at_depths(cka: Float[np.ndarray, "n n"], layers: int) -> Float[np.ndarray, "{layers} {layers}"]:
    """A symmetric map with ones on its diagonal at the relative depths of another network: -> [layers, layers].

    CKA has a ridge along the diagonal, which interpolation across it would wear down: what lies on one side of it is
    mirrored to the other as going on straight, and the sides are put together afterwards.
    """
    weights = interpolation(layers, len(cka))
    upper = np.triu(weights @ (np.triu(cka) + np.tril(2 - cka, -1)) @ weights.T, 1)
    return upper + upper.T + np.eye(layers)


Find = Callable[[np.ndarray], Block]  # the block of a map [layers, layers]


def runs(cka: Float[np.ndarray, "n n"], threshold: float) -> Iterator[Block]:
    """The longest run of layers that ends with each layer in turn, of which every two have a CKA above `threshold`."""
    alike, start = cka > threshold, 0
    for stop in range(1, len(cka) + 1):
        # The run that ends here begins after the last layer that is unlike the newest one.
        unlike = np.flatnonzero(~alike[start : stop - 1, stop - 1])
        start += int(unlike[-1]) + 1 if len(unlike) else 0
        yield Block(start, stop, len(cka))


def largest_block(cka: Float[np.ndarray, "n n"], threshold: float) -> Block:
    """The longest run of layers of which every two have a CKA above `threshold`; of several, the deepest.

    cka: [layers, layers].

    Raises:
        ValueError: no square map.
    """
    cka = real_numbers("a map of CKA", cka)
    if cka.ndim != 2 or len(set(cka.shape)) > 1 or not cka.size:
        raise ValueError(f"a map of CKA must be [layers, layers], not of shape {cka.shape}")
    return max(runs(cka, threshold), key=lambda run: (len(run), run.stop))


@dataclass(frozen=True, eq=False)
class BlockStructure:
    """What makes a run of like layers a block structure, rather than neighbours that are alike in any network.

    It crosses a boundary of stages, and is longer than any such run at equal relative depth in networks that are known
    to have no block structure.

    Attributes:
        threshold: layers are alike whose CKA is above it.
        reference: [networks, layers, layers], maps of these networks: shallow and narrow ones, trained with much data.
    """

    threshold: float
    reference: np.ndarray

    def __call__(self, cka: np.ndarray) -> Block:
        """The block structure of [layers, layers], the longest and of several the deepest; of no layers without one."""
        found = self.crossing(cka)
        return found if len(found) > self.most_without(len(cka)) else Block(0, 0, len(cka))

    def crossing(self, cka: np.ndarray) -> Block:
        """The longest run across a boundary of stages."""
        crossing = [run for run in runs(cka, self.threshold) if run.crosses]
        return max(crossing, key=lambda run: (len(run), run.stop), default=Block(0, 0, len(cka)))

    def most_without(self, layers: int) -> int:
        """The longest such run that the reference has at the relative depths of so many layers."""
        return max(len(self.crossing(at_depths(cka, layers))) for cka in self.reference)


def shares(maps: Float[np.ndarray, "*any n n"], find: Find) -> np.ndarray:
    """The block measure, `Block.share`, of the block that `find` sees in each map: [..., layers, layers] -> [...]."""
    found = [find(cka).share() for cka in maps.reshape(-1, *maps.shape[-2:])]
    return np.array(found).reshape(maps.shape[:-2])


def mean_where(values: np.ndarray, chosen: np.ndarray | bool) -> np.ndarray:
    """Mean over the last axis of what is chosen and not NaN, [..., n] each -> [...]; NaN where nothing is."""
    chosen = chosen & np.isfinite(values)
    return quotient(np.where(chosen, values, 0).sum(-1), chosen.sum(-1))


def block_ends(maps: np.ndarray, find: Find) -> np.ndarray:
    """Start and stop of the blocks of the networks that have one in every part of the images.

    maps: [networks, parts, layers, layers] -> [networks with a block, parts, 2].
    """
    blocks = [[find(cka) for cka in of_network] for of_network in maps]
    found = [[(block.start, block.stop) for block in row] for row in blocks if all(block.exists for block in row)]
    return np.array(found).reshape(len(found), maps.shape[1], 2)


def ends_apart(maps: np.ndarray, find: Find, rng: np.random.Generator, level: float = 0.95) -> Interval:
    """How much further apart the blocks of two networks are than two measurements of one, in layers.

    By how many layers two blocks begin apart, plus by how many they end apart: the mean over two networks less that
    over twice the same network, always on different parts of the images: both hold the error of two measurements.

    If all networks had the same block, they could change places with each other in any part of the images.  The
    interval is the difference less its range over such changes, a permutation test inverted by a shift; NaN for fewer
    than 3 networks with a block on all parts.

    maps: [networks, parts, layers, layers].
    """
    ends = block_ends(maps, find)
    networks, parts = ends.shape[:2]
    if networks < LEAST_NETWORKS:
        return (np.nan,) * 3
    as_they_are = np.broadcast_to(np.arange(networks)[:, None], (1, networks, parts))
    (found,) = excess_distances(ends, as_they_are)
    by_chance = excess_distances(ends, rng.random((DRAWS, networks, parts)).argsort(axis=1))
    return found, found - np.quantile(by_chance, 0.5 + level / 2), found - np.quantile(by_chance, 0.5 - level / 2)


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
