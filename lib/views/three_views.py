"""All pairs of the networks of one family: three views of them on some images, what they do on others."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lib.data.loading import ImageData
from lib.models.cut_networks import CutNetwork
from lib.salience import direction_store
from lib.salience.predictions import logits
from lib.statistics.pairs import PairTable
from lib.training.populations import Population
from lib.views import view_outcomes, view_pairs
from lib.views.view_outcomes import AGREEMENT, ERRORS, TRANSFER
from lib.views.view_pairs import CKA, MATCHING, RHO

ACCURACY, WEAKNESS = "accuracy", "weakness"


def halves(images: ImageData, count: int | None) -> tuple[slice, slice]:
    """The test images that views see, and as many others for the outcomes; None takes half of all.

    Raises:
        ValueError: more than half of the test images.
    """
    half = len(images.test_images) // 2
    if count is not None and count > half:
        raise ValueError(f"must be at most {half}, half of the test images, not {count}: the outcomes take as many others")
    count = count or half
    return slice(count), slice(count, 2 * count)


def pair_table(populations: Sequence[Population], images: ImageData, *, view_images: int | None, fit_images: int,
               eps: float, output: str = "logit", grid: int | None = 8) -> PairTable:
    """Views, and what is known of each network alone, on the first half of the test images (`halves`); outcomes on the
    second.

    Transfer is the mean of both directions.  The gradients that rho compares are those of `lib.salience.extraction`.

    Warns: of networks whose gradient vanishes at all images of the views; they are left out.

    Raises:
        ValueError: fewer than 4 networks of a width are left, or more images are asked for than there are.
    """
    seen, unseen = halves(images, view_images)
    networks, widths, directions = _living(populations, images, seen, output, grid)
    predicted = torch.stack([logits(network, images.test_images).argmax(1) for network in networks])
    right = (predicted == images.test_labels).numpy()
    shown = images.test_images[seen], images.test_labels[seen]
    taken = view_outcomes.transfer(networks, images.test_images[unseen], images.test_labels[unseen], eps)
    return PairTable(widths, {ACCURACY: right[:, seen].mean(1), WEAKNESS: view_outcomes.weakness(networks, *shown, eps)},
                     {RHO: view_pairs.gradient_similarity(directions),
                      **_at_equal_depth(networks, images, seen, fit_images)},
                     {AGREEMENT: view_outcomes.agreement(predicted[:, unseen].numpy()),
                      ERRORS: view_outcomes.error_consistency(right[:, unseen]), TRANSFER: (taken + taken.T) / 2})


def _at_equal_depth(networks: Sequence[nn.Module], images: ImageData, seen: slice, fit_images: int
                    ) -> dict[str, np.ndarray]:
    """The two views that compare representations."""
    networks = [CutNetwork(network) for network in networks]
    outputs = view_pairs.block_outputs(networks, images.test_images[seen])
    most = max(view_pairs.fitting_images(layer.shape, fit_images) for layer in outputs[0].values())
    fitting = view_pairs.block_outputs(networks, images.train_images[:most])
    return {CKA: view_pairs.cka_at_equal_depth(outputs),
            MATCHING: view_pairs.matching_at_equal_depth(fitting, outputs, fit_images)}


def _living(populations: Sequence[Population], images: ImageData, seen: slice, output: str, grid: int | None
            ) -> tuple[list[nn.Module], np.ndarray, np.ndarray]:
    """The networks that have a gradient at some image that the views see: modules, widths, directions."""
    kept, widths, directions = [], [], []
    found = direction_store.population_directions(dict(enumerate(populations)), images, output=output, grid=grid,
                                           keep_dead=True)
    for population, rows in zip(populations, found.values()):
        rows = rows[:, seen]
        alive = rows.any(axis=(1, 2))
        if not alive.all():
            warnings.warn(f"{population.specification.name}: {(~alive).sum()} of its {len(rows)} networks have no "
                          "gradient at any image of the views and are left out", stacklevel=3)
        kept += [network.to(memory_format=torch.channels_last)  # a CPU convolves faster in this order
                 for network, lives in zip(population.models(), alive) if lives]
        widths += [population.specification.width] * int(alive.sum())
        directions.append(rows[alive])
    return kept, np.array(widths), np.concatenate(directions)
