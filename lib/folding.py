"""Frozen networks made quicker, the same function up to rounding: for training maps through them.

BatchNorm in eval mode goes into the weights of the convolution before it.  A convolution of a small map, where much of
the kernel would meet padding, becomes one matrix.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from lib.cifar_resnets import ResidualBlock
from lib.models import BasicBlock

LARGEST = 2**20  # numbers in a matrix that stays in a core's cache


class FoldedConvolution(nn.Module):
    """A convolution [images, channels, rows, columns] -> the same, by one matrix where that is quicker."""

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        self.convolution = convolution
        self.matrices = {}  # shape of an image's map -> matrix [outputs, inputs], bias [outputs], shape of its output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = x.shape[1:]
        if shape not in self.matrices:
            self.matrices[shape] = self._matrix(shape)
        if self.matrices[shape] is None:
            return self.convolution(x)
        matrix, bias, output = self.matrices[shape]
        return F.linear(x.flatten(1), matrix, bias).unflatten(1, output)

    @torch.no_grad()
    def _matrix(self, shape: torch.Size) -> tuple[torch.Tensor, torch.Tensor, torch.Size] | None:
        """None where the matrix would multiply more than twice as often, or is large."""
        layer, inputs = self.convolution, shape.numel()
        outputs = layer.out_channels * inputs // shape[0]  # an upper bound: strides leave fewer
        if shape[1] * shape[2] > 2 * layer.weight[0, 0].numel() or inputs * outputs > LARGEST:
            return None
        maps = layer(layer.weight.new_zeros(1, *shape))  # the bias alone
        units = torch.eye(inputs, dtype=layer.weight.dtype, device=layer.weight.device).view(inputs, *shape)
        matrix = F.conv2d(units, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
        return matrix.flatten(1).T.contiguous(), maps.flatten(), maps.shape[1:]


def folded(network: nn.Module) -> nn.Module:
    """A quicker copy of a network in eval mode; what has no convolutions followed by BatchNorm is only copied."""
    network = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(network.modules()):
        # In these a child's output is the next one's input wherever BatchNorm follows a convolution.
        if isinstance(module, (nn.Sequential, BasicBlock, ResidualBlock)):
            children = list(module.named_children())
            for (name, first), (norm, second) in zip(children, children[1:]):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    setattr(module, name, FoldedConvolution(fuse_conv_bn_eval(first, second)))
                    setattr(module, norm, nn.Identity())
    return network.eval()  # also what is new
