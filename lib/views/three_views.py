"""Three views of how alike two networks of one family are, for every two of several networks, on the same images.

Input gradients: mean cosine of their directions.  Representations at equal depth, the output of the same residual or
encoder block in both, averaged over blocks: linear CKA, and direct matching.  Larger is more alike in each.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from lib.cka.estimators import MinibatchCKA
from lib.data.loading import ImageData, mixed_order
from lib.effects.errors import agreement
from lib.models import architectures
from lib.models.cut_networks import LOGITS, CutNetwork
from lib.runtime import array_store
from lib.salience import direction_store
from lib.salience.extraction import logits
from lib.similarity import cosines
from lib.statistics.pairs import PairTable
from lib.stitching.matchings import direct_match, residual
from lib.training.populations import Population
from lib.views.outcomes import OUTCOMES, error_consistency, transfer, weakness

RHO, CKA, MATCHING = VIEWS = ("rho", "CKA", "matching")
ACCURACY, WEAKNESS = "accuracy", "weakness"  # what is known of each network alone
# The paper's 100 images have so many positions on the smallest maps of its networks, 4 x 4.  With about as many
# positions as unknowns the best map of the fitting images is a bad one of others, whatever the networks.
LEAST_POSITIONS = 1600

Outputs = Mapping[str, torch.Tensor]  # block -> [images, channels, rows, columns]


def halves(images: ImageData, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Places of the test images that views see, and of as many others for the outcomes; None takes half of all.

    Raises:
        ValueError: more than half of the test images.
    """
    half = len(images.test_images) // 2
    if count is not None and count > half:
        told = f"must be at most {half}, half of the test images, not {count}"
        raise ValueError(f"{told}: the outcomes take as many others")
    count = count or half
    order = mixed_order(images.test_labels)
    return order[:count], order[count : 2 * count]


def pair_table(
    populations: Sequence[Population],
    images: ImageData,
    *,
    view_images: int | None,
    fit_images: int,
    eps: float,
    output: str = "logit",
    grid: int | None = 8,
) -> PairTable:
    """Views, and what is known of each network alone, on the first half of the test images (`halves`); outcomes on the
    second.

    Transfer is the mean of both directions.  The gradients that rho compares are those of `lib.salience.extraction`.

    Warns: of networks whose gradient vanishes at all images of the views; they are left out.

    Raises:
        ValueError: fewer than 4 networks of a width are left, or more images are asked for than there are.
    """
    seen, unseen = halves(images, view_images)
    networks, widths, directions = _living(populations, images, seen, output, grid)
    digests = [population.digest for population in populations], images.train_digest, images.test_digest
    decides = [*digests, array_store.digest_of(directions), seen.tolist(), fit_images, float(eps)]
    names = ACCURACY, WEAKNESS, *VIEWS, *OUTCOMES
    found = array_store.stored(
        "views",
        names,
        __name__,
        decides,
        lambda: _measured(networks, directions, images, seen, unseen, fit_images, eps),
    )
    alone, views, outcomes = ({name: found[name] for name in part} for part in (names[:2], VIEWS, OUTCOMES))
    return PairTable(widths, alone, views, outcomes)


def _measured(
    networks: list[nn.Module],
    directions: np.ndarray,
    images: ImageData,
    seen: np.ndarray,
    unseen: np.ndarray,
    fit_images: int,
    eps: float,
) -> dict[str, np.ndarray]:
    """What is known of each network alone, views and outcomes, by name."""
    predicted = torch.stack([logits(network, images.test_images).argmax(1) for network in networks])
    right = (predicted == images.test_labels).numpy()
    shown = images.test_images[seen], images.test_labels[seen]
    taken = transfer(networks, images.test_images[unseen], images.test_labels[unseen], eps)
    alone = {ACCURACY: right[:, seen].mean(1), WEAKNESS: weakness(networks, *shown, eps)}
    views = {RHO: cosines.pairwise(directions)} | _at_equal_depth(networks, images, seen, fit_images)
    alike = agreement(predicted[:, unseen].numpy()), error_consistency(right[:, unseen]), (taken + taken.T) / 2
    return alone | views | dict(zip(OUTCOMES, alike))


def _at_equal_depth(
    networks: Sequence[nn.Module], images: ImageData, seen: np.ndarray, fit_images: int
) -> dict[str, np.ndarray]:
    """The two views that compare representations."""
    networks = [CutNetwork(network) for network in networks]
    outputs = block_outputs(networks, images.test_images[seen])
    most = max(fitting_images(layer.shape, fit_images) for layer in outputs[0].values())
    fitting = block_outputs(networks, images.train_images[mixed_order(images.train_labels)[:most]])
    return {CKA: cka_at_equal_depth(outputs), MATCHING: matching_at_equal_depth(fitting, outputs, fit_images)}


def _living(
    populations: Sequence[Population], images: ImageData, seen: np.ndarray, output: str, grid: int | None
) -> tuple[list[nn.Module], np.ndarray, np.ndarray]:
    """The networks that have a gradient at some image that the views see: modules, widths, directions."""
    kept, widths, directions = [], [], []
    found = direction_store.population_directions(
        dict(enumerate(populations)), images, output=output, grid=grid, keep_dead=True
    )
    for population, rows in zip(populations, found.values()):
        rows = rows[:, seen]
        alive = np.any(rows, axis=(1, 2))
        if not alive.all():
            dead = f"{population.specification.name}: {(~alive).sum()} of its {len(rows)} networks"
            warnings.warn(f"{dead} have no gradient at any image of the views and are left out", stacklevel=3)
        living = (network for network, lives in zip(population.models(), alive) if lives)
        kept += [network.to(memory_format=torch.channels_last) for network in living]  # a CPU convolves faster so
        widths += [population.specification.width] * int(alive.sum())
        directions.append(rows[alive])
    return kept, np.array(widths), np.concatenate(directions)


def check_families(families: Iterable[str]) -> None:
    """Raises ValueError for a family whose networks have no blocks to compare."""
    for family in families:
        CutNetwork(architectures.build(family, 2))


def block_outputs(networks: Sequence[CutNetwork], images: torch.Tensor) -> list[Outputs]:
    """What the blocks of each network make of the images."""
    return [
        {block: output for block, output in network.representations(images).items() if block != LOGITS}
        for network in networks
    ]


def cka_at_equal_depth(outputs: Sequence[Outputs]) -> np.ndarray:
    """Linear CKA, unbiased and of all images at once, averaged over blocks: -> [networks, networks].

    Raises:
        ValueError: fewer than 4 images, or a block whose output is the same for all of them.
    """
    found = []
    for block in outputs[0]:
        cka = MinibatchCKA()
        cka.update({f"{block} of network {place}": output[block] for place, output in enumerate(outputs)})
        found.append(cka.result())
    return np.mean(found, axis=0)


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
    found = []
    for block, shown in fitting[0].items():
        count = fitting_images(shown.shape, images)
        found.append(_residuals([output[block][:count] for output in fitting], [output[block] for output in held_out]))
    residuals = np.mean(found, axis=0)
    return 1 - (residuals + residuals.T) / 2


def fitting_images(shape: Sequence[int], images: int) -> int:
    """How many images a map is fitted to, from maps [any, channels, rows, columns]."""
    return max(images, -(-LEAST_POSITIONS // (shape[2] * shape[3])))


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
