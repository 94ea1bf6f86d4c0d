"""E[t] of ensembles: the cosine of a mean of unit gradients with the population's mean direction, and its law.

Networks that are *not* members have the mean R(x) mu(x) in expectation, whatever their number.  Their mean cosine with
an ensemble of m networks is therefore E_x[R t_m] on average over images, without the noise that an estimate of mu would
have, and what is called E[t] here is

    E_x[R t_m] / sqrt(E_x[R^2]),

the root being sqrt(rho(k, k)).  For one network it is that root itself, as in chapter 4.
Where R is the same at all images it is the mean of t_m.  Where R varies, images with a large R weigh more, and for many
members it tends not to 1 but to E_x[R] / sqrt(E_x[R^2]), about 1 - spread / 8 (see `squared_spread` and `law`).
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from torch import nn

from lib.data.loading import ImageData
from lib.salience import extraction
from lib.similarity.cosines import expected, has_direction, pairwise
from lib.similarity.mean_directions import mean_directions, pair_moments
from lib.statistics.intervals import quotient
from lib.training.populations import Population

CHUNK = 64  # images whose ensembles are in memory at once
LEAST = 5  # networks: without any one of them four are left, which the spread of R needs
MEMBERS = 4  # of the ensemble whose averaged logits are looked at


def ensemble_sizes(networks: int) -> tuple[int, ...]:
    """1, 2, 4, ... members, as many as leave two other networks: one to compare with when any network is left out.

    Raises:
        ValueError: fewer than 5 networks.
    """
    if networks < LEAST:
        raise ValueError(f"ensembles need a population of at least {LEAST} networks, not {networks}")
    return tuple(2**power for power in range(networks.bit_length()) if 2**power <= networks - 2)


def law(resultant: np.ndarray, members: np.ndarray, spread: np.ndarray | float = 0.0) -> np.ndarray:
    """E[t] of ensembles of so many independent networks; `members` may be infinite.

    At one image, or where R is the same at all, it is R / sqrt(R^2 + (1 - R^2) / m).  Otherwise
    `resultant` is sqrt(E_x[R^2]) and `spread` the variance of R^2 over the images divided by its squared mean: then
    it is E_x[R^2 / sqrt(R^2 + (1 - R^2) / m)] / sqrt(E_x[R^2]) to the second order in the deviations of R^2.
    """
    alone = 1 / np.asarray(members, dtype=float)
    length = np.sqrt(resultant**2 * (1 - alone) + alone)  # of the ensemble's mean
    bend = resultant**3 * (1 - alone) * (alone + (1 - alone) * resultant**2 / 4) / length**5
    return resultant / length - spread * bend / 2


def member_cosines(members: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Cosine of the mean unit gradient of each ensemble with that of each network: -> [ensembles, networks].

    `members`: [ensembles, networks] of 0 and 1; directions [networks, n, d].  Averages over the images on which both
    have a direction; NaN without any.
    """
    cosines, counts = np.zeros_like(members), np.zeros_like(members)
    for start in range(0, directions.shape[1], CHUNK):
        part, gram = _gram(directions, start)
        products = members @ gram  # ensemble sums with each network
        squared = np.einsum("xen,en->xe", products, members)
        known = squared > 1e-12  # members may have no gradient, or cancel
        scale = np.divide(
            1, np.sqrt(squared, where=known, out=np.ones_like(squared)), where=known, out=np.zeros_like(squared)
        )
        cosines += np.einsum("xen,xe->en", products, scale)
        counts += known.T.astype(float) @ has_direction(part).astype(float)
    return quotient(cosines, counts)


def cosine_with_mean(cosines: np.ndarray, members: np.ndarray, pairs: np.ndarray, absent: int | None = None) -> float:
    """E[t] over ensembles, from their `member_cosines` and those of the single networks, `pairs`.

    `absent`: a network that is no member, and that no ensemble is compared with.  NaN where the mean cosine of pairs is
    not positive: such a population has no mean direction.
    """
    others = members == 0
    different = ~np.eye(len(pairs), dtype=bool)
    if absent is not None:
        others[:, absent] = False
        different[absent] = different[:, absent] = False
    rho = np.nanmean(pairs[different])
    if not rho > 0:
        return float("nan")
    # Where not every set of networks is an ensemble, some pairs of a member and another network occur more often than
    # others.  Their mean cosine, rho in expectation, stands for rho: that cancels most of this chance.
    member_with_other = (members / members.sum(1, keepdims=True)) @ np.nan_to_num(pairs, nan=rho)
    return float(np.nanmean(cosines[others]) / member_with_other[others].mean() * np.sqrt(rho))


def squared_spread(directions: np.ndarray) -> np.ndarray:
    """Variance of R(x)^2 over the images divided by its squared mean: from all networks, and without each.

    directions [networks, n, d] -> [1 + networks].  From `pair_moments`, which no number of networks biases; what is
    estimated as spread can be below zero by chance.  NaN where no image has four networks with a direction, or the mean
    of R^2 is not positive.
    """
    networks = range(len(directions))
    lefts = [np.array([network for network in networks if network != absent]) for absent in (None, *networks)]
    found = []
    for start in range(0, directions.shape[1], CHUNK):
        part, gram = _gram(directions, start)
        alive = has_direction(part)
        found.append([pair_moments(gram[:, left][:, :, left], alive[:, left].sum(1).astype(float)) for left in lefts])
    moments = np.concatenate(found, axis=2)  # [1 + networks, 2, n]
    usable = np.isfinite(moments).all(1).astype(float)  # [1 + networks, n]
    counts = np.where(usable.sum(1) > 0, usable.sum(1), np.nan)
    square, fourth = (np.nan_to_num(moments) * usable[:, None]).sum(2).T / counts
    return np.where(square > 0, fourth, np.nan) / np.where(square > 0, square, np.nan) ** 2 - 1


class AveragedLogits(nn.Module):
    """The mean of several networks' logits, [images, C, H, W] -> [images, classes]."""

    def __init__(self, networks: Sequence[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(images) for network in self.networks]).mean(0)


def cosines_by_reading(
    population: Population, directions: np.ndarray, images: ImageData, *, output: str = "logit", grid: int | None = 8
) -> dict[str, float]:
    """E[t] of one ensemble, the population's first MEMBERS networks, by both readings of its salience.

    The logit of averaged logits has the mean of the members' gradients with the lengths that they have: a steep network
    counts more.  Of any other `output` the two readings differ further, because it is no mean of the members' outputs.
    Both are compared with the population's other networks.

    Args:
        directions: [networks, n, d] of the same population, output and grid, with zeros for what has no direction.

    Returns:
        'members', how many, fewer than MEMBERS where the population allows no more; 'mean unit gradient' and 'averaged
        logits', E[t] by each reading, NaN for a population without a mean direction.

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


def _gram(directions: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """CHUNK images as [images, networks, d], and their networks' cosines [images, networks, networks]."""
    part = directions[:, start : start + CHUNK].transpose(1, 0, 2).astype(float)
    return part, part @ part.transpose(0, 2, 1)
