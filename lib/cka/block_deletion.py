"""Deleting residual blocks of a trained network, the shortcuts kept (fact sheet, section 6)."""

import numpy as np
import torch
from torch import nn

from lib.models.cifar_resnets import ResidualBlock
from lib.runtime.devices import evaluating, find_device
from lib.salience.predictions import logits


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


@torch.no_grad()
def deletion_accuracies(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, batch_size: int = 256
                        ) -> np.ndarray:
    """Accuracy without a block and all blocks behind it in its stage, the other stages whole: [blocks].

    A deleted block hands on what it gets.  That has passed a ReLU, so that its own last one would change nothing.
    NaN for blocks that cannot be deleted.  No weight or running statistic is changed.

    Raises:
        ValueError: a network without residual connections.
    """
    allowed = deletable(model)
    names = [name for stage in stages(model) for name in stage]
    device = find_device("auto")
    with evaluating(model, device) as running:
        hits = sum(_hits_without(running, *(part.to(device) for part in batch))
                   for batch in zip(images.split(batch_size), labels.split(batch_size)))
    return np.where([name in allowed for name in names], hits / len(labels), np.nan)


def _hits_without(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """How many images are classified rightly without a block and all behind it in its stage, [blocks]; 0 for blocks
    that cannot be deleted."""
    allowed, found = deletable(model), []
    x = model.stem(images)
    for number, stage in enumerate(stages(model), 1):
        for name in stage:
            # What comes to this block is what the stage hands on without it and all behind it.
            found.append((model.after_stage(number, x).argmax(1) == labels).sum().item() if name in allowed else 0)
            x = model.get_submodule(name)(x)
    return np.array(found)


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the images that the network classifies rightly."""
    return float((logits(model, images).argmax(1) == labels).float().mean())
