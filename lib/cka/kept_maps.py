"""CKA maps as a chapter's results keep them, for the charts of its page."""

from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Float

from lib.cka.blocks import Block


def kept(cka: Float[np.ndarray, "rows columns"], block: Block | None = None) -> dict:
    """A map to three decimals, and a network's block: {cka, block: [its first layer, the layer behind its last]}."""
    return {"cka": np.round(cka, 3), "block": [block.start, block.stop] if block and block.exists else None}


def kept_pairs(maps: Float[np.ndarray, "n n layers layers"], blocks: tuple[Block, ...], most: int) -> dict[str, dict]:
    """The maps of every two of the first networks, one with itself too: 'network 0', 'networks 0 and 1', ..."""
    pairs = combinations_with_replacement(range(min(len(maps), most)), 2)
    return {
        f"network {a}" if a == b else f"networks {a} and {b}": kept(maps[a, b], blocks[a] if a == b else None)
        for a, b in pairs
    }
