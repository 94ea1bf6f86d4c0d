"""What block structures are told against, and how the measure changes along a line of architectures or with fewer images.

Intervals are over networks.  The measure counts whole layers: a few networks may all have the same value, and the
spread that they show, none, would make an interval of no width.  The spread of an architecture's networks is therefore
taken as half a layer at least, the largest standard deviation that a number with two neighbouring values can have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lib.cka.blocks import LEAST_NETWORKS, BlockStructure, Find, shares, stage_starts
from lib.cka.maps import cka_maps
from lib.data.loading import ImageData
from lib.effects.paired import trained_in_pairs
from lib.effects.scale import with_fewer
from lib.statistics.contrasts import slope_weights, sum_interval
from lib.statistics.intervals import Interval, bounded
from lib.training.populations import Population
from lib.training.specification import specify
from lib.training.wide_and_deep import RECIPE, Architecture, architecture_populations

RESOLUTION = 0.5  # layers


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """CKA maps [layers, layers] of all networks that are compared.

    Attributes:
        depths, widths, plain: the architectures of each line, from small to large; `plain` are those of growing width
            without residual connections.
        maps: [networks, layers, layers] of every architecture.
        counts: numbers of training images, from few to many.
        by_count: [networks, counts, layers, layers] of the first and the last architecture of `depths` and `widths`; a
            network and its twins with other numbers of images share their seed.
        parts: [networks, parts, layers, layers] of the deepest and the widest (`lib.cka.maps.part_maps`).
    """

    depths: Sequence[Architecture]
    widths: Sequence[Architecture]
    plain: Sequence[Architecture]
    maps: Mapping[Architecture, np.ndarray]
    counts: Sequence[int]
    by_count: Mapping[Architecture, np.ndarray]
    parts: Mapping[Architecture, np.ndarray]


def reference_population(images: ImageData, depth: int, count: int, seeds: int, **recipe) -> Population:
    """Networks without a block structure: of width 1 on `count` training images, or on all of `images` where these are more.

    recipe: as in `lib.training.wide_and_deep.architecture_populations`.
    """
    much = with_fewer(images, max(count, len(images.train_labels)))
    (found,) = architecture_populations(much, [Architecture(depth)], seeds, **recipe).values()
    return found


def block_structure(
    reference: Population, images: torch.Tensor, threshold: float, random_seed: int, *, batch_size: int, passes: int
) -> BlockStructure:
    """What makes a block structure at this threshold, with the maps of the reference on these images [n, C, H, W]."""
    generator = torch.Generator().manual_seed(random_seed)
    return BlockStructure(threshold, cka_maps(reference, images, generator, batch_size=batch_size, passes=passes))


def ends(*lines: Sequence[Architecture]) -> list[Architecture]:
    """The first and the last architecture of every line, each once."""
    return list(dict.fromkeys(architecture for line in lines for architecture in (line[0], line[-1])))


def reduced_populations(
    parts: Mapping[int, ImageData], architectures: Iterable[Architecture], seeds: int, **recipe
) -> dict[tuple[Architecture, int], Population]:
    """Networks of every architecture on every number of training images; what is missing is trained now.

    A network's initial weights depend on architecture and seed alone.  A seed whose loss was not finite with some
    number of images is left out of all of them.

    Args:
        parts: number of training images -> these, with the same test images.
        recipe: as in `lib.training.wide_and_deep.architecture_populations`.

    Raises:
        ValueError: fewer than 3 seeds of an architecture left.
    """
    names = [(architecture, count) for architecture in architectures for count in parts]
    keys = {(one, count): (one.family, one.width, count) for one, count in names}
    requests = {key: specify(parts[key[2]], *key[:2], **{**RECIPE, **recipe}) for key in keys.values()}
    found = trained_in_pairs(requests, {family: seeds for family, _, _ in requests})
    return {name: found[key] for name, key in keys.items()}


def stacked_counts(maps: Mapping[tuple[Architecture, int], np.ndarray]) -> dict[Architecture, np.ndarray]:
    """(architecture, count) -> [networks, layers, layers]  to  architecture -> [networks, counts, layers, layers]."""
    by_architecture: dict[Architecture, list[np.ndarray]] = {}
    for (architecture, _), values in maps.items():
        by_architecture.setdefault(architecture, []).append(values)
    return {architecture: np.stack(values, axis=1) for architecture, values in by_architecture.items()}


def mean_share(maps: np.ndarray, find: Find) -> Interval:
    """Mean block measure of the networks of one architecture: [networks, layers, layers] -> three numbers."""
    return bounded(sum_interval([shares(maps, find)], [1.0], [RESOLUTION / maps.shape[-1]]), 0, 1)


def growth(
    maps: Mapping[Architecture, np.ndarray],
    line: Sequence[Architecture],
    quantity: str,
    find: Find,
    level: float = 0.95,
) -> Interval:
    """Least-squares slope of the block measure per doubling of `quantity`, 'depth' or 'width', along the line.

    maps: [networks, layers, layers] of every architecture; architectures share no network.
    """
    weights = slope_weights(line, line, [getattr(architecture, quantity) for architecture in line])
    samples = [shares(maps[architecture], find) for architecture in line]
    return sum_interval(samples, weights, [RESOLUTION / maps[architecture].shape[-1] for architecture in line], level)


def halving(
    by_count: Mapping[Architecture, np.ndarray],
    counts: Sequence[int],
    line: Sequence[Architecture],
    find: Find,
    level: float = 0.95,
) -> Interval:
    """Least-squares slope of the block measure per halving of the training images, mean over the architectures.

    A slope is taken within each seed, whose networks start alike: seeds are the samples.

    by_count: [networks, counts, layers, layers] of every architecture.
    """
    weights = -slope_weights(counts, counts, counts)
    slopes = [shares(by_count[architecture], find) @ weights for architecture in line]
    resolutions = [RESOLUTION / by_count[architecture].shape[-1] * np.linalg.norm(weights) for architecture in line]
    return sum_interval(slopes, [1 / len(line)] * len(line), resolutions, level)


def late_parts(maps: np.ndarray, find: Find) -> np.ndarray:
    """Share of each network's block in the last two stages, less these stages' share of all layers: [with a block].

    maps: [networks, layers, layers] of one architecture.
    """
    blocks = [block for block in map(find, maps) if block.exists]
    layers = maps.shape[-1]
    return np.array([block.late_share() for block in blocks]) - (layers - stage_starts(layers)[1]) / layers


def late_excess(maps: Mapping[Architecture, np.ndarray], find: Find, level: float = 0.95) -> Interval:
    """Mean of `late_parts`, each network with a block alike, its variance taken within architectures.

    Architectures with fewer than 3 such networks are left out; NaN where none is left.
    """
    parts = {one: late_parts(of_one, find) for one, of_one in maps.items()}
    parts = {one: part for one, part in parts.items() if len(part) >= LEAST_NETWORKS}
    if not parts:
        return (np.nan,) * 3
    weights = [len(part) / sum(map(len, parts.values())) for part in parts.values()]
    sides = {one: float(np.mean([len(block) for block in map(find, maps[one]) if block.exists])) for one in parts}
    return sum_interval(list(parts.values()), weights, [RESOLUTION / side for side in sides.values()], level)
