"""What residual blocks inside a block structure do, against those outside it: to probes, and when they are deleted.

A residual block lies inside when its input and its output both belong to the block structure of the network, so that
it is one of the steps between layers that are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr

from lib.cka.blocks import Block, Find, mean_where
from lib.cka.maps import cka_maps
from lib.cka.probes import accuracy, deletion_accuracies, probe_accuracies, residual_points, stages
from lib.data.loading import ImageData
from lib.runtime import array_store
from lib.runtime.tasks import progress
from lib.training.populations import Population

PROBED = ("after", "before", "deleted", "whole")  # the fields of BlockMeasures that are stored
PLATEAU_LOSS = 0.01  # share of the images, for the length of a plateau; no verdict uses it


@dataclass(frozen=True, eq=False)
class BlockMeasures:
    """Probes and deletions of the networks of one architecture.  Layers: the stem and the outputs of the blocks.

    Attributes:
        maps: CKA of every two layers, [networks, layers, layers].
        structures: the block structure of each network.
        after, before: accuracy of probes after the additions, the stem first, [networks, layers], and before them,
            [networks, blocks].
        deleted: accuracy without a block and all blocks behind it in its stage, [networks, blocks]; NaN for blocks that
            cannot be deleted.
        whole: accuracy of the whole networks, [networks].
        stages: which stage each block belongs to, [blocks].
        images: how many test images all this rests on.
    """

    maps: np.ndarray
    structures: Sequence[Block]
    after: np.ndarray
    before: np.ndarray
    deleted: np.ndarray
    whole: np.ndarray
    stages: np.ndarray
    images: int

    @property
    def inside(self) -> np.ndarray:
        """Which residual blocks lie inside the block structure of their network, [networks, blocks] bool."""
        layers = np.array([structure.inside() for structure in self.structures])
        return layers[:, 1:] & layers[:, :-1]

    @property
    def gain(self) -> np.ndarray:
        """How much probe accuracy each residual block adds, [networks, blocks]."""
        return np.diff(self.after)

    @property
    def lead(self) -> np.ndarray:
        """Probe accuracy after an addition minus that before it, [networks, blocks]."""
        return self.after[:, 1:] - self.before

    @property
    def cost(self) -> np.ndarray:
        """Accuracy lost by deleting a block where all behind it in its stage are deleted, [networks, blocks]."""
        behind = np.column_stack([self.deleted[:, 1:], self.whole])
        last = np.append(np.diff(self.stages) != 0, True)
        return np.where(last, self.whole[:, None], behind) - self.deleted

    @property
    def loss(self) -> np.ndarray:
        """Accuracy of the whole network minus that after a deletion, mean over all deletions, [networks]."""
        return self.whole - np.nanmean(self.deleted, axis=1)


def measure(
    population: Population,
    images: ImageData,
    generator: torch.Generator,
    *,
    find: Find,
    batch_size: int,
    passes: int,
    pool: int = 1,
) -> BlockMeasures:
    """CKA maps, probes and deletions of every network of a population of residual networks.

    Args:
        find: what sees the block structure of a map; batch_size, passes: of `lib.cka.maps.cka_maps`.
        pool: of `lib.cka.probes.probe_accuracies`.

    Raises:
        ValueError: networks without residual connections, or what the functions named above refuse.
    """
    maps = cka_maps(population, images.test_images, generator, batch_size=batch_size, passes=passes)
    key = [population.digest, images.train_digest, images.test_digest, pool]
    probed = array_store.stored("probes", PROBED, __name__, key, lambda: _probed(population, images, pool))
    sizes = [len(stage) for stage in stages(population.specification.build())]
    structures, stage = list(map(find, maps)), np.repeat(range(len(sizes)), sizes)
    return BlockMeasures(maps, structures, **probed, stages=stage, images=len(images.test_images))


def _probed(population: Population, images: ImageData, pool: int) -> dict[str, np.ndarray]:
    """The accuracies among the fields of `BlockMeasures`."""
    after, before = residual_points(population.specification.build())
    test = images.test_images, images.test_labels
    rows = []
    description = f"probes and deletions of {population.specification.name}"
    for model in progress(len(population), description, over=population.models()):
        probed = probe_accuracies(model, images, [*after, *before], pool=pool)
        left, whole = deletion_accuracies(model, *test), accuracy(model, *test)
        rows.append((probed[: len(after)], probed[len(after) :], left, whole))
    return dict(zip(PROBED, map(np.stack, zip(*rows))))


def inside_and_outside(measures: BlockMeasures, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over the blocks inside and over those outside, [networks] each, NaN for both where one is not defined."""
    inside, outside = mean_where(values, measures.inside), mean_where(values, ~measures.inside)
    known = np.isfinite(inside) & np.isfinite(outside)
    return np.where(known, inside, np.nan), np.where(known, outside, np.nan)


def rank_correlations(measures: BlockMeasures) -> np.ndarray:
    """Spearman's of depth and probe accuracy: [networks], NaN with a block structure, and where all is the same."""
    found = np.full(len(measures.after), np.nan)
    for place, (structure, row) in enumerate(zip(measures.structures, measures.after)):
        if not structure.share() and np.ptp(row) > 0:
            found[place] = spearmanr(np.arange(len(row)), row).statistic
    return found


def plateaus(measures: BlockMeasures) -> np.ndarray:
    """How many blocks at the end of one stage, that with most, can go for PLATEAU_LOSS of accuracy: [networks]."""
    kept = measures.deleted >= measures.whole[:, None] - PLATEAU_LOSS
    of_stages = [kept[:, measures.stages == stage] for stage in np.unique(measures.stages)]
    return np.max([np.cumprod(stage[:, ::-1], axis=1).sum(1) for stage in of_stages], axis=0)
