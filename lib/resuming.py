"""What a training goes on from besides its weights: the random streams of orders and the buffers of the optimiser.

Of a stack, network m owns the m-th part of every buffer, as of every weight (`lib.stacking`).
"""

from collections.abc import Sequence

import torch
from torch import nn

ORDER = "order"  # every other name is BUFFER:WEIGHT


def saved(optimiser: torch.optim.Optimizer, module: nn.Module, orders: Sequence[torch.Generator]
          ) -> list[dict[str, torch.Tensor]]:
    """One dictionary a network of the stack, copied to the CPU."""
    names = {parameter: name for name, parameter in module.named_parameters()}
    found = [{ORDER: order.get_state()} for order in orders]
    for parameter, buffers in optimiser.state.items():
        for buffer, value in buffers.items():
            if value is None:  # momentum that is not asked for
                continue
            parts = value.detach().chunk(len(orders)) if value.ndim else (value.detach(),) * len(orders)
            for network, part in zip(found, parts):
                network[f"{buffer}:{names[parameter]}"] = part.clone(memory_format=torch.contiguous_format).cpu()
    return found


def restore(optimiser: torch.optim.Optimizer, module: nn.Module, orders: Sequence[torch.Generator],
            found: Sequence[dict[str, torch.Tensor]]) -> None:
    """The opposite of `saved`: afterwards the next step is the one that would have come."""
    parameters = dict(module.named_parameters())
    for order, network in zip(orders, found, strict=True):
        order.set_state(network[ORDER])
    for name, value in found[0].items():
        if name != ORDER:
            buffer, _, weight = name.partition(":")
            parameter = parameters[weight]
            joined = torch.cat([network[name] for network in found]).to(parameter) if value.ndim else value.clone()
            optimiser.state[parameter][buffer] = joined
