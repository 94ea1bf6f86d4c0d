"""CKA maps with a block that is known, for tests."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from small_networks import SIZES, random_images

from lib import models
from lib.cka.blocks import largest_block


def planted(layers, start, stop, inside=0.97, outside=0.3):
    """A map [layers, layers] whose layers start, ..., stop - 1 are alike, and no others."""
    cka = np.full((layers, layers), outside)
    cka[start:stop, start:stop] = inside
    np.fill_diagonal(cka, 1)
    return cka


def at(threshold=0.9):
    """The longest run of like layers, wherever it lies and however long it is in other networks."""
    return partial(largest_block, threshold=threshold)


def with_shares(layers, sides):
    """Maps [len(sides), layers, layers] with blocks of these sides; below 3 there is no block."""
    return np.stack([planted(layers, layers - side, layers) for side in sides])


class Untrained:
    """Networks of `lib.models.cifar_resnets` that were not trained."""

    def __init__(self, family="resnet-14", seeds=(0, 1)):
        self.family, self.seeds = family, seeds
        self.specification = SimpleNamespace(name=family)
        self.networks = [SimpleNamespace(seed=seed) for seed in seeds]
        self.digest = f"{family} {seeds}"

    def __len__(self):
        return len(self.seeds)

    def models(self):
        for seed in self.seeds:
            model = models.build(self.family, 1, **SIZES)
            models.initialise(model, torch.Generator().manual_seed(seed))
            model.train()(random_images(seed=7)[0])
            yield model.eval()
