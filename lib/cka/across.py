"""What layers of two networks have in common, inside and outside the block structure (Wide and Deep, Figs 6, E.1)."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from lib.cka.blocks import LEAST, Block, Find, interpolation, mean_where, relative_depths
from lib.cka.maps import NetworkMaps
from lib.statistics.intervals import known_mean
from lib.statistics.pairs import leave_one_out, over_crossed_pairs, over_pairs, pair_mean
from lib.statistics.sample import Sample

NEITHER, ONE, BOTH = range(3)  # in the blocks of how many of two networks a layer lies


@dataclass(frozen=True, eq=False)
class AcrossSeeds:
    """Networks of one architecture, two at a time.

    Attributes:
        maps: [networks, networks, layers, layers], CKA; those of a network with itself on the diagonal.
        blocks: the block structure of each network; of no layers without one.
    """

    maps: np.ndarray
    blocks: tuple[Block, ...]

    @property
    def layers(self) -> int:
        return self.maps.shape[-1]

    @property
    def inside(self) -> np.ndarray:
        """Which layers lie in the block of their network, [networks, layers] bool."""
        return np.stack([block.inside() for block in self.blocks])

    @property
    def with_block(self) -> np.ndarray:
        """Which networks have a block at all, [networks] bool."""
        return np.any(self.inside, axis=1)

    @property
    def shared(self) -> np.ndarray:
        """NEITHER, ONE or BOTH for each layer of two networks, [networks, networks, layers]."""
        return self.inside[:, None].astype(int) + self.inside

    @property
    def corresponding(self) -> np.ndarray:
        """CKA of the same layer of two networks, [networks, networks, layers], NaN for a network with itself."""
        same = np.einsum("ijll->ijl", self.maps)
        return np.where(np.eye(len(self.maps), dtype=bool)[..., None], np.nan, same)

    def likeness(self, shared: int | None = None) -> Sample:
        """Mean CKA of corresponding layers, of those in the blocks of so many of the two networks if given."""
        return over_pairs(self._of_layers(self.corresponding, shared))

    def inside_minus_outside(self) -> Sample:
        """Mean CKA of corresponding layers in the blocks of both, less that in neither's, of pairs that have both kinds."""
        inside, outside = (self._of_layers(self.corresponding, shared) for shared in (BOTH, NEITHER))
        return over_pairs(inside - outside)

    def looks_alike(self, with_block: bool | None = None) -> Sample:
        """Mean of `map_correlations` of layers in neither's block; or of all, of pairs that both have a block, or none."""
        if with_block is None:
            return over_pairs(map_correlations(self.maps, self.shared == NEITHER))
        pairs = (self.with_block == with_block)[:, None] & (self.with_block == with_block)
        return over_pairs(map_correlations(self.maps, np.broadcast_to(pairs[..., None], self.shared.shape)))

    def identification(self, shared: int | None = None) -> Sample:
        """Share of layers whose best match in another network is the corresponding one, `shared` as for `likeness`."""
        return over_pairs(self._of_layers(self.maps.argmax(-1) == np.arange(self.layers), shared))

    def beyond_equal_depth(self, reference: "AcrossSeeds", shared: int) -> Sample:
        """`likeness(shared)` less that of the networks of `reference` at equal relative depth outside their blocks.

        The reference is interpolated between its layers; layers without one are left out.  Both populations of
        networks are samples.
        """
        weights = interpolation(self.layers, reference.layers)
        values = np.where(self.shared == shared, self.corresponding, np.nan)
        outside = np.where(reference.shared == NEITHER, reference.corresponding, np.nan)

        def differences(kept: np.ndarray) -> np.ndarray:
            return values - interpolated(weights, pair_mean(outside, kept, kept))

        def statistic(networks: np.ndarray, others: np.ndarray) -> np.ndarray:
            return pair_mean(mean_where(differences(others), True), networks, networks)

        there = np.any(np.isfinite(differences(np.arange(len(outside)))), axis=2)
        return leave_one_out(statistic, [np.any(there, axis=1), np.any(np.isfinite(outside), axis=(1, 2))])

    def _of_layers(self, values: np.ndarray, shared: int | None) -> np.ndarray:
        chosen = np.ones_like(self.shared, dtype=bool) if shared is None else self.shared == shared
        return np.where(np.eye(len(values), dtype=bool), np.nan, mean_where(values, chosen))


@dataclass(frozen=True, eq=False)
class BestLayers:
    """For every layer of some networks the layer of each of some other networks with the largest CKA.

    Attributes:
        place: [networks, other networks, layers] int, that layer (of equal ones the first).
        cka: the same shape, the CKA with it.
        inside: [networks, layers] bool, which of the layers looked at lie in the block of their own network.
        others: how many layers the other networks have.
    """

    place: np.ndarray
    cka: np.ndarray
    inside: np.ndarray
    others: int

    def beyond_nearest(self) -> np.ndarray:
        """How much farther off in relative depth the best match lies than the nearest layer there is, 0 to 1.

        Networks of different depth have few equal relative depths; 0 says that the match could not lie nearer.
        [networks, other networks, layers]
        """
        rows = np.arange(self.place.shape[2])
        return _distances(len(rows), self.others)[rows, self.place]

    def chance(self) -> np.ndarray:
        """What `beyond_nearest` is on average if every layer is equally often the match: [layers].

        The layers of the other network in random order would give the same.
        """
        return _distances(self.place.shape[2], self.others).mean(1)

    def average(self, values: np.ndarray, inside: bool | None = None) -> np.ndarray:
        """Mean over layers, of those inside or outside the block of their own network if asked for.

        [networks, other networks, layers] or [layers] -> [networks, other networks], NaN where there is no such layer.
        """
        values = np.broadcast_to(values, self.place.shape)
        return mean_where(values, self._chosen(inside))

    def rank_correlation(self, inside: bool | None = None) -> np.ndarray:
        """Spearman's, of layers and their best matches: [networks, other networks], NaN for fewer than 3 layers.

        0 where all layers have one match: it tells nothing of their order.
        """
        found = np.full(self.place.shape[:2], np.nan)
        chosen = self._chosen(inside)
        for pair in np.ndindex(found.shape):
            layers = np.flatnonzero(chosen[pair])
            if len(layers) >= LEAST:
                match = self.place[pair][layers]
                found[pair] = spearmanr(layers, match).statistic if np.ptp(match) else 0.0
        return found

    def _chosen(self, inside: bool | None) -> np.ndarray:
        chosen = np.ones_like(self.inside) if inside is None else self.inside == inside
        return np.broadcast_to(chosen[:, None], self.place.shape)


def best_layers(maps: np.ndarray, inside: np.ndarray) -> BestLayers:
    """Maps [networks, other networks, layers, other layers] and `inside` [networks, layers] -> `BestLayers`."""
    return BestLayers(maps.argmax(-1), maps.max(-1), inside, maps.shape[-1])


def _distances(layers: int, others: int) -> np.ndarray:
    """Of every two layers in relative depth, less that of the nearest one: [layers, other layers]."""
    distances = np.abs(relative_depths(layers)[:, None] - relative_depths(others))
    return distances - distances.min(1, keepdims=True)


@dataclass(frozen=True, eq=False)
class AcrossArchitectures:
    """Networks of two architectures, each layer with its best match in the other network, looked up both ways.

    Attributes:
        maps: [networks, other networks, layers, other layers], CKA.
        there, back: the matches of the first one's layers and of the second one's.
    """

    maps: np.ndarray
    there: BestLayers
    back: BestLayers

    def beyond_nearest(self, inside: bool | None = None) -> Sample:
        """Mean of `BestLayers.beyond_nearest`, of layers inside or outside their own network's block if asked for."""
        return self._both_ways(lambda best: best.average(best.beyond_nearest(), inside))

    def chance(self, inside: bool | None = None) -> Sample:
        """What `beyond_nearest` would be on average for the same layers if every layer were equally often the match."""
        return self._both_ways(lambda best: best.average(best.chance(), inside))

    def nearer_than_chance(self, inside: bool | None = None) -> Sample:
        """`chance` less `beyond_nearest`."""
        return self._both_ways(lambda best: best.average(best.chance() - best.beyond_nearest(), inside))

    def rank_correlation(self, inside: bool | None = None) -> Sample:
        """Spearman's, of the layers and their best matches."""
        return self._both_ways(lambda best: best.rank_correlation(inside))

    def likeness(self, inside: bool | None = None) -> Sample:
        """Mean CKA of layers with their best match."""
        return self._both_ways(lambda best: best.average(best.cka, inside))

    def inside_minus_outside(self) -> Sample:
        """Mean CKA with the best match of layers inside the block of their own network, less that of those outside."""
        return self._both_ways(lambda best: best.average(best.cka, True) - best.average(best.cka, False))

    def _both_ways(self, of_pairs: Callable[[BestLayers], np.ndarray]) -> Sample:
        """Mean over the pairs of networks, and the two directions of a pair, that have a value."""
        return over_crossed_pairs(known_mean(np.stack([of_pairs(self.there), of_pairs(self.back).T])))


def map_correlations(maps: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How far the map across two networks has the pattern of the maps within them: [networks, networks].

    Pearson's correlation over all pairs of different chosen layers of the map across and the mean of the two within.
    NaN on the diagonal and for fewer than 3 chosen layers.

    Args:
        maps: [networks, networks, layers, layers] of one population.
        chosen: [networks, networks, layers] bool, which layers of two networks are looked at.
    """
    found = np.full(maps.shape[:2], np.nan)
    for i, j in np.ndindex(found.shape):
        layers = np.flatnonzero(chosen[i, j])
        if i != j and len(layers) >= LEAST:
            across, first, second = (one[np.ix_(layers, layers)] for one in (maps[i, j], maps[i, i], maps[j, j]))
            different = ~np.eye(len(layers), dtype=bool)
            found[i, j] = np.corrcoef(across[different], (first + second)[different])[0, 1]
    return found


def across_seeds(maps: NetworkMaps, population: Hashable, find: Find) -> AcrossSeeds:
    """The networks of one population, with the block that `find` sees in each."""
    found = maps.between(population, population)
    return AcrossSeeds(found, tuple(find(found[place, place]) for place in range(len(found))))


def across_architectures(maps: NetworkMaps, first: Hashable, second: Hashable, find: Find) -> AcrossArchitectures:
    """The networks of two different populations, with the blocks that `across_seeds` finds."""
    there = maps.between(first, second)
    own, other = (across_seeds(maps, name, find).inside for name in (first, second))
    return AcrossArchitectures(there, best_layers(there, own), best_layers(there.transpose(1, 0, 3, 2), other))


def interpolated(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`weights` [layers, other layers] times `values` [other layers]; NaN where one of those that count is NaN."""
    return np.where(weights > 1e-9, weights * values, 0).sum(1)  # a layer at the same depth may weigh a rounding error
