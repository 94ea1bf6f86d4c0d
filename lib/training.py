"""Train several networks of one family at once, each with its own initial weights and its own order of the images."""

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from lib.data import ImageData
from lib.models import first_channels, initialise
from lib.specification import Specification
from lib.stacking import StackedLinear, stack, stack_images, unstack

TEST_BATCH = 512


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Final weights and curves of one network.

    Attributes:
        state: its state dict, on the CPU.
        train_loss, train_accuracy: one number an epoch, averaged over the batches' images while they were learnt.
        test_epochs: after how many epochs the test set was looked at; the last entry, now the only one, is the end of
            training.
        test_loss, test_accuracy: one number for each of `test_epochs`.  Losses are cross entropies in nats.
        seconds: wall time of the training divided by the networks that shared it.
    """

    seed: int
    state: dict[str, torch.Tensor]
    train_loss: list[float]
    train_accuracy: list[float]
    test_epochs: list[int]
    test_loss: list[float]
    test_accuracy: list[float]
    device: str
    seconds: float

    @property
    def finite(self) -> bool:
        return all(math.isfinite(loss) for loss in self.train_loss + self.test_loss)


def networks_together(specification: Specification, device: str = "cpu") -> int:
    """How many seeds are trained as one stack: on the CPU the fastest of 4, 2 and 1 (benchmarks/training.py).

    It depends on the specification and the kind of device alone, so that seed s always has the same company and
    the same rounding.
    """
    if device == "cuda":
        return 20  # inferred: a GPU wants many small networks at once
    size = first_channels(specification.family, specification.width) * specification.image_size / 8
    return 4 if size <= 8 else 2 if size <= 16 else 1


def train(specification: Specification, seeds: Sequence[int], data: ImageData, device: str = "cpu"
          ) -> list[TrainedNetwork]:
    """One trained network for each seed, by the recipe of the specification (fact sheet 4.2).

    A network whose loss is not finite is returned like the others, with `finite` False.
    """
    start = time.perf_counter()
    trainer = _Stack(specification, seeds, data, device)
    with torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):  # float32 means float32 on a GPU too
        train_curve = torch.stack([trainer.run_epoch(epoch) for epoch in range(specification.epochs)]).tolist()
        # Not oftener: it costs as much as some epochs of a network with few training images.
        test_loss, test_accuracy = trainer.test().tolist()
    seconds = (time.perf_counter() - start) / len(seeds)
    states = unstack(trainer.module, len(seeds))
    return [TrainedNetwork(seed, states[m], [loss[m] for loss, _ in train_curve], [acc[m] for _, acc in train_curve],
                           [specification.epochs], [test_loss[m]], [test_accuracy[m]], device, seconds)
            for m, seed in enumerate(seeds)]


def _optimiser(specification: Specification, module: nn.Module) -> torch.optim.Optimizer:
    """Of all parameters of a stack, with the weight decay on kernels alone, as the specification says."""
    kernels = {part.weight for part in module.modules() if isinstance(part, (nn.Conv2d, StackedLinear))}
    groups = [{"params": [parameter for parameter in module.parameters() if (parameter in kernels) == decays],
               "weight_decay": specification.weight_decay * decays} for decays in (True, False)]
    if specification.optimiser == "adam":
        return torch.optim.Adam(groups, lr=specification.learning_rate)
    return torch.optim.SGD(groups, lr=specification.learning_rate, momentum=specification.momentum)


class _Stack:
    """The networks of several seeds in training as one module, with the data beside them on the device."""

    def __init__(self, specification: Specification, seeds: Sequence[int], data: ImageData, device: str):
        self.specification, self.models, self.device = specification, len(seeds), device
        dtype = torch.float64 if specification.precision == "float64" else torch.float32
        module = stack([initialise(specification.build(), specification.generator(seed, "weights")) for seed in seeds])
        self.module: nn.Module = module.to(device, dtype, memory_format=torch.channels_last)
        self.orders = [specification.generator(seed, "order") for seed in seeds]
        labels = specification.training_labels(data.train_labels)
        self.train_set = data.train_images.to(device, dtype), labels.to(device)
        self.test_set = data.test_images.to(device, dtype), data.test_labels.to(device)
        self.optimiser = _optimiser(specification, self.module)

    def run_epoch(self, epoch: int) -> torch.Tensor:
        """One pass over the training images; -> [2, models]: mean loss and accuracy."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.specification.learning_rate_of(epoch)
        images, labels = self.train_set
        order = torch.stack([torch.randperm(len(labels), generator=generator) for generator in self.orders])
        self.module.train()
        sums = torch.zeros(2, self.models, device=self.device)
        for batch in order.to(self.device).split(self.specification.batch_size, dim=1):  # [models, images]
            losses, hits = self._score(stack_images(images[batch]), labels[batch].t())
            self.optimiser.zero_grad()
            # Each network sees the gradient of its own mean loss: the sum couples nothing.
            losses.mean(0).sum().backward()
            self.optimiser.step()
            sums += torch.stack([losses.detach().sum(0), hits.sum(0)])
        return sums.cpu() / len(labels)

    @torch.no_grad()
    def test(self) -> torch.Tensor:
        """Mean loss and accuracy on the test images in eval mode; -> [2, models]."""
        self.module.eval()
        sums = torch.zeros(2, self.models, device=self.device)
        images, labels = self.test_set
        for batch, label in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH)):
            losses, hits = self._score(batch.repeat(1, self.models, 1, 1), label[:, None].expand(-1, self.models))
            sums += torch.stack([losses.sum(0), hits.sum(0)])
        return sums.cpu() / len(labels)

    def _score(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross entropies and hits, both [images, models], of [images, models * C, H, W] and [images, models]."""
        mixed = self.specification.precision == "bfloat16"
        with torch.autocast(torch.device(self.device).type, torch.bfloat16) if mixed else nullcontext():
            logits = self.module(images.contiguous(memory_format=torch.channels_last))
        logits = logits.view(len(images), self.models, -1)
        if mixed:
            logits = logits.float()
        losses = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        return losses, (logits.argmax(2) == labels).to(losses.dtype)
