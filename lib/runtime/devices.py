"""The device a network computes on, and the state it is left in."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


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
