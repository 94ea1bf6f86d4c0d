"""Deleting residual blocks of a trained network, the shortcuts kept (fact sheet, section 6)."""

import copy
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from lib.cifar_resnets import ResidualBlock
from lib.predictions import logits


def stages(model: nn.Module) -> list[list[str]]:
    """The names of the residual blocks, a list a stage, in the order of the forward pass.

    Raises:
        ValueError: a network without residual connections.
    """
    found: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, ResidualBlock) and module.residual:
            found.setdefault(name.rpartition(".")[0], []).append(name)
    if not found:
        raise ValueError(f"{type(model).__name__} has no residual connections: nothing would carry the images past a "
                         "deleted block")
    return list(found.values())


def deletable(model: nn.Module) -> list[str]:
    """The blocks with an identity as shortcut: all but the first ones of stages 2 and 3, which change the shape.

    Raises:
        ValueError: a network without residual connections.
    """
    modules = dict(model.named_modules())
    return [name for stage in stages(model) for name in stage
            if isinstance(modules[name].shortcut, nn.Identity) and modules[name].stride == 1]


def without(model: nn.Module, blocks: Iterable[str]) -> nn.Module:
    """A copy of the network in which these blocks hand on what they get; the network itself stays as it is.

    What a block gets has passed a ReLU, so that its own last one would change nothing.

    Raises:
        ValueError: a block that cannot be deleted, or a network without residual connections.
    """
    allowed, blocks = deletable(model), list(blocks)
    if wrong := [name for name in blocks if name not in allowed]:
        raise ValueError(f"{', '.join(map(str, wrong))} cannot be deleted; the blocks that can are "
                         f"{', '.join(allowed)}")
    shortened = copy.deepcopy(model)
    for name in blocks:
        stage, _, place = name.rpartition(".")
        setattr(shortened.get_submodule(stage), place, nn.Identity())
    return shortened


def deletion_accuracies(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Accuracy without a block and all blocks behind it in its stage, the other stages whole: [blocks].

    NaN for blocks that cannot be deleted.  No weight or running statistic is changed.

    Raises:
        ValueError: a network without residual connections.
    """
    allowed, found = deletable(model), []
    for stage in stages(model):
        for place, name in enumerate(stage):
            found.append(accuracy(without(model, stage[place:]), images, labels) if name in allowed else np.nan)
    return np.array(found)


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the images that the network classifies rightly."""
    return float((logits(model, images).argmax(1) == labels).float().mean())
