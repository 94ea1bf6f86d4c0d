"""The same training step of a CNN or ResNet in less time on a CPU: fewer passes over memory, and no page faults.

Four things cost time that the mathematics does not ask for (`benchmarks/training_step.py` has the numbers):

- The C library hands large blocks back to the system when they are freed, and the next step faults every page in anew:
  `kept_memory`.
- PyTorch's BatchNorm works on 16 channels at once, and on fewer it falls back to loops of single numbers.  Several
  pixels of few channels are therefore taken for one pixel of many: `NormRelu`.
- A max-pool after BatchNorm and ReLU may come first, because both are increasing; they then see a quarter of the
  numbers: `NormPoolRelu`.
- Sums and ReLUs can overwrite what nobody needs any more.
"""

import copy
import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from lib.models.architectures import CNN, BasicBlock, ResNet

aten = torch.ops.aten
FEW = 16  # channels; PyTorch's own BatchNorm is at least as fast from here on
WIDE = 64  # channels that several pixels make together
# <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MIB = 2**20


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within, freed memory stays with the process, so that the next step finds it there; it goes back at the end.

    Only for glibc, that is most of Linux; elsewhere nothing happens.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):
        yield
        return
    # Old versions take no more than 32 MiB.
    libc.mallopt(M_MMAP_THRESHOLD, 1024 * MIB) or libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)
    libc.mallopt(M_TRIM_THRESHOLD, 2047 * MIB)
    try:
        yield
    finally:
        # The highest that glibc would have set by itself, and did when large blocks were freed.
        libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)
        libc.mallopt(M_TRIM_THRESHOLD, 64 * MIB)
        libc.malloc_trim(0)


def fused(module: nn.Module) -> nn.Module:
    """A twin of a CNN, a ResNet or a stack of them that trains faster; any other module as it is.

    The twin has the same parameters, buffers and children, not copies, under the same names.  In train mode (that of
    the children, which both share) it calls convolutions and linear layers, and does the work of the others itself, so
    that hooks on those see nothing.  In eval mode it is the module.
    """
    quick = {CNN: _FusedCNN, ResNet: _FusedResNet}.get(type(module))
    if quick is None:
        return module
    twin = copy.copy(module)
    twin.__class__ = quick
    return twin


class _FusedCNN(CNN):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.fc.training:
            return super().forward(images)
        x, layers = images, iter(self.backbone)
        for layer in layers:
            if not isinstance(layer, nn.BatchNorm2d):
                x = layer(x)
                continue
            next(layers)  # the ReLU, and what follows it in the layouts: a convolution, or a pool after some of them
            after = next(layers)
            if isinstance(after, nn.MaxPool2d):
                x = norm_pool_relu(layer, x, after)
            else:
                x = after(norm_relu(layer, x))
        return self.fc(x)


class _FusedResNet(ResNet):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.fc.training:
            return super().forward(images)
        x = norm_relu(self.bn1, self.conv1(images))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                assert isinstance(block, BasicBlock)
                x = _block(block, x)
        return self.fc(x.mean(dim=(2, 3)))


def _block(block: BasicBlock, x: torch.Tensor) -> torch.Tensor:
    """As `BasicBlock.forward`."""
    branch = block.conv2(norm_relu(block.bn1, block.conv1(x)))
    return norm_relu(block.bn2, branch, block.downsample(x[..., :: block.stride, :: block.stride]))


def norm_relu(norm: nn.BatchNorm2d, x: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
    """relu(norm(x) + shortcut) in train mode, [N, C, H, W] each."""
    if x.shape[1] < FEW:
        return NormRelu.apply(x, norm.weight, norm.bias, norm, shortcut)
    y = norm(x)
    return (y if shortcut is None else y.add_(shortcut)).relu_()


def norm_pool_relu(norm: nn.BatchNorm2d, x: torch.Tensor, pool: nn.MaxPool2d) -> torch.Tensor:
    """pool(relu(norm(x))) in train mode, [N, C, H, W] -> [N, C, H / side, W / side]."""
    if (norm.weight > 0).all():
        return NormPoolRelu.apply(x, norm.weight, norm.bias, norm, [pool.kernel_size, pool.kernel_size])
    return pool(norm_relu(norm, x))  # a weight below 0 turns the order round, and 0 makes all the same


class NormRelu(torch.autograd.Function):
    """relu(norm(x) + shortcut)."""

    @staticmethod
    def forward(ctx, x, weight, bias, norm, shortcut):
        """[N, C, H, W] of x and shortcut -> the same; keeps the input, the output and the statistics."""
        x = x.contiguous(memory_format=torch.channels_last)
        mean, inverse = _statistics(x, norm)
        scale = weight * inverse
        y = _affine(x, scale, torch.addcmul(bias, mean, scale, value=-1))
        y = (y if shortcut is None else y.add_(shortcut)).relu_()
        ctx.save_for_backward(x, y, weight, mean, inverse)
        ctx.with_shortcut = shortcut is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Gradients of x, weight, bias and shortcut."""
        x, y, weight, mean, inverse = ctx.saved_tensors
        gradient = _masked(gradient, y)
        of_weight, of_bias = _sums(gradient, x, mean, inverse)
        # In bfloat16 rounded like the tensor it multiplies, and the same in all three terms: then the gradient of x
        # stays orthogonal to 1 and to x, and only its length in a channel is off, by 0.2 % at most.
        slope = (weight * inverse).to(x.dtype)
        of_x = _through_statistics(x, slope.to(mean.dtype), mean, inverse, of_weight, of_bias)
        repeats = _repeats(x)
        _rows(of_x, repeats).addcmul_(_rows(gradient, repeats), slope.repeat(repeats)[:, None, None])
        return of_x, of_weight, of_bias, None, gradient if ctx.with_shortcut else None


class NormPoolRelu(torch.autograd.Function):
    """pool(relu(norm(x))) as relu(norm(pool(x))), with the statistics of all of x, for weights above 0."""

    @staticmethod
    def forward(ctx, x, weight, bias, norm, sides):
        """[N, C, H, W] -> [N, C, H / side, W / side]; keeps the input, what was pooled, and the statistics."""
        x = x.contiguous(memory_format=torch.channels_last)
        mean, inverse = _statistics(x, norm)
        pooled, where = aten.max_pool2d_with_indices(x, sides)
        scale = weight * inverse
        y = _affine(pooled, scale, torch.addcmul(bias, mean, scale, value=-1)).relu_()
        ctx.save_for_backward(x, pooled, where, y, weight, mean, inverse)
        ctx.sides = sides
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Gradients of x, weight and bias."""
        x, pooled, where, y, weight, mean, inverse = ctx.saved_tensors
        gradient = _masked(gradient, y)
        of_weight, of_bias = _sums(gradient, pooled, mean, inverse)  # the gradient is 0 everywhere else
        slope = weight * inverse
        of_x = _through_statistics(x, slope, mean, inverse, of_weight, of_bias)
        direct = _affine(gradient, slope, torch.zeros_like(slope))
        of_x.add_(aten.max_pool2d_with_indices_backward(direct, x, ctx.sides, ctx.sides, [0, 0], [1, 1], False, where))
        return of_x, of_weight, of_bias, None, None


def _statistics(x: torch.Tensor, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and 1 / standard deviation [C] of x [N, C, H, W]; the running statistics move as those of `norm` do."""
    repeats, channels = _repeats(x), x.shape[1]
    unused = norm.weight.new_zeros(2, repeats * channels)  # running statistics, for their type
    mean, variance = aten.batch_norm_update_stats(_rows(x, repeats), *unused, 0.0)
    if repeats > 1:  # of equally many pixels each
        between, mean = torch.var_mean(mean.view(repeats, channels), 0, correction=0)
        variance = variance.view(repeats, channels).mean(0).add_(between)
    pixels = x.numel() // channels
    assert norm.running_mean is not None and norm.running_var is not None and norm.momentum is not None
    assert norm.num_batches_tracked is not None
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (pixels / (pixels - 1)), norm.momentum)
    norm.num_batches_tracked.add_(1)
    return mean, variance.add_(norm.eps).rsqrt_()


def _through_statistics(x, slope, mean, inverse, of_weight, of_bias) -> torch.Tensor:
    """The part of the gradient of x that comes through mean and variance: the same affine map of x in a channel.

    -slope / n * (of_bias + (x - mean) * inverse * of_weight), n pixels.
    """
    slope = slope * (-x.shape[1] / x.numel())
    scale = slope * inverse * of_weight
    return _affine(x, scale, torch.addcmul(slope * of_bias, scale, mean, value=-1))


def _sums(gradient, x, mean, inverse) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients [C] of weight and bias, of the gradient of the output and the input, [N, C, H, W] both."""
    repeats = _repeats(x)
    mean, inverse = torch.stack([mean, inverse]).repeat(1, repeats)
    _, *sums = aten.native_batch_norm_backward(
        _rows(gradient, repeats), _rows(x, repeats), mean, mean, mean, mean, inverse, True, 0.0, [False, True, True]
    )
    return tuple(part.view(repeats, -1).sum(0) for part in sums)


def _affine(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """x * scale + shift with one scale and shift [C] a channel, computed in their type, [N, C, H, W] in that of x."""
    repeats = _repeats(x)
    rows = _rows(x, repeats)
    scale, shift = torch.stack([scale, shift]).repeat(1, repeats)
    if x.dtype == scale.dtype:
        y = torch.addcmul(shift[:, None, None], rows, scale[:, None, None])
    else:  # the only operation that takes bfloat16 and float32 in one pass
        mean, variance = torch.zeros_like(scale), torch.ones_like(scale)
        y = aten.native_batch_norm(rows, scale, shift, mean, variance, False, 0.0, 0.0)[0]
    count, _, height, width = x.shape
    return y.permute(0, 2, 3, 1).view(count, height, width, -1).permute(0, 3, 1, 2)


def _masked(gradient: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The gradient [N, C, H, W] where the output y of a ReLU is above 0."""
    return aten.threshold_backward(gradient.contiguous(memory_format=torch.channels_last), y, 0)


def _repeats(x: torch.Tensor) -> int:
    """How many pixels of x [N, C, H, W] are taken together: enough for WIDE channels, if the pixels can be divided."""
    channels, repeats = x.shape[1], 1
    while repeats * channels < WIDE and x.numel() % (2 * repeats * channels) == 0:
        repeats *= 2
    return repeats


def _rows(x: torch.Tensor, repeats: int) -> torch.Tensor:
    """The memory of x [N, C, H, W], channels last, seen as [1, repeats * C, pixels / repeats, 1]."""
    return x.permute(0, 2, 3, 1).view(1, -1, 1, repeats * x.shape[1]).permute(0, 3, 1, 2)
