"""Intervals for the similarity within populations whose networks are paired: network i of each has the same seed.

Populations that were trained by different recipes from the same initial weights and orders of images vary together.
Leaving a seed out therefore means leaving it out of all of them at once; a seed counts as one sample, however many
networks it has.  Similarities *between* such populations would compare a network with its own twin: none is used here.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lib.similarity.crossed import similarity_matrix
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample

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
    sample = _sample(groups, losses)
    return sample.interval(lambda both: statistic(both[..., 0, :, :], both[..., 1, :, :]), level)


def _sample(groups: Sequence[Sample], losses: Sequence[np.ndarray]) -> Sample:
    """rho and mean losses, [2, groups, populations]; a seed is a unit, which leaves the other groups as they are."""
    mean_loss = np.stack([loss.mean(0) for loss in losses])
    loss_without = [(loss.sum(0) - loss) / (len(loss) - 1) for loss in losses]
    values, by_images = (
        np.stack([getattr(group, name) for group in groups], axis=-2) for name in ("values", "by_images")
    )

    def without(whole: np.ndarray, rows: Sequence[np.ndarray]) -> np.ndarray:
        """[seeds of all groups, 2, groups, populations], from rho of all and of each group without a seed."""
        both = [
            (_replaced(whole, place, rho), _replaced(mean_loss, place, loss))
            for place, (rho, loss) in enumerate(zip(rows, loss_without))
        ]
        return np.concatenate([np.stack(pair, axis=1) for pair in both])

    seeds, drawn = ([np.asarray(getattr(group, name)) for group in groups] for name in ("without", "without_by_images"))
    joint = [without(by_images[draw], [group[draw] for group in drawn]) for draw in range(len(drawn[0]))]
    return Sample(
        np.stack([values, mean_loss]),
        without(values, seeds),
        np.stack([by_images, np.broadcast_to(mean_loss, by_images.shape)], axis=1),
        np.stack(joint),
        tuple(map(len, seeds)),
        groups[0].images,
    )


def _replaced(whole: np.ndarray, place: int, rows: np.ndarray) -> np.ndarray:
    """[groups, populations] with one group's row replaced by each of `rows` in turn: -> [rows, groups, populations]."""
    copies = np.repeat(whole[None], len(rows), axis=0)
    copies[:, place] = rows
    return copies
