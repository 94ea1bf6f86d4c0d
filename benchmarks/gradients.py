"""Input gradients: the library against its own plain way and against captum, networks of width k on noise.

    .venv/bin/python benchmarks/gradients.py

Interleaved in one run, in seconds of one core that are the process's own, so that other work on the machine counts
less.  Captum gets batches of the size given to us and, as another line, of the size that we take; all results are
compared before.

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

import statistics
import time
from collections.abc import Callable

import torch
from captum.attr import Saliency
from torch import nn

from lib import models, salience
from lib.models.folding import quick

CASES = (("cnn-small", 16, 3, 32, 512), ("resnet-small", 16, 3, 32, 512), ("cnn-small", 8, 1, 8, 2048))
BATCH = 256  # images
REPEATS = 9


def network(family: str, width: int, channels: int, size: int) -> nn.Module:
    """An untrained network, its running statistics those of noise."""
    model = models.build(family, width, in_channels=channels, image_size=size)
    generator = torch.Generator().manual_seed(0)
    models.initialise(model, generator).train()(torch.randn(256, channels, size, size, generator=generator))
    return model.eval()


def captum(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> torch.Tensor:
    """Captum's gradients [n, C, H, W] of the images, in batches."""
    return torch.cat(
        [
            Saliency(model).attribute(part.clone().requires_grad_(), right, abs=False)
            for part, right in zip(images.split(batch_size), labels.split(batch_size))
        ]
    )


def ways(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> dict[str, Callable[[], torch.Tensor]]:
    """Name -> a function that takes all gradients."""
    ours = min(BATCH, salience.CACHED // images.shape[2:].numel())
    found = {
        "lib": lambda: salience.input_gradients(model, images, labels, batch_size=BATCH, device="cpu"),
        "plain": lambda: salience.plain_gradients(model, images, labels, "logit", BATCH, "cpu"),
    }
    for size in sorted({BATCH, ours}):
        found[f"captum, {size} at once"] = lambda size=size: captum(model, images, labels, size)
    return found


def check(model: nn.Module, results: dict[str, torch.Tensor]) -> str:
    """How far lib's gradients are from each other way's.

    A unit within rounding of a ReLU's kink is on in one way and off in another: of some images in a thousand the
    gradient then differs in its third digit.

    Raises:
        AssertionError: more than 2% of images differ by more than 1e-5 of their length.
    """
    assert quick(model) is not None
    lines = []
    for name, theirs in results.items():
        apart = (results["lib"] - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)
        kinks = int((apart > 1e-5).sum())
        assert kinks <= 0.02 * len(apart), f"{name}: {kinks} of {len(apart)} images differ"
        lines.append(f"{name} {float(apart.median()):.0e} ({kinks} over 1e-5)")
    return f"relative difference of an image from lib, median: {'; '.join(lines)}"


def main() -> None:
    for family, width, channels, size, count in CASES:
        generator = torch.Generator().manual_seed(1)
        images = torch.randn(count, channels, size, size, generator=generator)
        labels = torch.randint(10, (count,), generator=generator)
        model = network(family, width, channels, size)
        taken = ways(model, images, labels)
        print(f"{family}, k = {width}, {count} images of {size} x {size}")
        print("   ", check(model, {name: way() for name, way in taken.items()}))
        times = {name: [] for name in taken}
        for _ in range(REPEATS):
            for name, way in taken.items():
                start = time.process_time()
                way()
                times[name].append(time.process_time() - start)
        for name, seconds in times.items():
            ratios = sorted(slow / fast for slow, fast in zip(seconds, times["lib"]))
            print(
                f"    {name}: {count / statistics.median(seconds):,.0f} images/s ({count / max(seconds):,.0f} to "
                f"{count / min(seconds):,.0f}); its time over lib's {statistics.median(ratios):.2f} ({ratios[0]:.2f} "
                f"to {ratios[-1]:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
