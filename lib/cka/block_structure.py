"""The block structure: many neighbouring layers of one network that represent images alike (paper, Section 4)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from lib.cka.estimators import minibatch_cka
from lib.models.representations import block_points
from lib.runtime.progress import progress
from lib.training.populations import Population

LEAST = 3  # two neighbouring layers are alike in any network: fewer layers are no block


class Block(NamedTuple):
    """Layers start, ..., stop - 1 of `layers`, of which every two are alike."""

    start: int
    stop: int
    layers: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def exists(self) -> bool:
        """Whether it has layers enough to be called a block."""
        return len(self) >= LEAST

    def share(self) -> float:
        """Its side relative to the depth of the network, from 0 to 1; 0 for fewer layers than `LEAST`."""
        return len(self) / self.layers if self.exists else 0.0

    def inside(self) -> np.ndarray:
        """Which layers lie in it, [layers] bool; none for fewer layers than `LEAST`."""
        places = np.arange(self.layers)
        return (places >= self.start) & (places < self.stop) & self.exists

    def late_share(self) -> float:
        """Share of its layers that lie in the last two of the three stages of a network; NaN without a block."""
        return float(self.inside()[stage_starts(self.layers)[1]:].sum() / len(self)) if self.exists else np.nan


def stage_starts(layers: int) -> tuple[int, int, int]:
    """Where the stages of a network of `lib.models.cifar_resnets` begin among its `layers` hidden points, the stem and three
    stages of equally many blocks."""
    blocks = (layers - 1) // 3
    return 1, 1 + blocks, 1 + 2 * blocks


def hidden_points(model: torch.nn.Module) -> tuple[str, ...]:
    """The layers that a block can hold: the stem and the outputs of all residual blocks, without the logits."""
    return block_points(model)[:-1]


def largest_block(cka: np.ndarray, threshold: float) -> Block:
    """The longest run of layers of which every two have a CKA above `threshold`; of several, the deepest.

    cka: [layers, layers].
    """
    layers = len(cka)
    alike = cka > threshold
    best, start = Block(0, 0, layers), 0
    for stop in range(1, layers + 1):
        # The run that ends here begins after the last layer that is unlike the newest one.
        unlike = np.flatnonzero(~alike[start:stop - 1, stop - 1])
        start = start + unlike[-1] + 1 if len(unlike) else start
        if stop - start >= len(best):
            best = Block(start, stop, layers)
    return best


def cka_maps(population: Population, images: torch.Tensor, generator: torch.Generator, *, batch_size: int = 256,
             passes: int = 4) -> np.ndarray:
    """Minibatch CKA between the hidden layers of each network of a population: [networks, layers, layers]."""
    maps = []
    with progress(len(population), f"CKA of {population.specification.name}") as bar:
        for model in population.models():
            points = hidden_points(model)
            maps.append(minibatch_cka([model], images, [points], batch_size=batch_size, passes=passes,
                                      generator=generator).values)
            bar.update()
    return np.stack(maps)


def block_shares(maps: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Share of the depth that the largest block takes: [networks, layers, layers] -> [networks, thresholds]."""
    return np.array([[largest_block(cka, threshold).share() for threshold in thresholds] for cka in maps])
