"""How far a stack that is being trained has come, within its epoch: what a worker tells the bar of another process.

It goes through a file beside the networks, as the epochs do, and decides nothing: without it bars move by whole epochs.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lib.runtime.files import artifacts
from lib.training.specification import Specification

OFTEN = 2.0  # seconds between two writings


@contextmanager
def told(specification: Specification, seeds: Sequence[int]) -> Iterator[Callable[[float], None]]:
    """A function that tells after how many epochs the stack is, as often as bars look; afterwards nothing is told."""
    path, last = _path(specification, seeds), time.monotonic()

    def tell(epochs: float) -> None:
        nonlocal last
        if time.monotonic() - last < OFTEN:
            return
        last = time.monotonic()
        with suppress(OSError):  # a bar is worth no training
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(repr(epochs))

    def forget() -> None:
        with suppress(OSError):
            path.unlink(missing_ok=True)

    forget()  # what a killed training told
    try:
        yield tell
    finally:
        forget()


def passed(specification: Specification, seeds: Sequence[int], stored: int) -> float:
    """The epochs that are behind a stack of which `stored` are on the disk: these, or up to one more."""
    try:
        return min(max(float(_path(specification, seeds).read_text()), stored), stored + 1)
    except (OSError, ValueError):  # nothing is told, or not yet whole
        return stored


def _path(specification: Specification, seeds: Sequence[int]) -> Path:
    return artifacts() / "networks" / specification.key / f"seeds-{seeds[0]:05d}-{seeds[-1]:05d}.passed"
