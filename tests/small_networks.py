"""Small untrained networks and images of noise for tests: 8 x 8 pixels, one channel, 4 classes unless told."""

import copy
import hashlib
from types import SimpleNamespace

import torch
from torch import nn

from lib import models
from lib.salience.extraction import plain_gradients

SIZES = {"in_channels": 1, "image_size": 8, "num_classes": 4}


def random_images(count=12, channels=1, size=(8, 8), classes=4, seed=0):
    """Images [count, channels, *size] of noise, and labels."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, *size, generator=generator), torch.arange(count) % classes


def network(seed=0, family="cnn-small", width=2, channels=1, size=8):
    """A network whose running statistics are not the defaults, in eval mode."""
    model = models.build(family, width, in_channels=channels, image_size=size, num_classes=4)
    models.initialise(model, torch.Generator().manual_seed(seed))
    model.train()(random_images(channels=channels, size=(size, size), seed=7)[0])
    return model.eval()


def randomised(model, seed=0):
    """Every weight and running statistic drawn anew, so that no default value hides a mistake."""
    generator = torch.Generator().manual_seed(seed)
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) * 0.2 + 0.05)
    return model


def fingerprint(model):
    """Of parameters and buffers: their names and bits."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def slow_gradients(model, images, labels, output="logit", batch_size=256):
    """The slow twin of `input_gradients`, of a copy in eval mode."""
    return plain_gradients(copy.deepcopy(model).eval(), images, labels, output, batch_size, "cpu")


class Untrained:
    """A population of networks that were not trained."""

    specification = SimpleNamespace(name="cnn-small, k = 2")

    def __init__(self, seeds):
        self.seeds = list(seeds)

    def __len__(self):
        return len(self.seeds)

    @property
    def digest(self):
        return f"untrained {self.seeds}"

    def models(self):
        return map(network, self.seeds)


def linear(rows, factor=1):
    """A module whose input gradients are `rows` [classes, C, H, W], every pixel drawn `factor` times larger."""
    rows = rows.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(rows[0].numel(), len(rows)))
    with torch.no_grad():
        model[1].weight.copy_(rows.flatten(1))
    return model


def returning(function):
    """A network of class scores [n, 4] that returns something else, made of them by `function`."""

    class Returning(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))

        def forward(self, images):
            return function(self.net(images))

    torch.manual_seed(0)
    return Returning()


def assert_start_alike_and_end_apart(first, other):
    """Of two populations, network by network."""
    for ours, theirs in zip(first.untrained_models(), other.untrained_models()):
        assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))
    for ours, theirs in zip(first.networks, other.networks):
        assert not all(map(torch.equal, ours.state.values(), theirs.state.values()))
