"""Input gradients, against captum batch by batch and against gradients of single images under vmap.

What helps: BatchNorm in the weights, convolutions in channels_last, batches of 2**17 pixels; max-pool before ReLU (5 to
8% of a CNN); for ResNets the 7x7 stem on blocks of 2x2 pixels (8%), and shortcuts through a pool (8%): without it the
slice's gradient leaves channels_last, which eats what that gains.  What did not, or too little:

- ReLU and the sum of a block in place: 1 to 3%, and wrong where something else reads the input.
- Images in channels_last as well: the weights decide, the copy of the images is nothing.
- Small maps through one matrix, as in stitching: up to twice as fast on 8x8 images, but the matrices take longer than
  one pass over the digits, and lose outright at 32x32 and k = 16.
- Copying the network to fold it: 8 to 10 ms for a ResNet, a third of the time on the digits; sharing weights takes 3.
- Batches of 2**15 pixels (slower by 15% for ResNets) and of 2**18 (by 5 to 10%).
- Vision transformers, in channels_last or smaller batches: no faster.  They go the plain way.
"""

import torch
from captum.attr import Saliency
from torch import nn
from torch.func import functional_call, grad, vmap

from benchmarks.measuring import Case, Cases
from lib import models, salience
from lib.models.folding import quick as folded

NETWORKS = 2  # the time of 20 is ten times theirs: each passes by itself
SIZES = (("cnn-small", 16, 3, 32, 750), ("resnet-small", 16, 3, 32, 750), ("cnn-small", 8, 1, 8, 2000))
FEW = (("cnn-small", 2, 3, 32, 24), ("resnet-small", 2, 3, 32, 24))
BATCH = 250  # images
KINKS = 0.02  # of the images; a unit within rounding of a ReLU's kink is on in one way and off in another


def network(family: str, width: int, channels: int, size: int, seed: int) -> nn.Module:
    """An untrained network, its running statistics those of noise."""
    model = models.build(family, width, in_channels=channels, image_size=size)
    generator = torch.Generator().manual_seed(seed)
    models.initialise(model, generator).train()(torch.randn(256, channels, size, size, generator=generator))
    return model.eval()


def captum(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Captum's gradients [n, C, H, W] of the images, in batches."""
    parts = zip(images.split(BATCH), labels.split(BATCH))
    return torch.cat(
        [Saliency(model).attribute(part.clone().requires_grad_(), right, abs=False) for part, right in parts]
    )


def one_by_one(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The gradient of every image's own score, mapped over a batch."""
    state = dict(model.named_parameters()) | dict(model.named_buffers())

    def score(image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return functional_call(model, state, (image[None],))[0].gather(0, label[None])[0]

    parts = zip(images.split(BATCH), labels.split(BATCH))
    return torch.cat([vmap(grad(score))(part, right) for part, right in parts])


def bare(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Forward and backward to the input, of one batch again and again, through the form that ours takes."""
    size = min(BATCH, salience.CACHED // images.shape[2:].numel())
    batch, chosen = images[:size].clone().requires_grad_(), labels[:size, None]
    for _ in range(len(images) // len(batch)):
        torch.autograd.grad(model(batch).gather(1, chosen).sum(), batch)


def most_apart(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    """What all but KINKS of the images stay below: the distance of two gradients over their length."""
    far = [(a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1) for a, b in zip(ours, theirs, strict=True)]
    return float(torch.cat(far).detach().quantile(1 - KINKS))


def cases(quick: bool) -> Cases:
    for family, width, channels, size, count in FEW if quick else SIZES:
        generator = torch.Generator().manual_seed(1)
        images = torch.randn(count, channels, size, size, generator=generator)
        labels = torch.randint(10, (count,), generator=generator)
        networks = [network(family, width, channels, size, seed) for seed in range(NETWORKS)]
        quicker = [folded(model) for model in networks]

        def every(way, networks=networks, images=images, labels=labels) -> list:
            return [way(model, images, labels) for model in networks]

        def ours(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return salience.input_gradients(model, images, labels, batch_size=BATCH, device="cpu")

        yield Case(
            "input gradients",
            f"{family}, k = {width}, {NETWORKS} networks, {count} images of {size} x {size}",
            lambda: every(ours),
            {"captum": lambda: every(captum), "vmap of grad": lambda: every(one_by_one)},
            ("forward and backward to the input of a batch that lies ready", lambda: every(bare, quicker)),
            most_apart,
            1e-5,
            goal=1.7,
            share=0.85,
            repeats=3,
        )
