"""Intervals for the similarity within populations whose networks are paired: network i of each has the same seed.

Populations that were trained by different recipes from the same initial weights and orders of images vary together.
Leaving a seed out therefore means leaving it out of all of them at once; a seed counts as one sample, however many
networks it has.  Similarities *between* such populations would compare a network with its own twin: none is used here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lib.similarity.crossed import similarity_matrix
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample, beside

LEAST = 3  # seeds: leaving one out has to leave a pair

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
