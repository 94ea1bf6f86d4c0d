"""Three views of how alike two networks of one family are, for every two of several networks.

Input gradients: mean cosine of their directions.  Representations at equal depth, the output of the same residual or
encoder block in both, averaged over blocks: linear CKA, and direct matching.  Larger is more alike in each.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from lib.cka.estimators import MinibatchCKA
from lib.models import architectures
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.similarity import cosines
from lib.stitching.matchings import direct_match, residual

RHO, CKA, MATCHING = VIEWS = ("rho", "CKA", "matching")
# The paper's 100 images have so many positions on the smallest maps of its networks, 4 x 4.  With about as many
# positions as unknowns the best map of the fitting images is a bad one of others, whatever the networks.
LEAST_POSITIONS = 1600

Outputs = Mapping[str, torch.Tensor]  # block -> [images, channels, rows, columns]


def check_families(families: Iterable[str]) -> None:
    """Raises ValueError for a family whose networks have no blocks to compare."""
    for family in families:
        CutNetwork(architectures.build(family, 2))


def block_outputs(networks: Sequence[CutNetwork], images: torch.Tensor) -> list[Outputs]:
    """What the blocks of each network make of the images."""
    return [{block: output for block, output in network.representations(images).items() if block != LOGITS}
            for network in networks]


def gradient_similarity(directions: np.ndarray) -> np.ndarray:
    """rho of every two networks: [networks, images, dims] -> [networks, networks]."""
    return cosines.pairwise(directions)


def cka_at_equal_depth(outputs: Sequence[Outputs]) -> np.ndarray:
    """Linear CKA, unbiased and of all images at once, averaged over blocks: -> [networks, networks].

    Raises:
        ValueError: fewer than 4 images, or a block whose output is the same for all of them.
    """
    return np.mean([_cka([output[block] for output in outputs], block) for block in outputs[0]], axis=0)


def matching_at_equal_depth(fitting: Sequence[Outputs], held_out: Sequence[Outputs], images: int) -> np.ndarray:
    """1 less the residual of direct matching on the held-out images, averaged over blocks and the two directions.

    -> [networks, networks].  Negative where the map is worse than none at all.

    Args:
        fitting, held_out: what each network makes of the images that maps are fitted to, and of others.
        images: maps are fitted to so many of the fitting images, the first; to more where these have fewer than 1,600
            positions; to all where there are fewer.

    Raises:
        ValueError: a block whose output is zero for all held-out images.
    """
    residuals = np.mean([_residuals([output[block][:fitting_images(output[block].shape, images)] for output in fitting],
                                    [output[block] for output in held_out]) for block in fitting[0]], axis=0)
    return 1 - (residuals + residuals.T) / 2


def fitting_images(shape: Sequence[int], images: int) -> int:
    """How many images a map is fitted to, from maps [any, channels, rows, columns]."""
    return max(images, -(-LEAST_POSITIONS // (shape[2] * shape[3])))


def _cka(layers: Sequence[torch.Tensor], block: str) -> np.ndarray:
    cka = MinibatchCKA()
    cka.update({f"{block} of network {place}": layer for place, layer in enumerate(layers)})
    return cka.result()


@torch.no_grad()
def _residuals(fitting: Sequence[torch.Tensor], held_out: Sequence[torch.Tensor]) -> np.ndarray:
    """[sources, targets] residuals at one block."""
    targets = torch.cat(list(fitting), dim=1)  # least squares fits every channel by itself: all targets at once
    channels = [layer.shape[1] for layer in fitting]
    rows = []
    for source, unseen in zip(fitting, held_out):
        mapped = direct_match(source, targets)(unseen).split(channels, dim=1)
        rows.append([residual(part, target) for part, target in zip(mapped, held_out)])
    return np.array(rows)
