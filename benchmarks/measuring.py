"""Ways of doing the same work, compared before they are timed, and timed in turns on one core."""

import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

OURS, LIMIT = "ours", "limit"
EXACT = 1e-8  # how far twins in float64 may be apart
Way = Callable[[], Any]


class Differs(ValueError):
    """A peer that does not do the same work: its time would mean nothing."""


@dataclass(frozen=True, eq=False)
class Case:
    """One piece of work.

    Attributes:
        row: of the table; work: what is done, with its sizes.
        peers: name -> another way, whose result is compared with that of `ours`.
        limit: the same arithmetic with everything else taken away, and what that is in words.
        apart: how far the results of ours and of a peer are from each other; `within`: how far they may be.
        twin: how far both ways are apart on a small part in float64, where rounding in float32 hides more.
        times: name -> how many times what was measured is what the work would take.
        goal, share: how many times as fast as the first peer, and which part of the limit's speed was hoped for.
    """

    row: str
    work: str
    ours: Way
    peers: Mapping[str, Way]
    limit: tuple[str, Way] | None
    apart: Callable[[Any, Any], float]
    within: float
    twin: Callable[[], float] | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    goal: float | None = None
    share: float | None = None
    repeats: int = 5


Cases = Iterator[Case]


def measured(case: Case, repeats: int | None = None) -> dict:
    """What results.json holds of a case: seconds of all ways, and how far their results are apart.

    Raises:
        Differs: results of a peer that are too far from ours.
    """
    ways = {OURS: case.ours, **case.peers, **({LIMIT: case.limit[1]} if case.limit else {})}
    apart = differences(case, {name: way() for name, way in ways.items()})  # each has run once before it is timed
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats or case.repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append((time.perf_counter() - start) * case.times.get(name, 1))
    own = seconds[OURS]
    return {
        "row": case.row,
        "work": case.work,
        "limit": case.limit and case.limit[0],
        "goal": case.goal,
        "share": case.share,
        "seconds": {name: spread(times) for name, times in seconds.items()},
        "ratios": {name: spread([slow / fast for slow, fast in zip(seconds[name], own)]) for name in case.peers},
        "of_limit": spread([least / fast for least, fast in zip(seconds[LIMIT], own)]) if case.limit else None,
        "scaled": dict(case.times),
        "apart": apart,
    }


def differences(case: Case, results: Mapping[str, Any]) -> dict[str, float]:
    """How far each peer's result is from ours, and the twins in float64."""
    apart = {name: float(case.apart(results[OURS], results[name])) for name in case.peers}
    for name, far in apart.items():
        if not far <= case.within:
            raise Differs(f"{case.row}, {case.work}: {name} is {far:.2g} from ours, more than {case.within:.2g}")
    if case.twin:
        apart["in float64"] = float(case.twin())
        if not apart["in float64"] <= EXACT:
            raise Differs(f"{case.row}, {case.work}: in float64 both are {apart['in float64']:.2g} apart")
    return apart


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most, with four digits."""
    found = {"median": statistics.median(values), "low": min(values), "high": max(values)}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two arrays, over the largest number of theirs."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def peak(function: Callable, *arguments: object) -> tuple[float, float]:
    """Bytes that a process of its own held more than before, at most, while it called a function, and the seconds."""
    with ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (1,)) as alone:
        return alone.submit(held_while, function, arguments).result()


def held_while(function: Callable, arguments: tuple) -> tuple[float, float]:
    """`peak` in this process: the most it has ever held may be more."""
    before, start = held(), time.perf_counter()
    function(*arguments)
    return held() - before, time.perf_counter() - start


def held() -> float:
    """The most bytes that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands the maximum of resource on from a process to those that it starts
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def rates(size: int = 2048) -> dict[str, float]:
    """What one core does: multiply-adds a second in products of matrices [size, size], bytes a second read from memory."""
    found = {}
    for dtype in (torch.float32, torch.float64):
        one = torch.randn(size, size, dtype=dtype)
        found[f"{str(dtype).removeprefix('torch.')} matrix product, multiply-adds/s"] = size**3 / best(
            lambda: one @ one
        )
    numbers = np.ones(size * size * 8, dtype=np.float32)
    found["read from memory, bytes/s"] = numbers.nbytes / best(lambda: numbers @ numbers)
    return {name: float(f"{rate:.3g}") for name, rate in found.items()}


def best(function: Way, repeats: int = 3) -> float:
    """The shortest of some times, in seconds."""
    return min(_seconds(function) for _ in range(repeats))


def _seconds(function: Way) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
