"""What networks say: their scores of the classes, in eval mode and without gradients."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import nn

from lib.data.loading import ImageData
from lib.models import doors
from lib.models.class_scores import class_scores
from lib.models.doors import Array
from lib.runtime.checks import check_count
from lib.runtime.devices import evaluating, find_device
from lib.training.populations import Population

Key = TypeVar("Key", bound=Hashable)


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


def population_logits(
    populations: Mapping[Key, Population], images: ImageData
) -> dict[Key, Float32[np.ndarray, "_ n _"]]:
    """Scores of every network of every population on all test images, each [networks, n, classes] float32."""
    return {
        key: np.stack([logits(model, images.test_images).numpy() for model in population.models()])
        for key, population in populations.items()
    }
