"""Train several networks of one family at once, each with its own initial weights and its own order of the images."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import torch
from torch import nn
from torch.nn import functional as F

from lib.data.loading import ImageData
from lib.models.stacking import stack, stack_images, unstack
from lib.training import arithmetic, optimiser
from lib.training.controls import CONTROLS, augmented, with_patches
from lib.training.fused import fused, kept_memory
from lib.training.specification import Specification

TEST_BATCH = 512


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """One network after some epochs: weights, curves, and what its training goes on from.

    Attributes:
        state: its state dict, on the CPU.
        train_loss, train_accuracy: one number an epoch, averaged over the batches' images while they were learnt.
        test_epochs: after how many epochs the test set was looked at (`Specification.snapshots`).
        test_loss, test_accuracy: one number for each of `test_epochs`.  Losses are cross entropies in nats.
        arithmetic: one word an epoch, what it was computed in (`lib.training.arithmetic`).
        seconds: time of the core, or wall time of the GPU, divided by the networks that shared it.
        resume: state of the random stream of orders and buffers of the optimiser; empty where nothing goes on.
    """

    seed: int
    state: dict[str, torch.Tensor]
    train_loss: list[float]
    train_accuracy: list[float]
    test_epochs: list[int]
    test_loss: list[float]
    test_accuracy: list[float]
    arithmetic: list[str]
    device: str
    seconds: float
    resume: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        return len(self.train_loss)

    @property
    def finite(self) -> bool:
        return all(math.isfinite(loss) for loss in self.train_loss + self.test_loss)

    def with_test(self, loss: float, accuracy: float) -> "TrainedNetwork":
        """The network with its last evaluation on the test images, after all its epochs."""
        epochs, losses = [*self.test_epochs, self.epochs], [*self.test_loss, loss]
        return replace(self, test_epochs=epochs, test_loss=losses, test_accuracy=[*self.test_accuracy, accuracy])


def train(
    specification: Specification,
    seeds: Sequence[int],
    data: ImageData,
    device: str = "cpu",
    *,
    start: Sequence[TrainedNetwork] = (),
    keep: Callable[[list[TrainedNetwork]], None] | None = None,
    spare: float = 0,
    advance: Callable[[float], object] = lambda epochs: None,
) -> list[TrainedNetwork]:
    """One trained network for each seed, by the recipe of the specification.

    A network whose loss is not finite is returned like the others, with `finite` False.

    Args:
        start: the same networks after as many epochs or fewer; by default they begin with their initial weights.
        keep: is called with the networks after every epoch.  The test images are looked at after those of
            `Specification.snapshots` alone, because it costs as much as some epochs of a network with few images.
        spare: seconds between two calls of `keep`; after the epochs of `Specification.snapshots` it is called anyway.
        advance: is called after every batch with the epochs passed, a fraction among them.
    """
    trainer = _Stack(specification, seeds, data, device, start)
    # float32 means float32 on a GPU too.
    with kept_memory(), torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
        networks, kept = trainer.networks(), time.monotonic()
        for epoch in range(networks[0].epochs, specification.epochs):
            trainer.run_epoch(epoch, advance)
            if epoch + 1 in specification.snapshots or (keep and time.monotonic() - kept >= spare):
                networks, kept = trainer.networks(), time.monotonic()
                if keep:
                    keep(networks)
    return networks


class _Stack:
    """The networks of several seeds in training as one module, with the data beside them on the device."""

    def __init__(
        self,
        specification: Specification,
        seeds: Sequence[int],
        data: ImageData,
        device: str,
        start: Sequence[TrainedNetwork],
    ):
        self.specification, self.device = specification, device
        self.control = CONTROLS[specification.control]
        self.arithmetic = arithmetic.used(specification.precision, device)
        # On a processor that other work shares, wall time would count that work, too.
        self.clock = time.thread_time if device == "cpu" else time.perf_counter
        dtype = arithmetic.of_weights(specification.precision)
        singles = [_single(specification, seed, found) for seed, found in zip_longest(seeds, start)]
        # A reader's layers may be of any kind, and are trained as they are.
        module = singles[0] if specification.family_digest else stack(singles)
        self.module: nn.Module = module.to(device, dtype).to(memory_format=torch.channels_last)
        # Other precisions take the plain modules, with which the networks of the book's chapters were trained.
        self.run = fused(self.module) if specification.precision == "mixed" and device == "cpu" else self.module
        self.optimiser = optimiser.make(specification, self.module)
        purposes = ["order", *["augmentation"] * (self.control.shifted or self.control.coloured)]
        self.streams = {purpose: [specification.generator(seed, purpose) for seed in seeds] for purpose in purposes}
        if start and start[0].resume:  # else it is evaluated and does not go on
            optimiser.restore(self.optimiser, self.module, self.streams, [found.resume for found in start])
        self.known = list(start) or [TrainedNetwork(seed, {}, [], [], [], [], [], [], device, 0.0) for seed in seeds]
        self._take(data, dtype)

    def _take(self, data: ImageData, dtype: torch.dtype) -> None:
        """Images and labels onto the device."""
        labels = self.specification.training_labels(data.train_labels)
        self.colours = self.specification.shortcut_colours(data.train_labels)
        # One network gathers its batches as they are convolved; for several that would be slower.
        layout = torch.channels_last if len(self.known) == 1 else torch.contiguous_format
        shown = torch.bfloat16 if self.arithmetic == "bfloat16" else dtype  # as convolutions would round them
        self.train_set = data.train_images.to(self.device, shown, memory_format=layout), labels.to(self.device)
        self.test_set = data.test_images.to(self.device, dtype), data.test_labels.to(self.device)

    def networks(self) -> list[TrainedNetwork]:
        """What is there now, evaluated if it is to be kept and has not been."""
        epochs = self.known[0].epochs
        if epochs in self.specification.snapshots and any(epochs not in one.test_epochs for one in self.known):
            losses, accuracies = self.test().tolist()
            tested = [one.with_test(*test) for one, *test in zip(self.known, losses, accuracies)]
            self.known = [one if epochs in one.test_epochs else new for one, new in zip(self.known, tested)]
        states = unstack(self.module, len(self.known))
        resume = optimiser.saved(self.optimiser, self.module, self.streams)
        return [replace(one, state=state, resume=further) for one, state, further in zip(self.known, states, resume)]

    def run_epoch(self, epoch: int, advance: Callable[[float], object]) -> None:
        """One pass over the training images; `advance` as in `train`."""
        start = self.clock()
        for group in self.optimiser.param_groups:
            group["lr"] = self.specification.learning_rate_of(epoch)
        labels = self.train_set[1]
        order = torch.stack([torch.randperm(len(labels), generator=generator) for generator in self.streams["order"]])
        self.module.train()
        sums = torch.zeros(2, len(self.known), device=self.device)
        batches = order.to(self.device).split(self.specification.batch_size, dim=1)
        for done, batch in enumerate(batches, 1):  # [models, images]
            losses, hits = self._score(stack_images(self._look_at(batch)), labels[batch].t())
            self.optimiser.zero_grad()
            # Each network sees the gradient of its own mean loss: the sum couples nothing.
            losses.mean(0).sum().backward()
            self.optimiser.step()
            sums += torch.stack([losses.detach().sum(0), hits.sum(0)])
            advance(epoch + done / len(batches))
        losses, accuracies = (sums.cpu() / len(labels)).tolist()
        seconds = (self.clock() - start) / len(self.known)
        self.known = [
            replace(
                one,
                train_loss=[*one.train_loss, loss],
                train_accuracy=[*one.train_accuracy, accuracy],
                arithmetic=[*one.arithmetic, self.arithmetic],
                seconds=one.seconds + seconds,
            )
            for one, loss, accuracy in zip(self.known, losses, accuracies)
        ]

    def _look_at(self, batch: torch.Tensor) -> torch.Tensor:
        """The training images at [models, images], as this look shows them."""
        images = self.train_set[0]
        if len(batch) == 1:
            images = images.permute(0, 2, 3, 1).index_select(0, batch[0]).permute(0, 3, 1, 2)[None]
        else:
            images = images[batch]
        if self.colours is not None:
            images = with_patches(images, self.colours[batch.cpu()])
        return (
            augmented(self.control, images, self.streams["augmentation"]) if "augmentation" in self.streams else images
        )

    @torch.no_grad()
    def test(self) -> torch.Tensor:
        """Mean loss and accuracy on the test images in eval mode; -> [2, models]."""
        self.module.eval()
        models = len(self.known)
        sums = torch.zeros(2, models, device=self.device)
        images, labels = self.test_set
        for batch, label in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH)):
            losses, hits = self._score(batch.repeat(1, models, 1, 1), label[:, None].expand(-1, models))
            sums += torch.stack([losses.sum(0), hits.sum(0)])
        return sums.cpu() / len(labels)

    def _score(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross entropies and hits, both [images, models], of [images, models * C, H, W] and [images, models]."""
        with arithmetic.autocast(self.arithmetic, self.device):
            logits = self.run(images.contiguous(memory_format=torch.channels_last))
        logits = logits.view(len(images), len(self.known), -1)
        if self.arithmetic == "bfloat16":
            logits = logits.float()
        losses = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        return losses, (logits.argmax(2) == labels).to(losses.dtype)


def _single(specification: Specification, seed: int, found: TrainedNetwork | None) -> nn.Module:
    """One network with its initial weights, or with those that were found."""
    network = specification.initial(seed)
    if found:
        network.to(arithmetic.of_weights(specification.precision)).load_state_dict(found.state)
    return network
