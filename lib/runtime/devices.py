"""What a computation runs on: the processor, the device of a network, and the state in which it is left."""

import copy
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn


def machine() -> str:
    """Processor and cores, in words."""
    return f"{os.cpu_count()} cores of {processor()}"


def processor() -> str:
    """The processor's name, as the operating system calls it."""
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def instruction_sets() -> set[str]:
    """Names of the processor's instruction sets, as Linux spells them; empty where that is not known."""
    listed = [line.partition(":")[2].split() for line in _cpuinfo() if line.startswith(("flags", "Features"))]
    return set().union(*listed)


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")  # platform.processor() is empty on most Linux systems
    return path.read_text().splitlines() if path.exists() else []


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes on one core: more threads add in another order, and processes use the cores better."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def find_device(device: str) -> str:
    """The name of a device: 'auto' is the GPU if there is one."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def on_device(model: nn.Module, device: str) -> nn.Module:
    """The model, or a copy of it on `device` if it lies elsewhere."""
    if any(parameter.device.type != torch.device(device).type for parameter in model.parameters()):
        return copy.deepcopy(model).to(device)
    return model


@contextmanager
def evaluating(model: nn.Module, device: str) -> Iterator[nn.Module]:
    """The model `on_device`, in eval mode; afterwards its modes are as before."""
    model = on_device(model, device)
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield model.eval()
    finally:
        for module, mode in modes:
            module.training = mode
