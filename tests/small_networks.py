"""Small untrained networks and images of noise for tests: 8 x 8 pixels, one channel, 4 classes."""

from types import SimpleNamespace

import torch

from lib import models

SIZES = {"in_channels": 1, "image_size": 8, "num_classes": 4}


def digits_like(count=12, seed=0):
    """Images [count, 1, 8, 8] of noise, and labels."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 8, 8, generator=generator), torch.arange(count) % SIZES["num_classes"]


def network(seed=0, family="cnn-small", width=2):
    """A network whose running statistics are not the defaults, in eval mode."""
    model = models.build(family, width, **SIZES)
    models.initialise(model, torch.Generator().manual_seed(seed))
    model.train()(digits_like(seed=7)[0])
    return model.eval()


class Untrained:
    """A population of networks that were not trained."""

    specification = SimpleNamespace(name="cnn-small, k = 2")

    def __init__(self, seeds):
        self.seeds = list(seeds)

    def __len__(self):
        return len(self.seeds)

    def models(self):
        return map(network, self.seeds)
