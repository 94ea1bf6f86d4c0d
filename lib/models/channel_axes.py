"""Where the channels of a layer's output stand: first, behind the images, as convolutions have them, or last.

Layers with weights tell it of what they take and put out: channels of a convolution or BatchNorm stand first, those of
nn.Linear or LayerNorm last, as in Swin and other transformers of maps.  A block may end in an addition that belongs to
no module: what counts is the last of these layers before the output that met a tensor of its shape, else the first after.
"""

from collections.abc import Sequence

import torch
from torch import nn

from lib.models.class_scores import complaints
from lib.models.doors import Array, as_inputs
from lib.runtime.devices import evaluating, find_device, precision

FIRST, LAST = PLACES = ("first", "last")
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.GroupNorm)
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)


@torch.no_grad()
def channel_places(
    model: nn.Module, images: Array, points: Sequence[str], *, device: str = "auto"
) -> dict[str, str | None]:
    """Where the channels stand in the outputs of three axes or more, [images, ...]: point -> FIRST or LAST.

    None where the network does not tell: also where all axes are as long as each other and both kinds of layers meet
    such a tensor.

    Args:
        images: as the network takes them; the first two are shown to it.
        points: names of modules that put out one tensor each.
    """
    images, device = as_inputs(images)[:2], find_device(device)
    told: list[tuple[torch.Size, str]] = []
    shown: dict[str, tuple[int, torch.Size]] = {}  # point -> how much was told before it, and the shape of its output

    def look(name):
        def hook(module, inputs, output):
            tensors = (one for one in (*inputs[:1], output) if isinstance(one, torch.Tensor) and one.ndim > 2)
            told.extend((one.shape, place) for one in tensors if (place := _place(module, one.shape)))
            if name in points and isinstance(output, torch.Tensor) and output.ndim > 2:
                shown[name] = len(told), output.shape

        return hook

    with evaluating(model, device) as running, complaints(type(model).__name__, images):
        hooks = [module.register_forward_hook(look(name)) for name, module in running.named_modules()]
        try:
            running(images.to(device, precision(running), copy=True))
        finally:
            for hook in hooks:
                hook.remove()
    return {point: _nearest(told, *place) for point, place in shown.items()}


def _place(module: nn.Module, shape: torch.Size) -> str | None:
    """What a layer tells of the channels of a tensor that it takes or puts out."""
    if isinstance(module, CONVOLUTIONS + NORMS + POOLS):
        return FIRST
    if isinstance(module, nn.Linear) or type(module).forward is nn.LayerNorm.forward:
        return LAST
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1:  # of a class that may turn axes round
        fits = {place for place, size in ((FIRST, shape[1]), (LAST, shape[-1])) if size == module.normalized_shape[0]}
        return fits.pop() if len(fits) == 1 else None
    return None


def _nearest(told: Sequence[tuple[torch.Size, str]], before: int, shape: torch.Size) -> str | None:
    alike = [[place for known, place in part if known == shape] for part in (told[:before], told[before:])]
    if len(set(shape[1:])) == 1 and len({*alike[0], *alike[1]}) > 1:
        return None
    return next(iter((*alike[0][::-1], *alike[1])), None)
