"""The optimiser of a stack, and what a training goes on from besides its weights: random streams and buffers.

Of a stack, network m owns the m-th part of every buffer, as of every weight (`lib.models.stacking`).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from lib.models.stacking import StackedLinear
from lib.training.specification import Specification

Streams = Mapping[str, Sequence[torch.Generator]]  # purpose -> one a network; every other name is BUFFER:WEIGHT


def make(specification: Specification, module: nn.Module) -> torch.optim.Optimizer:
    """Of all parameters of a stack, with the weight decay on kernels alone, as the specification says."""
    kernels = {part.weight for part in module.modules() if isinstance(part, (nn.Conv2d, nn.Linear, StackedLinear))}
    groups = [
        {
            "params": [parameter for parameter in module.parameters() if (parameter in kernels) == decays],
            "weight_decay": specification.weight_decay * decays,
        }
        for decays in (True, False)
    ]
    if specification.optimiser == "adam":
        return torch.optim.Adam(groups, lr=specification.learning_rate)
    return torch.optim.SGD(groups, lr=specification.learning_rate, momentum=specification.momentum)


def saved(optimiser: torch.optim.Optimizer, module: nn.Module, streams: Streams) -> list[dict[str, torch.Tensor]]:
    """One dictionary a network of the stack, copied to the CPU."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in module.named_parameters()}
    found = [dict(zip(streams, (generator.get_state() for generator in own))) for own in zip(*streams.values())]
    for parameter, buffers in optimiser.state.items():
        for buffer, value in buffers.items():
            if value is None:  # momentum that is not asked for
                continue
            parts = value.detach().chunk(len(found)) if value.ndim else (value.detach(),) * len(found)
            for network, part in zip(found, parts):
                network[f"{buffer}:{names[parameter]}"] = part.clone(memory_format=torch.contiguous_format).cpu()
    return found


def restore(
    optimiser: torch.optim.Optimizer, module: nn.Module, streams: Streams, found: Sequence[dict[str, torch.Tensor]]
) -> None:
    """The opposite of `saved`: afterwards the next step is the one that would have come."""
    parameters = dict(module.named_parameters())
    for purpose, generators in streams.items():
        for generator, network in zip(generators, found, strict=True):
            generator.set_state(network[purpose])
    for name, value in found[0].items():
        if name not in streams:
            buffer, _, weight = name.partition(":")
            parameter = parameters[weight]
            joined = torch.cat([network[name] for network in found]).to(parameter) if value.ndim else value.clone()
            optimiser.state[parameter][buffer] = joined
