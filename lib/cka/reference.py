"""Networks without a block structure, against which that of others is told: shallow, narrow, and trained with much data."""

import torch

from lib.cka.blocks import BlockStructure
from lib.cka.maps import cka_maps
from lib.data.loading import ImageData
from lib.effects.scale import with_fewer
from lib.training.populations import Population
from lib.training.wide_and_deep import Architecture, architecture_populations


def reference_population(images: ImageData, depth: int, count: int, seeds: int, **recipe) -> Population:
    """Networks of width 1 on `count` training images, or on all of `images` where these are more.

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
