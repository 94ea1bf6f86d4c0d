"""What the layers of a network make of images: activations at named points, streamed by batches."""

import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from lib.models import doors
from lib.models.architectures import BasicBlock
from lib.models.cifar_resnets import ResidualBlock
from lib.models.class_scores import ModelError, complaints
from lib.runtime.checks import check_count, did_you_mean, shown
from lib.runtime.devices import evaluating, find_device, on_device, precision

BLOCKS = (ResidualBlock, BasicBlock)


def block_points(model: nn.Module) -> tuple[str, ...]:
    """The stem, every residual block and the logits of a residual network; stem and blocks after their last ReLU.

    Of the residual networks of this library and of torchvision.

    Raises:
        ValueError: another network.
    """
    doors.check_network(model)
    if is_torchvision_resnet(model):
        stages = (f"layer{stage}" for stage in range(1, 5))
        return ("relu", *(f"{stage}.{place}" for stage in stages for place in range(len(getattr(model, stage)))), "fc")
    blocks = [name for name, module in model.named_modules() if isinstance(module, BLOCKS)]
    if not blocks:
        raise ValueError(
            f"{type(model).__name__} has no residual blocks of this library's or torchvision's ResNets; name the "
            "points yourself, by the names of its modules"
        )
    stem = "stem" if hasattr(model, "stem") else "relu1"
    return (stem, *blocks, "fc")


def is_torchvision_resnet(model: nn.Module) -> bool:
    """Whether torchvision's ResNet computes this network, without importing torchvision, which takes a second."""
    known = getattr(sys.modules.get("torchvision.models.resnet"), "ResNet", None)
    return known is not None and isinstance(model, known) and type(model).forward is known.forward


def check_points(model: nn.Module, points: Sequence[str]) -> None:
    """Raises ValueError, with the nearest name there is, for a point that is no module of the network, or none.

    So does a layer of a TorchScript, which lets nobody look at it.
    """
    doors.check_network(model)
    if (
        isinstance(points, str)
        or not isinstance(points, Sequence)
        or not all(isinstance(point, str) for point in points)
    ):
        raise ValueError(f"points must be a list of the names of layers, not {shown(points)}")
    modules = dict(model.named_modules())
    names = [name for name in modules if name]
    for point in points:
        if point not in names:
            hint, listed = did_you_mean(point, names), textwrap.shorten(", ".join(names), 300, placeholder=" ...")
            raise ValueError(f"{type(model).__name__} has no layer {shown(point)}; {hint}the layers are {listed}")
    if any(isinstance(modules[point], torch.jit.ScriptModule) for point in points):
        raise ValueError(f"{type(model).__name__}: layers of a TorchScript cannot be read; build the network in Python")
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
    is as it was: modes, gradients, buffers, and no hook is left; so are the images.

    Args:
        of: what to keep of an output [images, ...], a tensor of its own: a copy, because a later module may write
            into the same memory.  It is called as soon as there is the output, so that a small result of it spares the
            memory of all layers.

    Raises:
        ValueError: an unknown point, a batch size below 1, images that are no floating-point numbers or not finite, or
            a point that the network does not compute exactly once, or that is no tensor with a row an image.
        lib.models.ModelError: a ValueError: the network cannot take the images.
    """
    check_points(model, points)
    check_count("batch_size", batch_size)
    device = find_device(device)
    model = on_device(model, device)
    batches = doors.as_inputs(images).split(int(batch_size))
    # Copies: a network may normalise its images in place.
    return (_batch(model, batch.to(device, precision(model), copy=True), points, of) for batch in batches)


def representation(
    model: nn.Module, images: torch.Tensor, points: Sequence[str], *, batch_size: int = 256, device: str = "auto"
) -> dict[str, np.ndarray]:
    """The activations of all images at once, flattened: point -> [images, features] float32."""
    batches = list(activations(model, images, points, batch_size=batch_size, device=device))
    return {point: torch.cat([batch[point].flatten(1) for batch in batches]).float().cpu().numpy() for point in points}


@torch.no_grad()
def _batch(model: nn.Module, images: torch.Tensor, points: Sequence[str], of) -> dict[str, torch.Tensor]:
    found: dict[str, list[torch.Tensor]] = {point: [] for point in points}
    own_mistakes: list[Exception] = []

    def keep(point):
        def hook(module, inputs, output):
            try:
                found[point].append(of(_checked(point, output, len(images))))
            except Exception as error:
                own_mistakes.append(error)
                raise

        return hook

    modules, hooks = dict(model.named_modules()), []
    # Without TF32, float32 means float32 on a GPU too.
    with evaluating(model, images.device.type), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        try:
            hooks += [modules[point].register_forward_hook(keep(point)) for point in points]
            with complaints(type(model).__name__, images):
                model(images)
        except ModelError:
            if own_mistakes:  # of what is kept, not of the network
                raise own_mistakes[0] from None
            raise
        finally:
            for hook in hooks:
                hook.remove()
    for point, outputs in found.items():
        if len(outputs) != 1:
            raise ValueError(f"a point must be computed once, and the network computes {point!r} {len(outputs)} times")
    return {point: output for point, (output,) in found.items()}


def _checked(point: str, output: object, images: int) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise ValueError(
            f"the layer {point!r} returns a {type(output).__name__}, and a point must be one tensor; take a layer "
            "inside it or behind it"
        )
    if not output.ndim or len(output) != images:
        raise ValueError(
            f"the layer {point!r} returns {list(output.shape)} for {images} images, and a point needs the images first"
        )
    return output
