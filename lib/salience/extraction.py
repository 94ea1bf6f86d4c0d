"""What a network says of images, and input salience: the gradient of its score of the true class with respect to each."""

from numbers import Integral

import numpy as np
import torch
from jaxtyping import Float, Float32, Integer, Shaped
from torch import nn
from torch.nn import functional as F

from lib.models import doors
from lib.models.class_scores import ModelError, class_scores, own_words
from lib.models.doors import Array
from lib.models.folding import quick
from lib.runtime.checks import check_choice, check_count, shown
from lib.runtime.devices import evaluating, find_device

# output -> score [images] of logits [images, classes] and labels [images, 1]
OUTPUTS = {
    "logit": lambda logits, labels: logits.gather(1, labels),
    "probability": lambda logits, labels: logits.softmax(1).gather(1, labels),
    "log-probability": lambda logits, labels: logits.log_softmax(1).gather(1, labels),
}

CACHED = 2**17  # pixels of a batch whose feature maps stay near a core


@torch.no_grad()
def logits(
    model: nn.Module, images: Float[Array, "n C H W"] | list, *, batch_size: int = 256, device: str = "auto"
) -> Float32[torch.Tensor, "n classes"]:
    """[n, C, H, W] -> [n, classes] float32 scores; the network and the images are left as they were.

    Raises:
        ValueError: a batch size below 1, or images that are no floating-point numbers or not finite.
        lib.models.ModelError: a ValueError about the network: it cannot take the images, or returns no class scores.
    """
    check_count("batch_size", batch_size)
    device = find_device(device)
    images = doors.as_images(images)
    with evaluating(class_scores(model), device) as model:
        return torch.cat([model(batch.to(device)).float().cpu() for batch in images.split(int(batch_size))])


@torch.inference_mode(False)
def input_gradients(
    model: nn.Module,
    images: Float[Array, "n C H W"] | list,
    labels: Integer[Array, " n"] | list,
    *,
    output: str = "logit",
    batch_size: int = 256,
    device: str = "auto",
) -> Float32[torch.Tensor, "n C H W"]:
    """Gradient of the true class's score with respect to every image, [n, C, H, W] float32 (Wang et al. 2024).

    The network is in eval mode meanwhile, so that no image influences another's gradient, and is left as it was; so are
    the images.  Convolutional networks of this library go through a quicker form (`lib.models.folding`), the same up to
    rounding, and those in half precision through a copy in float32.

    Args:
        model: [images, C, H, W] -> [images, classes] logits, or something with the attribute `logits`; of a network
            that returns more, `lib.models.ClassScores` takes the scores.
        images: [n, C, H, W], normalised as in training; labels: [n] class indices of any type of whole numbers.
        output: 'logit' (the authors' code), 'probability' or 'log-probability' of the true class.
        device: where to compute; 'auto' takes the GPU if there is one.

    Raises:
        ValueError: an unknown output, a batch size below 1, images that are no floating-point numbers or not finite,
            images and labels that do not fit together or to the model's classes, or a gradient that is not finite.
        lib.models.ModelError: a ValueError about the network: it cannot take the images, returns no class scores, or
            has no gradient.
    """
    check_output(output)
    check_count("batch_size", batch_size)
    images = doors.as_images(images)
    labels = doors.as_labels(labels, len(images))
    doors.check_network(model)
    device = find_device(device)
    with evaluating(model, device) as model:
        quicker = quick(model) if torch.device(device).type == "cpu" else None  # measured on processors alone
        if quicker is not None:
            model, batch_size = quicker, min(batch_size, max(1, CACHED // images.shape[2:].numel()))
        else:
            model = class_scores(model)
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


def directions(gradients: Shaped[Array, "n C H W"] | list, *, grid: int | None = 8) -> Float32[torch.Tensor, "n d"]:
    """Unit directions of area-averaged gradients, [n, C, H, W] -> [n, C * grid * grid] float32.

    Every channel is averaged over grid x grid equal areas (also where they cut through pixels);
    None keeps the full size.  A zero gradient has no direction: its row is zero.

    Raises:
        ValueError: a grid below 1 or finer than the image, or gradients that are not finite.
    """
    gradients = doors.as_layer("gradients", gradients).double()
    if gradients.ndim != 4:
        raise ValueError(f"gradients must be [n, C, H, W], not {list(gradients.shape)}")
    doors.finite("gradients", gradients)
    if grid is not None:
        rows, columns = (_area_average(size, grid) for size in gradients.shape[-2:])
        gradients = rows @ gradients @ columns.T
    flat = gradients.flatten(1)
    # Scaled by the largest entry first, so that the square of a tiny gradient does not vanish.
    flat = flat / flat.abs().amax(1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    return F.normalize(flat, dim=1).float()


def coarser(found: np.ndarray, channels: int, grid: int) -> np.ndarray:
    """Directions on a coarser grid, [networks, n, channels * size^2] -> [networks, n, channels * grid^2] float32.

    An average over areas is linear and a direction has no length, so that it makes no difference whether gradients are
    averaged before they are scaled to unit length, as the authors' program does, or after.

    Raises:
        ValueError: a grid that does not divide the one that the directions have.
    """
    networks, images, dims = found.shape
    size = round((dims / channels) ** 0.5)
    if grid < 1 or size % grid:
        raise ValueError(f"a grid of {size} can be made coarser to a grid that divides it, not to {grid}")
    pictures = torch.tensor(found).reshape(networks * images, channels, size, size)
    return directions(pictures, grid=grid).reshape(networks, images, -1).numpy()


def as_pictures(directions: Float[np.ndarray, "n d"], channels: int) -> Float[np.ndarray, "n grid grid"]:
    """Directions [n, channels * grid * grid] as square pictures [n, grid, grid], averaged over the colour channels."""
    check_count("channels", channels)
    grid = int(round((directions.shape[1] / channels) ** 0.5))
    if channels * grid**2 != directions.shape[1]:
        raise ValueError(f"directions of {directions.shape[1]} numbers are no square pictures of {channels} channels")
    return directions.reshape(len(directions), channels, grid, grid).mean(1)


def check_grid(grid: int | None, size: int) -> None:
    """Raises ValueError for a grid that is below 1, not whole, or finer than an image of `size` pixels."""
    if grid is not None and (isinstance(grid, bool) or not isinstance(grid, Integral) or not 1 <= grid <= size):
        raise ValueError(
            f"grid must be a whole number from 1 to {size}, the size of the gradients, or None, not {shown(grid)}"
        )


def check_output(output: str) -> None:
    """Raises ValueError, naming the scores there are, for any other."""
    check_choice("output", output, OUTPUTS)


def _batch_gradients(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, output: str) -> torch.Tensor:
    # Without TF32, float32 means float32 on a GPU too.
    with torch.enable_grad(), torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
        images = images.detach().clone().requires_grad_()
        logits = model(images)
        doors.check_classes(labels, logits.shape[1])
        score = OUTPUTS[output](logits, labels[:, None])
        try:
            return torch.autograd.grad(score.sum(), images)[0]
        except Exception as error:  # a layer without a gradient, or one that changed what the gradient needs
            name = getattr(model, "name", type(model).__name__)
            raise ModelError(f"the gradients of the model {name} cannot be taken: {own_words(error)}") from error


def _area_average(size: int, grid: int) -> torch.Tensor:
    """[grid, size] weights: how much of each pixel lies in each of `grid` equal intervals; rows sum to 1."""
    check_grid(grid, size)
    edges = torch.arange(grid + 1, dtype=torch.float64) * size / grid
    pixels = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return overlap.clamp_min(0) * grid / size
