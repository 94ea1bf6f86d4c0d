"""For every layer of one network the layer of another one that is most like it (Wide and Deep, Figs 6 and E.1)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from lib.cka.blocks import LEAST, mean_where, relative_depths


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
