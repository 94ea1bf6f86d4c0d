"""One training step on 128 images of 32 x 32 pixels: the plain modules against `lib.training.fused`, on one core.

    .venv/bin/python benchmarks/training_step.py [FAMILY:WIDTH ...]

Prints images a second of CPU time, the median of the steps, and in brackets half the distance of the quartiles in per
cent of it; of

- plain: images gathered as [N, C, H, W] float32 and turned to channels last, the plain modules, SGD, in a process of
  its own, where nobody has told the C library what to keep;
- fused: images gathered as [N, H, W, C], the `fused` modules within `kept_memory`, SGD;
- bare: forward and backward pass of the fused modules on images that lie ready, within `kept_memory`;

then fused as a multiple of plain float32, and as a share of bare.  The ways take turns, and before time counts, a step
of each must give the same loss and gradients.

What did not help; CPU time on an AMD EPYC (Zen 4), one thread, memory kept, 128 images of 32 x 32 pixels:

- `NormRelu` on 16 channels and more, where PyTorch's kernels are good: 4.0 instead of 4.2 ms in bfloat16 and 5.7
  instead of 5.7 ms in float32 on 16 channels of 32 x 32; 0.5 instead of 0.3 ms on 64 channels of 4 x 4.  More than 64
  channels a row changed nothing.
- Pooling as maxima of slices is three times as fast as PyTorch's pool (0.2 instead of 0.6 ns a number in bfloat16), but
  the masks and sums of its backward pass cost as much as was gained: 1.5 ns both ways together.
- ReLU and its mask on the bits of bfloat16 as whole numbers: 0.02 instead of 0.16 and 0.11 instead of 0.19 ns a number,
  yet 1 % of a step, and it would hide NaN.
- The stem, 7 x 7 with stride 2, as 4 x 4 on blocks of 2 x 2 pixels: 5.4 instead of 3.3 ms in float32, 3.9 instead of
  2.7 ms in bfloat16.
- Convolutions without the bias that BatchNorm takes out again: 3 % of a step in float32, 1 % in bfloat16.
- SGD, resnet-large 16: 0.30 ms one by one, 0.25 ms with foreach, 0.58 ms fused.
- Images kept as bytes: 0.07 ms a batch instead of 0.18 ms as float32, but then they have to be normalised.
- Stacks of two and four CNNs in bfloat16, k = 8: 32.0 and 33.4 ms a network, alone 33.0 ms.  (ResNets do gain, k = 8:
  22.8 and 21.2 ms, alone 28.7 ms.)
- Huge pages (GLIBC_TUNABLES=glibc.malloc.hugetlb=1) on top of kept memory: from 25 % slower to 7 % faster.
"""

import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from functools import cache
from multiprocessing import get_context

import torch
from torch.nn import functional as F

from lib import models
from lib.training.fused import fused, kept_memory

BATCH, IMAGES = 128, 1024
NETWORKS = [f"{family}:{width}" for family in (*models.CNN_LAYOUTS, *models.RESNET_BLOCKS) for width in (4, 8, 16)]
ROUNDS, STEPS = 7, 3
KINDS = ("plain", "fused", "bare")
OPEN = ExitStack()


class Way:
    """One network with its optimiser and its images."""

    def __init__(self, family: str, width: int, kind: str, mixed: bool):
        torch.manual_seed(0)
        self.plain, self.bare, self.mixed = kind == "plain", kind == "bare", mixed
        self.network = models.build(family, width).to(memory_format=torch.channels_last)
        self.module = self.network if self.plain else fused(self.network)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.01)
        self.images, self.labels = torch.randn(IMAGES, 3, 32, 32), torch.randint(10, (IMAGES,))
        if not self.plain:
            dtype = torch.bfloat16 if mixed else torch.float32
            self.rows = self.images.permute(0, 2, 3, 1).to(dtype, memory_format=torch.contiguous_format)
            self.ready = self.gather(torch.arange(BATCH))

    def gather(self, batch: torch.Tensor) -> torch.Tensor:
        if self.plain:
            return self.images[batch].contiguous(memory_format=torch.channels_last)
        return self.rows.index_select(0, batch).permute(0, 3, 1, 2)

    def step(self, batch: torch.Tensor) -> float:
        images = self.ready if self.bare else self.gather(batch)
        with torch.autocast("cpu", torch.bfloat16) if self.mixed else nullcontext():
            logits = self.module(images)
        loss = F.cross_entropy(logits.float(), self.labels[batch])
        self.optimiser.zero_grad()
        loss.backward()
        if not self.bare:
            self.optimiser.step()
        return loss.item()

    def turn(self) -> list[float]:
        """Seconds of some steps; the first finds the memory as another way left it and does not count."""
        seconds = []
        for _ in range(STEPS + 1):
            batch = torch.randperm(IMAGES)[:BATCH]
            start = time.process_time()
            self.step(batch)
            seconds.append(time.process_time() - start)
        return seconds[1:]


@cache
def way_of(*arguments) -> Way:
    """The one of this process, which goes on from turn to turn."""
    return Way(*arguments)


def start(keep: bool) -> None:
    """What a process does first; with `keep` it stays within `kept_memory` to its end."""
    torch.set_num_threads(1)
    if keep:
        OPEN.enter_context(kept_memory())


def turn(*arguments) -> list[float]:
    return way_of(*arguments).turn()


def check(ways: list[Way]) -> None:
    """All ways give the loss and the gradients of the first, the float32 of the plain modules.

    A single ReLU or pool that rounding tips over moves the gradients by up to some per cent, in the plain modules just
    as well; exactness is tested in float64 (`tests/test_fused.py`).
    """
    found = []
    for way in ways:
        loss = way.step(torch.arange(BATCH))
        found.append((loss, torch.cat([parameter.grad.flatten() for parameter in way.network.parameters()])))
    (loss, gradient), *others = found
    plain_error = next((g - gradient).norm() for way, (_, g) in zip(ways, found) if way.mixed)
    for way, (own_loss, own) in zip(ways[1:], others):
        limit = 1.2 * plain_error if way.mixed else 0.05 * gradient.norm()
        assert abs(own_loss - loss) < (0.02 if way.mixed else 1e-4) and (own - gradient).norm() <= limit


def measure(family: str, width: int) -> dict[tuple[str, bool], list[float]]:
    """(kind, mixed) -> seconds of the steps."""
    seconds = {(kind, mixed): [] for kind in KINDS for mixed in (False, True)}
    check([Way(family, width, *way) for way in seconds])
    context = get_context("spawn")
    with (
        ProcessPoolExecutor(1, context, start, (False,)) as usual,
        ProcessPoolExecutor(1, context, start, (True,)) as keeping,
    ):
        for _ in range(ROUNDS):
            for kind, mixed in seconds:
                process = usual if kind == "plain" else keeping
                seconds[kind, mixed] += process.submit(turn, family, width, kind, mixed).result()
    return seconds


def report(seconds: dict[tuple[str, bool], list[float]]) -> str:
    cells, rates = [], {}
    for way, times in seconds.items():
        low, middle, high = statistics.quantiles(times, n=4)
        rates[way] = BATCH / middle
        cells.append(f"{rates[way]:6.0f} ({50 * (high - low) / middle:2.0f})")
    gains = [f"{rates['fused', mixed] / rates['plain', False]:4.2f}" for mixed in (False, True)]
    shares = [f"{rates['fused', mixed] / rates['bare', mixed]:4.2f}" for mixed in (False, True)]
    return "  ".join([*cells, "", *gains, "", *shares])


def main() -> None:
    torch.set_num_threads(1)
    head = "  ".join(f"{kind:>7} {precision}" for kind in KINDS for precision in ("f32", "b16"))
    print(f"{'family':13} {'k':>3}  {head}      gain f32, b16  of bare")
    for name in sys.argv[1:] or [*NETWORKS, "resnet-small:32"]:
        family, width = name.split(":")
        print(f"{family:13} {width:>3}  {report(measure(family, int(width)))}", flush=True)


if __name__ == "__main__":
    main()
