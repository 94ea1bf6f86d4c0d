"""The same networks several times: after several epochs, or trained from the same seeds by different recipes.

Network i of each population is the same one, or has the same seed: from the same initial weights and orders of images they
vary together.  A network is therefore left out of all populations at once, and counts as one sample.  A network after 5
epochs and the same network after 20 share their past, so that what all networks share is told by pairs of *different* ones.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lib.similarity.cosines import checked
from lib.similarity.crossed import CHUNK, JOINT, Part, Sums, similarity_matrix
from lib.similarity.rank_one import cosines
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample, beside, image_counts

LEAST = 3  # networks: leaving one out has to leave a pair

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of rho and losses, both [..., groups, populations]


def paired_similarities(
    groups: Sequence[Sequence[np.ndarray]], rng: np.random.Generator, draws: int = 500
) -> list[Sample]:
    """rho(k, k) of the populations of each group, over pairs of different seeds: a sample of [populations] a group.

    A unit is a seed, left out of all populations of its group at once.  All groups see the same draws of images.

    Args:
        groups: populations of directions [seeds, images, dims] each.  Those of one group are paired, seed by seed;
            different groups, for instance widths, have seeds of their own.

    Raises:
        ValueError: fewer than 3 seeds, populations of one group with different numbers of seeds, or different images.
    """
    if len({population.shape[1] for group in groups for population in group}) > 1:
        raise ValueError("all populations need the same images")
    draws_of_images = int(rng.integers(2**63))
    return [_paired(group, np.random.default_rng(draws_of_images), draws) for group in groups]


def _paired(group: Sequence[np.ndarray], rng: np.random.Generator, draws: int) -> Sample:
    seeds = [len(population) for population in group]
    if min(seeds) < LEAST or len(set(seeds)) > 1:
        raise ValueError(
            f"paired populations need equally many networks, {LEAST} at least, not {', '.join(map(str, seeds))}"
        )
    matrix = similarity_matrix(group, rng, draws)
    assert matrix.without is not None and matrix.by_images is not None and matrix.without_by_images is not None
    count, size = len(group), seeds[0]
    # rho within a population depends on that population alone: the diagonal without network i of its own is all
    # that changes when seed i is left out of every population.
    own = matrix.without.reshape(count, size, count, count)
    drawn = matrix.without_by_images.reshape(-1, count, size, count, count)
    return Sample(
        np.diagonal(matrix.values),
        np.einsum("pspp->sp", own),
        np.diagonal(matrix.by_images, axis1=1, axis2=2),
        np.einsum("jpspp->jsp", drawn),
        (size,),
        matrix.images,
    )


def interval(
    groups: Sequence[Sample], statistic: Statistic, losses: Sequence[np.ndarray] | None = None, level: float = 0.95
) -> Interval:
    """A function of the similarities of all groups with its interval over seeds and images: -> estimate, low, high.

    Args:
        statistic: takes rho and mean losses, both [..., groups, populations] -> [..., any].
        losses: one array [seeds, populations] a group, a number of each network that does not depend on the test
            images, for a statistic of both; zeros by default.
    """
    losses = losses or [np.zeros_like(group.without) for group in groups]

    def of_both(numbers: np.ndarray) -> np.ndarray:
        both = numbers.reshape(*numbers.shape[:-1], len(groups), 2, -1)
        return statistic(both[..., 0, :], both[..., 1, :])

    return beside([_with_loss(*part) for part in zip(groups, losses, strict=True)]).interval(of_both, level)


def _with_loss(group: Sample, loss: np.ndarray) -> Sample:
    """rho and then mean losses, [2 * populations]."""
    mean, without = loss.mean(0), (loss.sum(0) - loss) / (len(loss) - 1)

    def both(rho: Any, mean_loss: np.ndarray) -> np.ndarray:
        return np.concatenate([rho, np.broadcast_to(mean_loss, rho.shape)], axis=-1)

    return Sample(
        both(group.values, mean),
        both(group.without, without),
        both(group.by_images, mean),
        both(group.without_by_images, without),
        group.networks,
        group.images,
    )


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
