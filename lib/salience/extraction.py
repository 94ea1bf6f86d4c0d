"""Input salience: the gradient of a network's score of the true class with respect to each input image."""

from numbers import Integral

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lib.models.folding import quick
from lib.runtime.checks import check_count
from lib.runtime.devices import evaluating, find_device

# output -> score [images] of logits [images, classes] and labels [images, 1]
OUTPUTS = {
    "logit": lambda logits, labels: logits.gather(1, labels),
    "probability": lambda logits, labels: logits.softmax(1).gather(1, labels),
    "log-probability": lambda logits, labels: logits.log_softmax(1).gather(1, labels),
}

CACHED = 2**17  # pixels of a batch whose feature maps stay near a core


def input_gradients(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    output: str = "logit",
    batch_size: int = 256,
    device: str = "auto",
) -> torch.Tensor:
    """Gradient of the true class's score with respect to every image (fact sheet 4.3), -> [n, C, H, W] float32.

    The network is in eval mode meanwhile, so that no image influences another's gradient, and is left as it was.
    Convolutional networks of this library go through a quicker form (`lib.models.folding`), the same up to
    rounding.

    Args:
        model: [images, C, H, W] -> [images, classes] logits.
        images: [n, C, H, W], normalised as in training; labels: [n] class indices.
        output: 'logit' (the authors' code), 'probability' or 'log-probability' of the true class.
        device: where to compute; 'auto' takes the GPU if there is one.

    Raises:
        ValueError: an unknown output, a batch size below 1, images and labels that do not fit together or to the
            model's classes, or a gradient that is not finite.
    """
    check_output(output)
    check_count("batch_size", batch_size)
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images need as many labels, not {len(labels)}")
    device = find_device(device)
    with evaluating(model, device) as model:
        quicker = quick(model) if torch.device(device).type == "cpu" else None  # measured on processors alone
        if quicker is not None:
            model, batch_size = quicker, min(batch_size, max(1, CACHED // images.shape[2:].numel()))
        return plain_gradients(model, images, labels, output, batch_size, device)


def plain_gradients(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, output: str, batch_size: int, device: str
) -> torch.Tensor:
    """`input_gradients` through the model as it is, in eval mode and on the device already: the slow twin."""
    gradients = torch.empty(images.shape, dtype=torch.float32)
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        gradients[part] = _batch_gradients(model, images[part].to(device), labels[part].to(device), output).cpu()
        if not gradients[part].isfinite().all():  # part by part: of all it would hold another copy
            raise ValueError("some input gradients are not finite; the network's weights or the images are broken")
    return gradients


def directions(gradients: torch.Tensor, *, grid: int | None = 8) -> torch.Tensor:
    """Unit directions of area-averaged gradients, [n, C, H, W] -> [n, C * grid * grid] float32.

    Every channel is averaged over grid x grid equal areas (fact sheet 4.3; also where they cut through pixels);
    None keeps the full size.  A zero gradient has no direction: its row is zero.

    Raises:
        ValueError: a grid below 1 or finer than the image.
    """
    gradients = torch.as_tensor(gradients).double()
    if grid is not None:
        rows, columns = (_area_average(size, grid) for size in gradients.shape[-2:])
        gradients = rows @ gradients @ columns.T
    flat = gradients.flatten(1)
    # Scaled by the largest entry first, so that the square of a tiny gradient does not vanish.
    flat = flat / flat.abs().amax(1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    return F.normalize(flat, dim=1).float()


def as_pictures(directions: np.ndarray, channels: int) -> np.ndarray:
    """Directions [n, channels * grid * grid] as square pictures [n, grid, grid], averaged over the colour channels."""
    grid = int(round((directions.shape[1] / channels) ** 0.5))
    return directions.reshape(len(directions), channels, grid, grid).mean(1)


def check_grid(grid: int | None, size: int) -> None:
    """Raises ValueError for a grid that is below 1, not whole, or finer than an image of `size` pixels."""
    if grid is not None and (isinstance(grid, bool) or not isinstance(grid, Integral) or not 1 <= grid <= size):
        raise ValueError(
            f"grid must be a whole number from 1 to {size}, the size of the gradients, or None, not {grid!r}"
        )


def check_output(output: str) -> None:
    """Raises ValueError, naming the scores there are, for any other."""
    if output not in list(OUTPUTS):  # also for what cannot be hashed
        raise ValueError(f"unknown output {output!r}; the outputs are {', '.join(OUTPUTS)}")


def check_labels(labels: torch.Tensor, classes: int) -> None:
    """Raises ValueError for labels that are none of the model's classes."""
    if labels.min() < 0 or labels.max() >= classes:
        found = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"labels must be from 0 to {classes - 1}, the model's classes, not {found}")


def _batch_gradients(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, output: str) -> torch.Tensor:
    # Without TF32, float32 means float32 on a GPU too.
    with torch.enable_grad(), torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
        images = images.detach().clone().requires_grad_()
        logits = model(images)
        if logits.ndim != 2 or len(logits) != len(images):
            found = f"{list(logits.shape)} for {len(images)} images"
            raise ValueError(f"the model must return [images, classes] scores, not {found}")
        check_labels(labels, logits.shape[1])
        score = OUTPUTS[output](logits, labels[:, None])
        return torch.autograd.grad(score.sum(), images)[0]


def _area_average(size: int, grid: int) -> torch.Tensor:
    """[grid, size] weights: how much of each pixel lies in each of `grid` equal intervals; rows sum to 1."""
    check_grid(grid, size)
    edges = torch.arange(grid + 1, dtype=torch.float64) * size / grid
    pixels = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return overlap.clamp_min(0) * grid / size
