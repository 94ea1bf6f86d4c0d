"""One training step of a stack in ways that `lib.training.trainer` does not take, and how many a device makes a second."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from lib.models import initialise
from lib.models.stacking import stack
from lib.training import arithmetic
from lib.training.specification import Specification

STEPS = {"cpu": 2, "cuda": 30}  # so many at least, until the device has been waited for
SECONDS = 0.7  # at least, for one measurement


@dataclass(frozen=True)
class Variant:
    """A way to compute the same training step."""

    arithmetic: str
    tf32: bool = False
    channels_last: bool = True
    free: bool = False  # cuDNN may choose what is fastest, and sum in any order
    graph: bool = False  # launched as one CUDA graph

    def __str__(self) -> str:
        words = {
            "TF32": self.tf32,
            "channels first": not self.channels_last,
            "cuDNN free": self.free,
            "CUDA graph": self.graph,
        }
        return ", ".join([self.arithmetic, *(word for word, true in words.items() if true)])


# Graphs come last, because a capture that fails can leave the device unusable for this process.
VARIANTS = (
    Variant("float32"),
    Variant("bfloat16"),
    Variant("float32", tf32=True),
    Variant("bfloat16", channels_last=False),
    Variant("float32", tf32=True, channels_last=False),
    Variant("bfloat16", free=True),
    Variant("bfloat16", graph=True),
    Variant("float32", tf32=True, graph=True),
)


def variant_rate(specification: Specification, size: int, device: str, variant: Variant) -> float:
    """Images a second, summed over the networks of a stack."""
    step = _step(specification, size, device, variant)
    with _flags(variant):
        for _ in range(2):
            step()
        if variant.graph:
            step = _captured(step)
        return calls_a_second(step, device) * size * specification.batch_size


def _step(specification: Specification, size: int, device: str, variant: Variant) -> Callable[[], None]:
    single = [initialise(specification.build(), specification.generator(seed, "weights")) for seed in range(size)]
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    module = stack(single).to(device, memory_format=layout).train()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
    batch, side = specification.batch_size, specification.image_size
    images = torch.randn(batch, size * specification.in_channels, side, side).to(device, memory_format=layout)
    labels = (torch.arange(batch * size, device=device) % specification.num_classes).view(batch, size)

    def step() -> None:
        optimiser.zero_grad()
        with arithmetic.autocast(variant.arithmetic, device):
            logits = module(images)
        logits = logits.float().view(batch, size, -1).transpose(1, 2)
        F.cross_entropy(logits, labels, reduction="none").mean(0).sum().backward()
        optimiser.step()

    return step


@contextmanager
def _flags(variant: Variant) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = variant.tf32
    try:
        with torch.backends.cudnn.flags(
            deterministic=not variant.free, benchmark=variant.free, allow_tf32=variant.tf32
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _captured(step: Callable[[], None]) -> Callable[[], None]:
    """The step as one CUDA graph; capturing wants some steps on another stream first."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def calls_a_second(function: Callable[[], None], device: str) -> float:
    """Calls a second, with everything they started on the device."""
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS or not count:
        for _ in range(STEPS[device] // 2):
            function()
        count += STEPS[device] // 2
        if device == "cuda":
            torch.cuda.synchronize()
    return count / passed
