"""What residual blocks inside a block structure do, against those outside it: to probes, and when they are deleted.

A residual block lies inside when its input and its output both belong to the block structure of the network, so that
it is one of the steps between layers that are alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from scipy.stats import t as student

from lib.cka.block_deletion import accuracy, deletion_accuracies, stages
from lib.cka.block_structure import Block, cka_maps, largest_block
from lib.cka.linear_probes import probe_accuracies, residual_points
from lib.data.loading import ImageData
from lib.runtime.progress import progress
from lib.statistics.intervals import Interval, mean_interval
from lib.training.populations import Population

LEAST = 3  # networks, for an interval
PLATEAU_LOSS = 0.01  # share of the images, for the length of a plateau; no verdict uses it


@dataclass(frozen=True, eq=False)
class BlockMeasures:
    """Probes and deletions of the networks of one architecture.  Layers: the stem and the outputs of the blocks.

    Attributes:
        maps: CKA of every two layers, [networks, layers, layers].
        structures: the largest block structure of each network.
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


def measure(population: Population, images: ImageData, generator: torch.Generator, *, threshold: float,
            batch_size: int, passes: int, pool: int = 1) -> BlockMeasures:
    """CKA maps, probes and deletions of every network of a population of residual networks.

    Args:
        threshold: CKA above which layers are alike; batch_size, passes: as `lib.cka.estimators.minibatch_cka` takes them.
        pool: as `lib.cka.linear_probes.probe_accuracies` takes it.

    Raises:
        ValueError: networks without residual connections, or what the functions named above refuse.
    """
    after, before = residual_points(population.specification.build())
    test = images.test_images, images.test_labels
    rows = []
    maps = cka_maps(population, images.test_images, generator, batch_size=batch_size, passes=passes)
    with progress(len(population), f"probes and deletions of {population.specification.name}") as bar:
        for model in population.models():
            probed = probe_accuracies(model, images, [*after, *before], pool=pool)
            rows.append((probed[:len(after)], probed[len(after):], deletion_accuracies(model, *test),
                         accuracy(model, *test)))
            bar.update()
    sizes = [len(stage) for stage in stages(model)]
    return BlockMeasures(maps, [largest_block(cka, threshold) for cka in maps], *map(np.stack, zip(*rows)),
                         np.repeat(range(len(sizes)), sizes), len(images.test_images))


def means_over(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean over the chosen blocks of each network whose value is known, [networks]; NaN where there are none.

    values, chosen: [networks, blocks], numbers and bool.
    """
    chosen = chosen & np.isfinite(values)
    count = chosen.sum(1)
    return np.divide(np.where(chosen, values, 0).sum(1), count, where=count > 0, out=np.full(len(values), np.nan))


def inside_and_outside(measures: BlockMeasures, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over the blocks inside and over those outside, [networks] each, NaN for both where one is not defined."""
    inside, outside = means_over(values, measures.inside), means_over(values, ~measures.inside)
    known = np.isfinite(inside) & np.isfinite(outside)
    return np.where(known, inside, np.nan), np.where(known, outside, np.nan)


def rank_correlations(measures: BlockMeasures) -> np.ndarray:
    """Spearman's correlation of depth and probe accuracy after the additions, in each network without a block
    structure, [networks]; NaN for the others, and where the accuracy is the same everywhere."""
    found = np.full(len(measures.after), np.nan)
    for place, (structure, row) in enumerate(zip(measures.structures, measures.after)):
        if not structure.share() and np.ptp(row) > 0:
            found[place] = spearmanr(np.arange(len(row)), row).statistic
    return found


def plateaus(measures: BlockMeasures) -> np.ndarray:
    """How many blocks at the end of one stage, of the stage where it is most, can go before more than PLATEAU_LOSS of
    accuracy is lost, [networks]."""
    kept = measures.deleted >= measures.whole[:, None] - PLATEAU_LOSS
    of_stages = [kept[:, measures.stages == stage] for stage in np.unique(measures.stages)]
    return np.max([np.cumprod(stage[:, ::-1], axis=1).sum(1) for stage in of_stages], axis=0)


def known_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of the values that are not NaN, one a network, with Student's interval; NaN for fewer than LEAST."""
    known = values[np.isfinite(values)]
    return mean_interval(known, level) if len(known) >= LEAST else (np.nan,) * 3


def slope_within(x: Mapping[object, np.ndarray], y: Mapping[object, np.ndarray], level: float = 0.95) -> Interval:
    """Least-squares slope of y over x with an intercept a group, and Student's interval.

    x, y: group -> [networks].  NaN where x is the same in every group, or too few networks are left.
    """
    groups = len(x)
    x, y = (np.concatenate([found - found.mean() for found in values.values()]) for values in (x, y))
    freedom = len(x) - groups - 1
    if freedom < 1 or np.allclose(x, 0):
        return (np.nan,) * 3
    slope = x @ y / (x @ x)
    margin = student.ppf(0.5 + level / 2, freedom) * np.sqrt(((y - slope * x) ** 2).sum() / freedom / (x @ x))
    return slope, slope - margin, slope + margin
