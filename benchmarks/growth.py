"""How time and memory grow with networks, images, numbers and widths: exponents of power laws, fitted to doublings."""

import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.stats import linregress

from benchmarks.measuring import best
from benchmarks.populations import noise, prepared
from benchmarks.similarity import directions
from lib import models, salience, similarity
from lib.similarity.crossed import similarity_matrix
from lib.training import networks_together, train
from lib.training.specification import specify

WIDTHS = (4, 8, 16, 32)


def exponent(sizes: list[float], costs: list[float]) -> tuple[float, float]:
    """The slope of log cost over log size, and its standard error."""
    fitted = linregress(np.log(sizes), np.log(costs))
    return round(float(fitted.slope), 2), round(
        float(np.nan_to_num(fitted.stderr)), 2
    )  # NaN of costs that stay the same


def pairs(networks: int = 60, images: int = 1000, numbers: int = 192) -> Callable:
    return partial(similarity.pairwise, directions(networks, images, numbers))


def matrix(networks: int = 10, images: int = 1000, numbers: int = 192) -> Callable:
    populations = [directions(networks, images, numbers, seed) for seed in range(3)]
    return lambda: similarity_matrix(populations, np.random.default_rng(0), 100)


def gradients(images: int = 256, width: int = 8) -> Callable:
    model = models.initialise(models.build("cnn-small", width), torch.Generator().manual_seed(0)).eval()
    shown = torch.randn(images, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return partial(salience.input_gradients, model, shown, torch.arange(images) % 10, device="cpu")


def training(family: str, width: int) -> Callable:
    images = prepared(noise(128))
    chosen = specify(images, family, width, epochs=1, precision="mixed")
    return lambda: train(chosen, range(networks_together(chosen)), images)


def per_network(family: str, width: int) -> int:
    images = prepared(noise(128))
    return networks_together(specify(images, family, width, epochs=1, precision="mixed"))


def traced(function: Callable) -> int:
    """The most bytes that arrays of numpy took while a function ran."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def grown(
    work: str, against: str, sizes: list[int], make: Callable, memory: bool, share: Callable = lambda _: 1
) -> dict:
    """Times (best of 3, divided by `share` of the size) and, if they are numpy's, bytes at each size."""
    seconds, held = [], []
    for size in sizes:
        function = make(size)
        function()
        seconds.append(best(function) / share(size))
        held += [traced(function)] if memory else []
    found = {"work": work, "against": against, "sizes": sizes, "seconds": seconds, "exponent": exponent(sizes, seconds)}
    return found | ({"bytes": held, "bytes exponent": exponent(sizes, held)} if memory else {})


def found(quick: bool) -> list[dict]:
    """One entry a work and what it grows with."""

    def doubled(first: int, times: int = 4) -> list[int]:
        return [(max(2, first // 50) if quick else first) * 2**step for step in range(2 if quick else times)]

    small = {"images": 20, "numbers": 12} if quick else {}
    rows = []
    for work, make in (("pairwise similarity", pairs), ("similarity matrix with intervals", matrix)):
        rows.append(grown(work, "networks", doubled(15), lambda n: make(**small | {"networks": n}), True))
        rows.append(grown(work, "images", doubled(500), lambda n: make(**small | {"images": n}), True))
        rows.append(grown(work, "numbers", doubled(96), lambda n: make(**small | {"numbers": n}), True))
    rows.append(grown("input gradients, cnn-small", "images", doubled(128), lambda n: gradients(images=n), False))
    widths = list(WIDTHS[:2] if quick else WIDTHS)
    rows.append(grown("input gradients, cnn-small", "widths", widths, lambda n: gradients(width=n), False))
    for family in ("cnn-small",) if quick else ("cnn-small", "resnet-small"):
        rows.append(
            grown(
                f"training, {family}", "widths", widths, partial(training, family), False, partial(per_network, family)
            )
        )
    return rows
