"""What the layers of a network make of images: activations at named points, streamed by batches."""

import textwrap
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from lib.models.architectures import BasicBlock
from lib.models.cifar_resnets import ResidualBlock
from lib.runtime.checks import check_count, did_you_mean
from lib.runtime.devices import evaluating, find_device, on_device

BLOCKS = (ResidualBlock, BasicBlock)


def block_points(model: nn.Module) -> tuple[str, ...]:
    """The stem, every residual block and the logits of a residual network; stem and blocks after their last ReLU.

    Raises:
        ValueError: a network without residual blocks.
    """
    blocks = [name for name, module in model.named_modules() if isinstance(module, BLOCKS)]
    if not blocks:
        raise ValueError(f"{type(model).__name__} has no residual blocks; name the points yourself")
    stem = "stem" if hasattr(model, "stem") else "relu1"
    return (stem, *blocks, "fc")


def conv_points(model: nn.Module) -> tuple[str, ...]:
    """`block_points` and the output of every convolution, shortcuts too, in the order in which they are computed."""
    among = set(block_points(model))
    return tuple(name for name, module in _inside_first(model) if name in among or isinstance(module, nn.Conv2d))


def check_points(model: nn.Module, points: Sequence[str]) -> None:
    """Raises ValueError, with the nearest name there is, for a point that is no module of the network, or none."""
    names = [name for name, _ in model.named_modules() if name]
    for point in points:
        if point not in names:
            hint, listed = did_you_mean(point, names), textwrap.shorten(", ".join(names), 300, placeholder=" ...")
            raise ValueError(f"{type(model).__name__} has no layer {point!r}; {hint}the layers are {listed}")
    if not points or len(set(points)) < len(points):
        raise ValueError(f"points must be one or more different layers, not {list(points)}")


def activations(
    model: nn.Module,
    images: torch.Tensor,
    points: Sequence[str],
    *,
    of: Callable[[torch.Tensor], torch.Tensor] = torch.clone,
    batch_size: int = 256,
    device: str = "auto",
) -> Iterator[dict[str, torch.Tensor]]:
    """The outputs of the modules `points` on one batch after another: point -> [images, ...], on `device`.

    The network is in eval mode while a batch is computed; between the batches and afterwards, also after an error, it
    is as it was: modes, gradients, buffers, and no hook is left.

    Args:
        of: what to keep of an output [images, ...], a tensor of its own: a copy, because a later module may write
            into the same memory.  It is called as soon as there is the output, so that a small result of it spares the
            memory of all layers.

    Raises:
        ValueError: an unknown point, a batch size below 1, or a point that the network does not compute exactly once.
    """
    check_points(model, points)
    check_count("batch_size", batch_size)
    device = find_device(device)
    model = on_device(model, device)
    return (_batch(model, batch.to(device), points, of) for batch in torch.as_tensor(images).split(batch_size))


def representation(
    model: nn.Module, images: torch.Tensor, points: Sequence[str], *, batch_size: int = 256, device: str = "auto"
) -> dict[str, np.ndarray]:
    """The activations of all images at once, flattened: point -> [images, features] float32."""
    batches = list(activations(model, images, points, batch_size=batch_size, device=device))
    return {point: torch.cat([batch[point].flatten(1) for batch in batches]).float().cpu().numpy() for point in points}


@torch.no_grad()
def _batch(model: nn.Module, images: torch.Tensor, points: Sequence[str], of) -> dict[str, torch.Tensor]:
    found = {point: [] for point in points}

    def keep(point):
        return lambda module, inputs, output: found[point].append(of(output))

    modules, hooks = dict(model.named_modules()), []
    # Without TF32, float32 means float32 on a GPU too.
    with evaluating(model, images.device.type), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        try:
            hooks += [modules[point].register_forward_hook(keep(point)) for point in points]
            model(images)
        finally:
            for hook in hooks:
                hook.remove()
    for point, outputs in found.items():
        if len(outputs) != 1:
            raise ValueError(f"a point must be computed once, and the network computes {point!r} {len(outputs)} times")
    return {point: output for point, (output,) in found.items()}


def _inside_first(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Names and modules, each after those inside it."""
    for name, child in module.named_children():
        yield from _inside_first(child, f"{prefix}{name}.")
        yield prefix + name, child
