"""Convolutional networks of this library in a form whose input gradients take less time on a CPU."""

import torch
from torch import nn
from torch.nn import functional as F

from lib.models.architectures import CNN, BasicBlock, ResNet
from lib.models.cifar_resnets import Addition, CifarResNet, ResidualBlock
from lib.models.folding import fold, twin, untouched

NETWORKS = (CNN, ResNet, CifarResNet)
LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.Identity, nn.Sequential,
          BasicBlock, ResidualBlock, Addition)
SHORTCUTS = {BasicBlock: "downsample", ResidualBlock: "shortcut"}


class SpreadConvolution(nn.Module):
    """A convolution [images, channels, rows, columns] -> the same, a 7x7 one of stride 2 by a 4x4 one of stride 1.

    That reads each 2x2 pixels as one of four times the channels.  Its gradient takes less than half the time.
    """

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        self.convolution = convolution
        self.register_buffer("weight", None)  # [outputs, 4 * channels, 4, 4]
        one = convolution
        if (one.kernel_size, one.stride, one.padding, one.dilation, one.groups) == ((7, 7), (2, 2), (3, 3), (1, 1), 1):
            # A row and a column of zeros before the others; [outputs, channels, 4, 2, 4, 2].
            blocks = F.pad(one.weight, (1, 0, 1, 0)).unflatten(3, (4, 2)).unflatten(2, (4, 2))
            self.weight = blocks.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.weight is None or x.shape[2] % 2 or x.shape[3] % 2:
            return self.convolution(x)
        return F.conv2d(F.pad(F.pixel_unshuffle(x, 2), (2, 1, 2, 1)), self.weight, self.convolution.bias)


def quick(network: nn.Module) -> nn.Module | None:
    """A quicker form of a convolutional network of this library in eval mode, None of any other.

    It shares the memory of what is not folded: to be used at once.  Weights in channels_last make the convolutions of a
    CPU put out channels_last.  None also where a reader put hooks on modules, other modules in their place or
    parametrizations, or left a BatchNorm that does not follow a convolution or has no running statistics.
    """
    if type(network) not in NETWORKS:
        return None
    if not all(type(part) in (*NETWORKS, *LAYERS) and untouched(part) for part in network.modules()):
        return None
    if not {weight.dtype for weight in network.parameters()} <= {torch.float32, torch.float64}:
        return None  # half the digits would show the folding
    network = twin(network)
    fold(network, SpreadConvolution)
    if any(isinstance(part, nn.BatchNorm2d) for part in network.modules()):
        return None
    _pool_shortcuts(network)
    return network.to(memory_format=torch.channels_last)


def _pool_shortcuts(network: nn.Module) -> None:
    """In place: shortcuts read every second pixel by a pool, whose gradient stays in channels_last, not by a slice."""
    for block in list(network.modules()):
        name = SHORTCUTS.get(type(block))
        if name in block._modules and block.stride > 1:
            setattr(block, name, nn.Sequential(nn.AvgPool2d(1, block.stride), block._modules[name]))
            block.stride = 1
