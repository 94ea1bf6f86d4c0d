"""How long training will take on this machine, from some seconds of measurement."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch

from lib.data.loading import ImageData
from lib.training.specification import Specification
from lib.training.trainer import networks_together, train
from lib.training.workers import multiplications

SECONDS = 10.0  # of measurement, for all that are asked together
BATCHES = 2  # of images: a pass over them is the least that is measured

Kind = tuple[str, int, str]  # what decides the speed beside the width: family, image size, precision


def seconds_per_image(specifications: Iterable[Specification]) -> dict[Specification, float]:
    """Processor time of one core for one image in training, of each specification.

    The narrowest and the widest of each family are measured; between them it grows with the multiplications.
    """
    kinds: dict[Kind, list[Specification]] = {}
    for specification in specifications:
        kinds.setdefault(_kind(specification), []).append(specification)
    measured = {kind: {one.width: one for one in (min(row, key=multiplications), max(row, key=multiplications))}
                for kind, row in kinds.items()}
    share = SECONDS / max(sum(map(len, measured.values())), 1)
    rates = {kind: {multiplications(one): _measure(one, share) for one in ends.values()}
             for kind, ends in measured.items()}
    return {one: _between(rates[kind], multiplications(one)) for kind, row in kinds.items() for one in row}


def hours(left: Mapping[Specification, float], rates: Mapping[Specification, float], cores: int) -> float:
    """Of `cores` cores, for so many epochs of networks of each specification."""
    return sum(epochs * one.n_train * rates[one] for one, epochs in left.items()) / cores / 3600


def _kind(one: Specification) -> Kind:
    return one.family, one.image_size, one.precision


def _measure(specification: Specification, seconds: float) -> float:
    """Seconds a network and image, the fastest of the passes that fit into the time; one pass goes before."""
    count = BATCHES * specification.batch_size
    noise = torch.randn(count, specification.in_channels, specification.image_size, specification.image_size,
                        generator=torch.Generator().manual_seed(0))
    labels = torch.arange(count) % specification.num_classes
    classes = ("",) * specification.num_classes
    images = ImageData("noise", 0, noise, labels, noise[:1], labels[:1], classes, (0.0,), (1.0,))
    short = replace(specification, n_train=count, epochs=1)
    together = networks_together(specification)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        end = time.perf_counter() + seconds
        train(short, range(together), images)  # chooses its kernels, and is not measured
        passes = []
        while not passes or time.perf_counter() < end:
            start = time.thread_time()
            train(short, range(together), images)
            passes.append(time.thread_time() - start)
        return min(passes) / count / together
    finally:
        torch.set_num_threads(threads)


def _between(rates: Mapping[int, float], work: int) -> float:
    """On the line through the two measured points, or in proportion to the one."""
    (low, at_low), (high, at_high) = min(rates.items()), max(rates.items())
    if low == high:
        return at_low * work / low
    return at_low + (at_high - at_low) * (work - low) / (high - low)
