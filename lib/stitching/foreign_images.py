"""Images that a network was not trained on, made from those that it was: for detectors of strange activations.

All images are normalised, [images, channels, rows, columns].
"""

from collections.abc import Sequence

import torch


def shuffled(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The pixels of every image in an order of its own, its channels together."""
    orders = torch.rand(len(images), 1, images[0, 0].numel(), generator=generator).argsort(-1)
    return images.flatten(2).gather(2, orders.expand(-1, images.shape[1], -1)).view_as(images)


def blended_with_noise(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The mean of every image and Gaussian noise of the unit variance of normalised pixels."""
    return (images + torch.randn(images.shape, generator=generator)) / 2


def auxiliary(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What detectors are trained to refuse: every other image shuffled, the others blended with noise."""
    found = images.clone()
    found[::2] = shuffled(images[::2], generator)
    found[1::2] = blended_with_noise(images[1::2], generator)
    return found


def inverted(images: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Negatives, 1 - pixel; mean, std: of each channel, of pixels from 0 to 1, as the images were normalised by."""
    mean, std = _by_channel(mean), _by_channel(std)
    return (1 - 2 * mean) / std - images


def noise(images: torch.Tensor, mean: Sequence[float], std: Sequence[float], generator: torch.Generator
          ) -> torch.Tensor:
    """As many images of the same shape, every pixel uniform from 0 to 1 before it is normalised."""
    return (torch.rand(images.shape, generator=generator) - _by_channel(mean)) / _by_channel(std)


def _by_channel(numbers: Sequence[float]) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None]
