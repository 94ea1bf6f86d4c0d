"""What the layers of a network make of images: activations at named points, streamed by batches."""

import difflib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from lib.cifar_resnets import ResidualBlock
from lib.models import BasicBlock, check_count
from lib.salience import evaluating

BLOCKS = (ResidualBlock, BasicBlock)


def block_points(model: nn.Module) -> tuple[str, ...]:
    """The stem, every residual block (its output after the last ReLU) and the logits of a residual network.

    Raises:
        ValueError: a network without residual blocks.
    """
    blocks = [name for name, module in model.named_modules() if isinstance(module, BLOCKS)]
    if not blocks:
        raise ValueError(f"{type(model).__name__} has no residual blocks; name the points yourself")
    stem = "stem" if hasattr(model, "stem") else "bn1"
    return (stem, *blocks, "fc")


def conv_points(model: nn.Module) -> tuple[str, ...]:
    """`block_points` and the output of every convolution, in the order of the modules."""
    among = set(block_points(model))
    return tuple(name for name, module in model.named_modules() if name in among or isinstance(module, nn.Conv2d))


def check_points(model: nn.Module, points: Sequence[str]) -> None:
    """Raises ValueError, with the nearest name there is, for a point that is no module of the network, or none."""
    names = [name for name, _ in model.named_modules() if name]
    for point in points:
        if point not in names:
            near = difflib.get_close_matches(str(point), names, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"{type(model).__name__} has no layer {point!r}; {hint}the layers are {', '.join(names)}")
    if not points or len(set(points)) < len(points):
        raise ValueError(f"points must be one or more different layers, not {list(points)}")


def activations(model: nn.Module, images: torch.Tensor, points: Sequence[str], *, batch_size: int = 256,
                device: str = "auto") -> Iterator[dict[str, torch.Tensor]]:
    """The outputs of the modules `points` on one batch after another: point -> [images, ...], on `device`.

    The network is in eval mode while a batch is computed; afterwards, also after an error, it is as it was: modes,
    gradients, buffers, and no hook is left.

    Raises:
        ValueError: an unknown point, a batch size below 1, or a point that the network never computes.
    """
    check_points(model, points)
    check_count("batch_size", batch_size)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    return (_batch(model, batch, points, device) for batch in torch.as_tensor(images).split(batch_size))


def representation(model: nn.Module, images: torch.Tensor, points: Sequence[str], *, batch_size: int = 256,
                   device: str = "auto") -> dict[str, np.ndarray]:
    """The activations of all images at once, flattened: point -> [images, features] float32."""
    batches = list(activations(model, images, points, batch_size=batch_size, device=device))
    return {point: torch.cat([batch[point].flatten(1) for batch in batches]).float().cpu().numpy() for point in points}


@torch.no_grad()
def _batch(model: nn.Module, images: torch.Tensor, points: Sequence[str], device: str) -> dict[str, torch.Tensor]:
    found = {}

    def keep(point):
        # A copy: a module after this one may write into the same memory.
        return lambda module, inputs, output: found.__setitem__(point, output.detach().clone())

    with evaluating(model, device) as model:
        modules = dict(model.named_modules())
        hooks = []
        try:
            hooks += [modules[point].register_forward_hook(keep(point)) for point in points]
            model(images.to(device))
        finally:
            for hook in hooks:
                hook.remove()
    if missing := [point for point in points if point not in found]:
        raise ValueError(f"the network never computes {', '.join(missing)}")
    return {point: found[point] for point in points}
