"""Many networks of one architecture as a single module: network m owns the m-th group of channels.

Convolutions become grouped convolutions, BatchNorm normalises each channel by itself anyway, layer norms take each
network's channels by themselves, and the linear layer becomes one small product a network.  Small networks are then
trained several times faster than one by one.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lib.models.vision_transformer import ChannelNorm, PositionEmbedding


class StackedLinear(nn.Module):
    """`models` linear layers side by side: [images, models * in] -> [images, models * out]."""

    def __init__(self, models: int, in_features: int, out_features: int):
        super().__init__()
        self.shape = (models, out_features, in_features)
        self.weight = nn.Parameter(torch.empty(models * out_features, in_features))
        self.bias = nn.Parameter(torch.empty(models * out_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        models, out_features, in_features = self.shape
        x = x.view(-1, models, in_features).transpose(0, 1)  # [models, images, in]
        bias = self.bias.view(models, 1, out_features)
        y = torch.baddbmm(bias, x, self.weight.view(self.shape).transpose(1, 2))  # [models, images, out]
        return y.transpose(0, 1).reshape(-1, models * out_features)


def stack(networks: Sequence[nn.Module]) -> nn.Module:
    """One module that runs all `networks`: [images, models * C, H, W] -> [images, models * classes].

    Its weights are theirs joined along the first axis, under the same names.
    """
    stacked = _widen(copy.deepcopy(networks[0]), len(networks))
    states = [network.state_dict() for network in networks]
    joined = {
        name: torch.cat([state[name] for state in states]) if value.ndim else value for name, value in states[0].items()
    }
    stacked.load_state_dict(joined)
    return stacked


def unstack(stacked: nn.Module, models: int) -> list[dict[str, torch.Tensor]]:
    """The state dict of each network of `stack`, as contiguous copies on the CPU."""
    state = {name: value.detach().cpu() for name, value in stacked.state_dict().items()}
    pieces = {name: value.chunk(models) if value.ndim else (value,) * models for name, value in state.items()}
    return [
        {name: piece[m].clone(memory_format=torch.contiguous_format) for name, piece in pieces.items()}
        for m in range(models)
    ]


def stack_images(images: torch.Tensor) -> torch.Tensor:
    """[models, images, C, H, W], a batch of its own for each network -> [images, models * C, H, W]."""
    return images.transpose(0, 1).flatten(1, 2)


def _widen(module: nn.Module, models: int) -> nn.Module:
    for name, child in module.named_children():
        setattr(module, name, _widen(child, models))
    if isinstance(module, nn.Conv2d):
        geometry: dict[str, Any] = {name: getattr(module, name) for name in ("kernel_size", "stride", "padding")}
        wide = nn.Conv2d(
            models * module.in_channels,
            models * module.out_channels,
            **geometry,
            groups=models * module.groups,
            bias=module.bias is not None,
        )
    elif isinstance(module, nn.BatchNorm2d):
        wide = nn.BatchNorm2d(models * module.num_features, module.eps, module.momentum)
    elif isinstance(module, nn.Linear):
        wide = StackedLinear(models, module.in_features, module.out_features)
    elif isinstance(module, ChannelNorm):
        wide = ChannelNorm(models * len(module.weight), models * module.groups, module.eps)
    elif isinstance(module, PositionEmbedding):
        wide = PositionEmbedding(models * len(module.weight), module.weight.shape[-1])
    else:
        return module
    return wide.to(next(module.parameters())).train(module.training)
