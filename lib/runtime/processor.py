"""The processor that this process runs on: its name and what it can do."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor and cores, in words."""
    return f"{os.cpu_count()} cores of {name()}"


def name() -> str:
    """As the operating system calls it."""
    names = [line.partition(":")[2].strip() for line in _lines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def flags() -> set[str]:
    """Names of the instruction sets, as Linux spells them; empty where that is not known."""
    return {flag for line in _lines() if line.startswith(("flags", "Features"))
            for flag in line.partition(":")[2].split()}


def _lines() -> list[str]:
    path = Path("/proc/cpuinfo")  # platform.processor() is empty on most Linux systems
    return path.read_text().splitlines() if path.exists() else []
