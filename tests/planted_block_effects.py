"""Measures of residual networks with block structures where a test wants them: 3 stages of 2 blocks, 7 layers."""

import numpy as np

from lib.cka.block_effects import BlockMeasures
from lib.cka.blocks import Block

LAYERS, STAGES = 7, np.repeat(range(3), 2)
DELETABLE = np.array([True, True, False, True, False, True])


def planted(structures, after=None, before=None, cost=None, whole=None):
    """`structures`: (start, stop) a network, (0, 0) for none; `cost`: [networks, blocks] of each deletion."""
    count = len(structures)
    after = np.tile(np.linspace(0.5, 0.9, LAYERS), (count, 1)) if after is None else np.asarray(after, dtype=float)
    before = after[:, 1:] - 0.1 if before is None else np.asarray(before, dtype=float)
    whole = np.full(count, 0.9) if whole is None else np.asarray(whole, dtype=float)
    cost = np.full((count, LAYERS - 1), 0.05) if cost is None else np.asarray(cost, dtype=float)
    # What is left after a deletion: the whole less the costs of the block and of those behind it in its stage.
    summed = [np.cumsum(cost[:, STAGES == stage][:, ::-1], axis=1)[:, ::-1] for stage in range(3)]
    deleted = np.where(DELETABLE, whole[:, None] - np.concatenate(summed, axis=1), np.nan)
    maps = np.tile(np.eye(LAYERS), (count, 1, 1))
    for cka, (start, stop) in zip(maps, structures):
        cka[start:stop, start:stop] = 1
    return BlockMeasures(
        maps, [Block(start, stop, LAYERS) for start, stop in structures], after, before, deleted, whole, STAGES, 50
    )
