"""Similarities of networks with themselves and with others over time: populations of the same networks at several moments.

A network after 5 epochs and the same network after 20 share their weights' past; what all networks share is told by pairs of
*different* ones.  Populations here are [networks, images, dims] of the same networks in the same order, and a network is left
out of all of them at once.
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.cosines import checked
from lib.similarity.crossed import CHUNK, JOINT, Part, Sums
from lib.similarity.rank_one import cosines
from lib.statistics.sample import Sample, image_counts

LEAST = 3  # networks: leaving one out has to leave a pair


def over_time(populations: Sequence[np.ndarray], rng: np.random.Generator, draws: int = 300) -> Sample:
    """Mean cosines of every two moments, [2, moments, moments]: of different networks, and of a network with itself.

    The first is rho between moments without any network's own past, with rho(k, k) on its diagonal; the diagonal of the second
    is 1.  A unit is a network, left out of all moments.

    Raises:
        ValueError: fewer than 3 networks, or populations of different shapes.
    """
    first = checked(populations[0])
    if len({np.shape(population) for population in populations}) > 1 or len(first) < LEAST:
        shapes = ", ".join(str(np.shape(population)) for population in populations)
        raise ValueError(f"moments need the directions of the same networks, {LEAST} at least, not {shapes}")
    populations = [checked(population, like=first) for population in populations]
    networks, images = first.shape[:2]
    counts = np.concatenate([np.ones((1, images)), image_counts(images, rng, draws)])
    whole, without = Sums(counts), Sums(counts[: 1 + JOINT])
    for start in range(0, images, CHUNK):
        at = slice(start, start + CHUNK)
        part = np.stack([one[:, at] for one in populations], axis=2).astype(float)  # [N, n, P, d]
        has = part.any(axis=-1, keepdims=True).astype(float)
        whole.add(Part(at, _pairs(part), _pairs(has)))
        without.add(Part(at, _pairs_without_each(part), _pairs_without_each(has)))
    values, left_out = whole.means(), without.means()  # [1 + draws, 2, P, P] and [1 + JOINT, N, 2, P, P]
    return Sample(values[0], left_out[0], values[1:], left_out[1:], (networks,), images)


def shared(both: np.ndarray) -> np.ndarray:
    """Cosines of the mean directions of every two moments: [..., 2, moments, moments] -> [..., moments, moments].

    NaN at moments without a common direction, where rho(k, k) is not positive.
    """
    return cosines(both[..., 0, :, :])


def own(both: np.ndarray) -> np.ndarray:
    """Correlation of what sets a network apart from the others at two moments: [..., moments, moments].

    A direction is what all share and the rest; of the rests of one network the mean product is the mean cosine of the network
    with itself less that of different ones.  1 on the diagonal, 0 where a network keeps nothing of its own.
    """
    others, same = both[..., 0, :, :], both[..., 1, :, :]
    rest = np.sqrt(1 - np.diagonal(others, axis1=-2, axis2=-1))
    return (same - others) / rest[..., :, None] / rest[..., None, :]


def _pairs(part: np.ndarray) -> np.ndarray:
    """Sums over pairs of different networks, and over networks: [N, n, P, d] -> [n, 2, P, P]."""
    total, same = part.sum(0), np.einsum("inpd,inqd->npq", part, part)
    return np.stack([total @ total.transpose(0, 2, 1) - same, same], axis=1)


def _pairs_without_each(part: np.ndarray) -> np.ndarray:
    """`_pairs` without each network in turn: [n, N, 2, P, P]."""
    whole, own = _pairs(part)[:, None], part @ part.transpose(0, 1, 3, 2)  # [n, 1, 2, P, P] and [N, n, P, P]
    with_all = part @ part.sum(0).transpose(0, 2, 1)
    of_network = with_all + with_all.transpose(0, 1, 3, 2) - 2 * own  # all pairs that it takes part in
    return whole - np.stack([of_network, own], axis=2).transpose(1, 0, 2, 3, 4)
