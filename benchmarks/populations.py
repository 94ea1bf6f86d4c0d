"""Training a population, against the way that was released: one process, a DataLoader, one network after another.

The released program decodes nothing while it trains: a data set in memory hands out one picture at a time, transforms
make a tensor of it and normalise it, and the loader collates a batch.  Both ways start from the same weights and see the same
batches; in float64 they end at the same weights.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.measuring import Case, Cases
from lib import data
from lib.data import ImageData
from lib.models.stacking import stack
from lib.training import arithmetic, networks_together, train
from lib.training.fused import fused, kept_memory
from lib.training.specification import Specification, specify

MEAN, STD = 0.5, 0.25
LOSS = 0.1  # how far mean losses of an epoch may be apart; bfloat16 and ReLUs that rounding tips over move them
LARGE = ((8, 512), (16, 256), (32, 128))  # width, images


class Pictures(Dataset):
    """Pictures [n, H, W(, 3)] uint8 in memory, each transformed when it is asked for."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray):
        channels = pixels.shape[3] if pixels.ndim == 4 else 1
        normalise = transforms.Normalize([MEAN] * channels, [STD] * channels)
        self.pixels, self.labels = pixels, labels
        self.transform = transforms.Compose([transforms.ToTensor(), normalise])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[place])), int(self.labels[place])


def noise(images: int) -> Pictures:
    """Smooth random colours, 32 x 32."""
    rng = torch.Generator().manual_seed(0)
    smooth = F.interpolate(torch.rand(images, 3, 4, 4, generator=rng), size=32, mode="bilinear")
    return Pictures(
        (255 * smooth).byte().permute(0, 2, 3, 1).numpy(), torch.randint(10, (images,), generator=rng).numpy()
    )


def digits(images: int) -> Pictures:
    """The digits' training images as they are stored, 8 x 8 grey."""
    found = data.load("digits")
    pixels = np.round(255 * found.pixel_values(found.train_images[:images])[..., 0]).astype(np.uint8)
    return Pictures(pixels, found.train_labels[:images].numpy())


def prepared(pictures: Pictures) -> ImageData:
    """All pictures as `lib.data.load` would give them, normalised once."""
    images = torch.stack([pictures[place][0] for place in range(len(pictures))])
    labels, channels = torch.tensor(pictures.labels), images.shape[1]
    return ImageData(
        "noise", 0, images, labels, images[:2], labels[:2], tuple("0123456789"), (MEAN,) * channels, (STD,) * channels
    )


def stacks(specification: Specification, networks: int) -> list[range]:
    """The seeds that are trained together."""
    together = networks_together(specification)
    return [range(start, min(start + together, networks)) for start in range(0, networks, together)]


def ours(specification: Specification, networks: int, images: ImageData) -> list:
    return [one for seeds in stacks(specification, networks) for one in train(specification, seeds, images)]


def released(specification: Specification, networks: int, pictures: Pictures) -> list[tuple[dict, float]]:
    """The weights and mean loss in the last epoch of each network, one after another."""
    found = []
    dtype = torch.float64 if specification.precision == "float64" else torch.float32
    for seed in range(networks):
        model = specification.initial(seed).to(dtype)
        order = specification.generator(seed, "order")
        optimiser = torch.optim.SGD(model.parameters(), lr=specification.learning_rate)
        for epoch in range(specification.epochs):
            optimiser.param_groups[0]["lr"] = specification.learning_rate_of(epoch)
            sampler, losses = torch.randperm(len(pictures), generator=order).tolist(), []
            for images, labels in DataLoader(pictures, specification.batch_size, sampler=sampler):
                loss = F.cross_entropy(model(images.to(dtype)), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                losses.append(len(labels) * loss.item())
        found.append((model.state_dict(), sum(losses) / len(pictures)))
    return found


class Bare:
    """Forward and backward passes of the same stacks, on a batch that lies ready; no optimiser."""

    def __init__(self, specification: Specification, networks: int, images: ImageData):
        together, self.word = (
            min(networks, networks_together(specification)),
            arithmetic.used(specification.precision, "cpu"),
        )
        self.steps = (
            specification.epochs * len(images.train_labels) // specification.batch_size * (networks // together)
        )
        module = stack([specification.initial(seed) for seed in range(together)]).to(memory_format=torch.channels_last)
        self.module = fused(module) if specification.precision == "mixed" else module
        dtype = torch.bfloat16 if self.word == "bfloat16" else torch.float32
        batch = images.train_images[: specification.batch_size].repeat(1, together, 1, 1)
        self.batch = batch.to(dtype).contiguous(memory_format=torch.channels_last)
        self.labels = images.train_labels[: specification.batch_size].repeat_interleave(together)

    def __call__(self) -> None:
        with kept_memory():
            for _ in range(self.steps):
                with arithmetic.autocast(self.word, "cpu") or nullcontext():
                    logits = self.module(self.batch)
                loss = F.cross_entropy(logits.float().view(len(self.labels), -1), self.labels)
                self.module.zero_grad()
                loss.backward()


def loss_apart(trained: Sequence, theirs: Sequence[tuple[dict, float]]) -> float:
    """The largest difference of the networks' mean losses, relative."""
    return max(abs(one.train_loss[-1] / loss - 1) for one, (_, loss) in zip(trained, theirs, strict=True))


def weights_apart(specification: Specification, pictures: Pictures) -> float:
    """The largest difference of the weights after some steps of two networks in float64."""
    trained = ours(specification, 2, prepared(pictures))
    pairs = zip(trained, released(specification, 2, pictures), strict=True)
    return max(float((one.state[name] - state[name]).abs().max()) for one, (state, _) in pairs for name in state)


def case(
    row: str, pictures: Pictures, family: str, width: int, networks: int, epochs: int, precision: str, goals: tuple
) -> Case:
    images, few = prepared(pictures), Pictures(pictures.pixels[:80], pictures.labels[:80])
    chosen = specify(images, family, width, epochs=epochs, precision=precision)
    exact = specify(prepared(few), family, width, epochs=2, precision="float64", batch_size=32)
    return Case(
        row,
        f"{family}, k = {width}, {networks} networks, {len(pictures)} images, epochs: {epochs}, {precision}",
        lambda: ours(chosen, networks, images),
        {"DataLoader, one by one": lambda: released(chosen, networks, pictures)},
        ("forward and backward on a batch that lies ready", Bare(chosen, networks, images)),
        loss_apart,
        LOSS,
        twin=lambda: weights_apart(exact, few),
        goal=goals[0],
        share=goals[1],
        repeats=3,
    )


def on_two_threads(way: Callable[[], list]) -> list:
    """PyTorch shares every operation out over two cores."""
    torch.set_num_threads(2)
    try:
        return way()
    finally:
        torch.set_num_threads(1)


def on_two_cores(pictures: Pictures, family: str, width: int, networks: int, pool: Executor) -> Case:
    """As both are used: stacks are handed out over processes; one program leaves the second core to PyTorch."""
    images = prepared(pictures)
    chosen = specify(images, family, width, epochs=1, precision="mixed")

    def handed_out() -> list:
        parts = [pool.submit(train, chosen, seeds, images) for seeds in stacks(chosen, networks)]
        return [network for part in parts for network in part.result()]

    return Case(
        "train a population on two cores, 32 x 32",
        f"{family}, k = {width}, {networks} networks, {len(pictures)} images, mixed",
        handed_out,
        {"DataLoader, two threads": lambda: on_two_threads(lambda: released(chosen, networks, pictures))},
        None,
        loss_apart,
        LOSS,
        goal=5,
        repeats=3,
    )


def cases(quick: bool) -> Cases:
    for family in ("cnn-small", "resnet-small"):
        for width, count in [(2, 256)] if quick else LARGE:
            for precision in ("mixed", "float32") if width == 16 else ("mixed",):
                row = "train a population, 32 x 32"
                yield case(row, noise(count), family, width, 2, 1, precision, (5, 0.85))
    for width in (2,) if quick else (2, 8, 32):
        row, images = "train a population, digits", digits(256 if quick else 1152)
        yield case(row, images, "cnn-small", width, 4, 3, "float32", (10, 0.6) if width == 2 else (None, 0.6))
    with ProcessPoolExecutor(2, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for family in ("cnn-small",) if quick else ("cnn-small", "resnet-small"):
            yield on_two_cores(noise(128 if quick else 512), family, 2 if quick else 8, 2 if quick else 4, pool)
