"""All pairs of networks in one product against a double loop, and the bootstrap.

    .venv/bin/python benchmarks/similarity.py

Ratios of times measured side by side in this run; the results are compared as well.
"""

import time
import tracemalloc

import numpy as np
import torch

from lib.similarity import cosines, crossed


def seconds(function, repeats: int = 5):
    """The result of `function` and the shortest of its times."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return result, min(times)


def pairs() -> None:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((60, 1000, 192)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    fast_result, fast = seconds(lambda: cosines.pairwise(directions))
    slow_result, slow = seconds(lambda: np.array([[(a * b).sum(1).mean() for b in directions] for a in directions]), 1)
    print(
        f"pairs of 60 networks, 1000 images, 192 dims: double loop / lib = {slow / fast:.1f} in time, "
        f"largest difference {np.abs(fast_result - slow_result).max():.1e}"
    )


def intervals() -> None:
    """100 networks, 597 images, 64 dims: 1,000 draws of images and every network left out, against one draw at a time."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((100, 597, 64)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)

    def one_draw():
        return cosines.expected(directions[:, rng.integers(597, size=597)])

    peaks = []
    for draws in (100, 1000):
        tracemalloc.start()
        crossed.similarity_matrix([directions], np.random.default_rng(0), draws)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    _, whole = seconds(lambda: crossed.similarity_matrix([directions], np.random.default_rng(0), 1000), 2)
    _, single = seconds(one_draw, 3)
    print(
        f"intervals of 100 networks, 597 images, 64 dims, 1000 draws: {whole:.1f} s; 1000 single draws / lib = "
        f"{1000 * single / whole:.0f} in time; memory at 1000 / at 100 draws = {peaks[1] / peaks[0]:.2f}"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    pairs()
    intervals()
