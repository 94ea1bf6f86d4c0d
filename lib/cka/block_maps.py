"""The networks and CKA maps of chapter 11: growing depth and width, fewer training images, no residual connections."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lib.cka.block_structure import cka_maps
from lib.data.loading import ImageData
from lib.effects.batch_size import trained_in_pairs
from lib.training.populations import Population
from lib.training.specification import Specification, specify
from lib.training.wide_and_deep import RECIPE, Architecture

PARTS = 4  # of the test images, for measurements that share none


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """CKA maps [layers, layers] of all networks that the chapter compares.

    Attributes:
        depths, widths, plain: the architectures of each line, from small to large; `plain` are those of growing width
            without residual connections.
        maps: [networks, layers, layers] of every architecture.
        counts: numbers of training images, from few to many.
        by_count: [networks, counts, layers, layers] of the first and the last architecture of `depths` and `widths`; a
            network and its twins with other numbers of images share their seed.
        parts: [networks, PARTS, layers, layers] of the deepest and the widest: from each part of the test images.
    """

    depths: Sequence[Architecture]
    widths: Sequence[Architecture]
    plain: Sequence[Architecture]
    maps: Mapping[Architecture, np.ndarray]
    counts: Sequence[int]
    by_count: Mapping[Architecture, np.ndarray]
    parts: Mapping[Architecture, np.ndarray]


def ends(*lines: Sequence[Architecture]) -> list[Architecture]:
    """The first and the last architecture of every line, each once."""
    return list(dict.fromkeys(architecture for line in lines for architecture in (line[0], line[-1])))


def reduced_populations(parts: Mapping[int, ImageData], architectures: Iterable[Architecture], seeds: int,
                        **recipe) -> dict[tuple[Architecture, int], Population]:
    """Networks of every architecture on every number of training images; what is missing is trained now.

    A network's initial weights depend on architecture and seed alone.  A seed whose loss was not finite with some
    number of images is left out of all of them.

    Args:
        parts: number of training images -> these, with the same test images.
        recipe: as in `lib.training.wide_and_deep.architecture_populations`.

    Raises:
        ValueError: fewer than 3 seeds of an architecture left.
    """
    keys = {(architecture, count): (architecture.family, architecture.width, count)
            for architecture in architectures for count in parts}
    requests = {key: specify(parts[key[2]], *key[:2], **{**RECIPE, **recipe}) for key in keys.values()}
    found = trained_in_pairs(requests, {family: seeds for family, _, _ in requests})
    return {name: found[key] for name, key in keys.items()}


def all_maps(populations: Mapping[Hashable, Population], images: torch.Tensor, random_seed: int,
             known: Iterable[tuple[Population, np.ndarray]] = (), **sampling) -> dict[Hashable, np.ndarray]:
    """`lib.cka.block_structure.cka_maps` of every population, from the same orders of the images for all of them.

    known: populations with the maps that the same call has given for them; they are not made again.
    sampling: `batch_size` and `passes` of `cka_maps`.
    """
    made = [(_networks(population), maps) for population, maps in known]
    found = {}
    for key, population in populations.items():
        same = [maps for networks, maps in made if networks == _networks(population)]
        found[key] = same[0] if same else cka_maps(population, images, torch.Generator().manual_seed(random_seed),
                                                   **sampling)
    return found


def _networks(population: Population) -> tuple[Specification, list[int]]:
    return population.specification, [network.seed for network in population.networks]


def stacked_counts(maps: Mapping[tuple[Architecture, int], np.ndarray]) -> dict[Architecture, np.ndarray]:
    """(architecture, count) -> [networks, layers, layers]  to  architecture -> [networks, counts, layers, layers]."""
    return {one: np.stack([values for (architecture, _), values in maps.items() if architecture == one], axis=1)
            for one in dict.fromkeys(architecture for architecture, _ in maps)}


def part_maps(population: Population, images: torch.Tensor, random_seed: int, *, batch_size: int, passes: int
              ) -> np.ndarray:
    """CKA maps from each of `PARTS` random parts of the images: [networks, PARTS, layers, layers].

    batch_size: at most; a part with fewer images is one batch.
    """
    generator = torch.Generator().manual_seed(random_seed)
    size = len(images) // PARTS
    parts = torch.randperm(len(images), generator=generator)[:size * PARTS].split(size)
    return np.stack([cka_maps(population, images[chosen], generator, batch_size=min(batch_size, size), passes=passes)
                     for chosen in parts], axis=1)
