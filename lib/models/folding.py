"""Frozen networks made quicker on a CPU, the same function up to rounding.

BatchNorm in eval mode goes into the weights of the convolution before it.  `folded` is for training maps through an end
that is used many times; `quick` is for the input gradients of one pass over the images.
"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from lib.models.architectures import CNN, BasicBlock, ResNet
from lib.models.cifar_resnets import Addition, CifarResNet, ResidualBlock
from lib.runtime.devices import usable_copy

LARGEST = 2**20  # numbers in a matrix that stays in a core's cache
# Modules whose forward is known -> pairs of children: the second takes the output of the first, and nothing else does.
IN_BLOCKS = (("conv1", "bn1"), ("conv2", "bn2"))
IN_TURN = {CNN: (), CifarResNet: (), ResNet: IN_BLOCKS[:1], BasicBlock: IN_BLOCKS, ResidualBlock: IN_BLOCKS}
NETWORKS = (CNN, ResNet, CifarResNet)
LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.Identity, nn.Sequential)
LAYERS += (BasicBlock, ResidualBlock, Addition)
SHORTCUTS = {BasicBlock: "downsample", ResidualBlock: "shortcut"}
Network = TypeVar("Network", bound=nn.Module)
HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


class FoldedConvolution(nn.Module):
    """A convolution [images, channels, rows, columns] -> the same, by one matrix where that is quicker.

    It is where a map is so small that much of the kernel would meet padding.
    """

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        self.convolution = convolution
        # shape of an image's map -> matrix [outputs, inputs], bias [outputs], shape of its output
        self.matrices: dict[torch.Size, tuple[torch.Tensor, torch.Tensor, torch.Size] | None] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = x.shape[1:]
        if shape not in self.matrices:
            self.matrices[shape] = self._matrix(shape)
        found = self.matrices[shape]
        if found is None:
            return self.convolution(x)
        matrix, bias, output = found
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


def folded(network: nn.Module) -> nn.Module:
    """A quicker copy of a network in eval mode; what has no convolutions followed by BatchNorm is only copied."""
    network = usable_copy(network).eval()
    for weight in network.parameters():  # one by one: a TorchScript has no requires_grad_ of its own
        weight.requires_grad_(False)
    fold(network, FoldedConvolution)
    return network.eval()  # also what is new


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
        if name and isinstance(block, (BasicBlock, ResidualBlock)) and name in block._modules and block.stride > 1:
            setattr(block, name, nn.Sequential(nn.AvgPool2d(1, block.stride), getattr(block, name)))
            block.stride = 1


def fold(module: nn.Module, quicker: Callable[[nn.Conv2d], nn.Module]) -> None:
    """In place: BatchNorm into the convolution before it, and max-pools before ReLUs, which then meet fewer numbers.

    Modules other than the known ones stay as they are: they may use what a child puts out more than once.
    """
    if "forward" in vars(module) or type(module) not in (nn.Sequential, *IN_TURN):
        return
    names = list(module._modules)
    for first, second in zip(names, names[1:]) if type(module) is nn.Sequential else IN_TURN[type(module)]:
        one: Any = module._modules.get(first)
        other: Any = module._modules.get(second)
        if _foldable(one, other):
            setattr(module, first, quicker(_fused(one, other)))
            setattr(module, second, nn.Identity())
        elif (type(one), type(other)) == (nn.ReLU, nn.MaxPool2d) and untouched(one) and untouched(other):
            setattr(module, first, other)
            setattr(module, second, one)
    for child in module.children():
        fold(child, quicker)


def untouched(module: nn.Module) -> bool:
    """Whether a module has no hooks, and no forward but that of its class."""
    return "forward" not in vars(module) and not any(getattr(module, hooks) for hooks in HOOKS)


def twin(module: Network) -> Network:
    """A frozen copy in eval mode that shares the memory of its weights: copying them all would take milliseconds."""
    other = copy.copy(module)
    other.training = False
    own: dict[str, Any] = {
        name: weight if weight is None else weight.detach() for name, weight in module._parameters.items()
    }
    other._parameters = own  # tensors will do where nothing is trained
    other._buffers = dict(module._buffers)
    other._modules = {name: child if child is None else twin(child) for name, child in module._modules.items()}
    return other


def _foldable(one: nn.Module, other: nn.Module) -> bool:
    """Whether the two are a plain convolution and a BatchNorm that has running statistics, as PyTorch made them."""
    return (
        (type(one), type(other)) == (nn.Conv2d, nn.BatchNorm2d)
        and one.padding_mode == "zeros"
        and other.running_mean is not None
        and untouched(one)
        and untouched(other)
    )


@torch.no_grad()
def _fused(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    assert norm.running_mean is not None and norm.running_var is not None  # as `_foldable` said
    fused = twin(convolution)
    weight, bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    fused._parameters = {"weight": weight, "bias": bias}
    return fused.requires_grad_(False)
