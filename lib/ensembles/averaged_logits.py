"""An ensemble as one network: the gradient of its averaged logits beside the mean of its members' unit gradients."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from torch import nn

from lib.data.loading import ImageData
from lib.ensembles.averages import ensemble_sizes
from lib.salience import extraction
from lib.similarity.cosines import expected, pairwise
from lib.similarity.mean_directions import mean_directions
from lib.training.populations import Population

MEMBERS = 4  # of the ensemble that is looked at


class AveragedLogits(nn.Module):
    """The mean of several networks' logits, [images, C, H, W] -> [images, classes]."""

    def __init__(self, networks: Sequence[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(images) for network in self.networks]).mean(0)


def cosines(population: Population, directions: np.ndarray, images: ImageData, *, output: str = "logit",
            grid: int | None = 8) -> dict[str, float]:
    """E[t] of one ensemble, the population's first MEMBERS networks, by both readings of its salience.

    The logit of averaged logits has the mean of the members' gradients with the lengths that they have: a steep network
    counts more.  Of any other `output` the two readings differ further, because it is no mean of the members' outputs.
    Both are compared with the population's other networks, as in `lib.ensembles.ensemble_cosines`.

    -> 'members', how many, fewer than MEMBERS where the population allows no more; 'mean unit gradient' and 'averaged logits', E[t] by each reading, NaN for a population
    without a mean direction.

    Args:
        directions: [networks, n, d] of the same population, output and grid, with zeros for what has no direction.

    Raises:
        ValueError: fewer than 5 networks, or directions of another number of networks.
    """
    if len(directions) != len(population):
        raise ValueError(f"directions of {len(directions)} networks do not belong to a population of {len(population)}")
    members = min(MEMBERS, ensemble_sizes(len(directions))[-1])
    ensemble = AveragedLogits(list(islice(population.models(), members)))
    gradients = extraction.input_gradients(ensemble, images.test_images, images.test_labels, output=output)
    rho = expected(directions)
    both = np.stack([mean_directions(directions[:members]), extraction.directions(gradients, grid=grid).numpy()])
    found = np.nanmean(pairwise(both, directions[members:]), axis=1) / np.sqrt(rho if rho > 0 else np.nan)
    return {"members": members, "mean unit gradient": float(found[0]), "averaged logits": float(found[1])}
