"""What the networks of a population share or miss, and what was done to their training images on purpose.

Groups that differ by design ground measures of similarity (chapter 19; Klabunde and others, ReSi, ICLR 2025): labels
that are shuffled in a part of the images, a shortcut that tells the class in a part of them, augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

SHIFT = 1 / 8  # of the image's side: 4 pixels of 32
PATCH = 1 / 8  # side of the shortcut, a square in the upper left corner, as a share of the image's
LEVELS = 2.0  # a class is a colour, whose channels are from -LEVELS to LEVELS standard deviations
COLOUR = 0.25  # standard deviation of the noise on brightness and contrast of every channel


@dataclass(frozen=True)
class Control:
    """How a population differs from the usual one.

    Attributes:
        shared: the random stream that all networks of the population take, 'weights' or 'order', or None.
        shuffled: share of the training images whose labels are dealt out anew among them, once for all networks.
        shortcut: share of the training images whose patch tells their class; in the others it tells one drawn at
            random.  None: there is no patch.
        shifted: images are shifted by up to SHIFT of their side and flipped, anew at every look.
        coloured: brightness and contrast of every channel are drawn anew at every look.
    """

    shared: str | None = None
    shuffled: float = 0.0
    shortcut: float | None = None
    shifted: bool = False
    coloured: bool = False

    @property
    def drawn(self) -> bool:
        """Whether labels or patches are drawn with the seed of the data."""
        return self.shuffled > 0 or self.shortcut is not None


CONTROLS = {
    "none": Control(),
    "random-labels": Control(shuffled=1.0),
    "same-weights": Control("weights"),
    "same-order": Control("order"),
    **{f"labels-{percent}": Control(shuffled=percent / 100) for percent in (25, 50, 75)},
    **{f"shortcut-{percent}": Control(shortcut=percent / 100) for percent in (0, 25, 50, 75, 100)},
    "shifts": Control(shifted=True),
    "colours": Control(coloured=True),
    "shifts-colours": Control(shifted=True, coloured=True),
}


def training_labels(control: Control, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """The labels [n] to train on: as they are, or those of a part dealt out anew, each as often as before."""
    if not control.shuffled:
        return labels
    generator = torch.Generator().manual_seed(seed)
    if control.shuffled == 1:
        return labels[torch.randperm(len(labels), generator=generator)]
    chosen = torch.randperm(len(labels), generator=generator)[: round(control.shuffled * len(labels))]
    dealt = labels.clone()
    dealt[chosen] = labels[chosen[torch.randperm(len(chosen), generator=generator)]]
    return dealt


def shortcut_colours(
    control: Control, labels: torch.Tensor, classes: int, channels: int, seed: int
) -> torch.Tensor | None:
    """The colour of every image's patch [n, channels], in standard deviations of the pixels; None without a patch."""
    if control.shortcut is None:
        return None
    generator = torch.Generator().manual_seed(seed)
    told = torch.randint(classes, labels.shape, generator=generator)
    chosen = torch.randperm(len(labels), generator=generator)[: round(control.shortcut * len(labels))]
    told[chosen] = labels[chosen].cpu()
    return class_colours(classes, channels)[told]


def class_colours(classes: int, channels: int) -> torch.Tensor:
    """A colour a class, [classes, channels]: a channel's level is a digit of the class's number."""
    levels = next(count for count in range(2, classes + 2) if count**channels >= classes)
    digits = torch.stack([torch.arange(classes) // levels**channel % levels for channel in range(channels)], dim=1)
    return torch.linspace(-LEVELS, LEVELS, levels)[digits]


def with_patches(images: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Images [..., C, H, W] with their patches, whose colours are [..., C]; a copy."""
    side = max(round(PATCH * images.shape[-1]), 1)
    patched = images.clone()
    patched[..., :side, :side] = colours.to(images)[..., None, None]
    return patched


def augmented(control: Control, images: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """Images [models, n, C, H, W], each network's drawn from its own generator; what is shifted in is the mean, 0."""
    return torch.stack([_augmented(control, own, generator) for own, generator in zip(images, generators, strict=True)])


def _augmented(control: Control, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images [n, C, H, W]."""
    count, channels = images.shape[:2]
    if control.coloured:
        noise = COLOUR * torch.randn(2, count, channels, 1, 1, generator=generator).to(images)
        images = images * (1 + noise[0]) + noise[1]
    if control.shifted:
        size = images.shape[-1]
        most = max(round(SHIFT * size), 1)
        flip = torch.rand(count, generator=generator) < 0.5
        down, right = torch.randint(2 * most + 1, (2, count), generator=generator)
        padded = torch.nn.functional.pad(images, (most,) * 4)
        rows = (down[:, None] + torch.arange(size)).to(images.device)
        columns = right[:, None] + torch.arange(size)
        columns = torch.where(flip[:, None], columns.flip(1), columns).to(images.device)
        image = torch.arange(count, device=images.device)
        images = padded.movedim(1, 3)[image[:, None, None], rows[:, :, None], columns[:, None]].movedim(3, 1)
    return images
