"""What a computation runs on: the processor, the device of a network, and the state in which it is left."""

import copy
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import torch
from torch import nn

from lib.runtime.checks import shown

HALVES = (torch.float16, torch.bfloat16)


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
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    """The name of a device: 'auto' is the GPU if there is one.

    Raises:
        ValueError: no device of PyTorch, or a GPU where there is none.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or another of PyTorch's, not {shown(device)}") from None
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {device!r} is a GPU, and PyTorch finds none here; 'auto' takes one where there is one"
        )
    return str(found)


def on_device(model: nn.Module, device: str) -> nn.Module:
    """The model, or a copy of it where it must not or cannot be used as it is.

    It is copied to `device` if it lies elsewhere, in float32 if it is in half precision, where small gradients vanish,
    and if it was made in torch.inference_mode, because such weights let no gradient pass.
    """
    tensors = [*model.parameters(), *model.buffers()]
    elsewhere = any(tensor.device.type != torch.device(device).type for tensor in tensors)
    if elsewhere or any(tensor.dtype in HALVES or tensor.is_inference() for tensor in tensors):
        return usable_copy(model).to(device)
    return model


def usable_copy(model: nn.Module) -> nn.Module:
    """A copy whose weights let gradients pass, in float32 if some were in half precision."""
    with torch.inference_mode(False), torch.no_grad():  # else the weights of a TorchScript's copy hang on its own
        model = copy.deepcopy(model)
        half = any(tensor.dtype in HALVES for tensor in chain(model.parameters(), model.buffers()))
        return model.float() if half else model


def precision(model: nn.Module) -> torch.dtype:
    """The type of the model's first weight: that of the images it takes."""
    tensors = chain(model.parameters(), model.buffers())
    return next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float32)


@contextmanager
def evaluating(model: nn.Module, device: str) -> Iterator[nn.Module]:
    """The model `on_device`, in eval mode and without an autocast of the caller's; afterwards its modes are as before."""
    model = on_device(model, device)
    modes = [(module, getattr(module, "training", None)) for module in model.modules()]
    try:
        _into_eval_mode(model)
        with torch.autocast(torch.device(device).type, enabled=False):
            yield model
    finally:
        for module, mode in modes:
            if mode is None:  # a frozen TorchScript has none
                vars(module).pop("training", None)
            else:
                module.training = mode


def _into_eval_mode(model: nn.Module) -> None:
    try:
        model.eval()
    except NotImplementedError:  # an exported program stays in the mode in which it was exported
        for module in model.modules():
            module.training = False
