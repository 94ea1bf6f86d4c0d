"""Which layer of one network is most like a layer of another (paper, Figs 6 and E.1)."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr

from lib.cka.block_structure import LEAST, hidden_points
from lib.cka.estimators import CKAMatrix, minibatch_cka
from lib.training.populations import Population


@dataclass(frozen=True, eq=False)
class NetworkMaps:
    """CKA of every two layers of the networks of several populations, from the same passes over the images.

    networks: population -> the places of its networks in `cka`.
    """

    cka: CKAMatrix
    networks: Mapping[Hashable, range]

    def between(self, first: Hashable, second: Hashable) -> np.ndarray:
        """[networks of `first`, networks of `second`, layers of `first`, layers of `second`]."""
        return np.stack([[self.cka.between(one, other) for other in self.networks[second]]
                         for one in self.networks[first]])


def maps_between(populations: Mapping[Hashable, Population], images: torch.Tensor, generator: torch.Generator, *,
                 batch_size: int = 256, passes: int = 4) -> NetworkMaps:
    """Minibatch CKA between the hidden layers of all networks of all populations, one call of `lib.cka.estimators.minibatch_cka`.

    images: [images, channels, height, width].
    """
    models, networks = [], {}
    for name, population in populations.items():
        networks[name] = range(len(models), len(models) + len(population))
        models += population.models()
    cka = minibatch_cka(models, images, list(map(hidden_points, models)), batch_size=batch_size, passes=passes,
                        generator=generator)
    return NetworkMaps(cka, networks)


def relative_depths(layers: int) -> np.ndarray:
    """0 for the stem to 1 for the last block: [layers].  Stages end at the same relative depths in every network."""
    return np.linspace(0, 1, layers)


@dataclass(frozen=True, eq=False)
class Matching:
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


def best_matches(maps: np.ndarray, inside: np.ndarray) -> Matching:
    """Maps [networks, other networks, layers, other layers] and `inside` [networks, layers] -> `Matching`."""
    return Matching(maps.argmax(-1), maps.max(-1), inside, maps.shape[-1])


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


def mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is chosen, [..., n] each; NaN where nothing is."""
    counts = chosen.sum(-1)
    sums = np.where(chosen, values, 0).sum(-1)
    return np.divide(sums, counts, where=counts > 0, out=np.full(np.shape(sums), np.nan))


def _distances(layers: int, others: int) -> np.ndarray:
    """Of every two layers in relative depth, less that of the nearest one: [layers, other layers]."""
    distances = np.abs(relative_depths(layers)[:, None] - relative_depths(others))
    return distances - distances.min(1, keepdims=True)
