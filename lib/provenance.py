"""What a chapter's numbers rest on: the networks and images that this process used, and the machine."""

import os
import platform
from pathlib import Path

from lib.specification import Specification
from lib.training import TrainedNetwork

# (specification, seed) -> seconds of training and device, of every network that this process loaded or trained
_used: dict[tuple[Specification, int], tuple[float, str]] = {}


def note(specification: Specification, network: TrainedNetwork) -> None:
    """Remember that a network is used; the same one counts once."""
    _used[specification, network.seed] = network.seconds, network.device


def used() -> dict[str, object]:
    """Networks, hours and data since the process began.

    -> networks: how many; training_hours: of all of them, one after another, on the devices named, as stored with
    them, whoever trained them and when; data: name -> sizes and the sha256 of images and labels (`ImageData.digest`);
    machine: where this process runs.
    """
    data = {}
    for specification, _ in _used:
        entry = {"train": specification.n_train, "test": specification.n_test, "sha256": specification.data_digest}
        known = data.setdefault(specification.dataset, [])
        known += [entry] * (entry not in known)
    seconds = sum(seconds for seconds, _ in _used.values())
    return {"networks": len(_used), "training_hours": seconds / 3600,
            "devices": sorted({device for _, device in _used.values()}), "data": data, "machine": machine()}


def machine() -> str:
    """Processor and cores, in words."""
    names = [line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {names[0] if names else platform.processor() or platform.machine()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")  # platform.processor() is empty on most Linux systems
    return path.read_text().splitlines() if path.exists() else []
