"""Expected similarities as samples of networks and images (`lib.statistics.sample`).

tests/test_bootstrap.py measures how often an interval holds the truth.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lib.similarity.cosines import checked, has_direction, warn_of_zeros
from lib.statistics.intervals import quotient
from lib.statistics.sample import Sample, image_counts

CHUNK = 64  # images whose cosines are in memory at once
BLOCK = 50  # draws whose weights are in memory at once
JOINT = 20  # no more than BLOCK: draws of images that are repeated without each network: their variances are averaged
HELD = 2**24  # sums of cosines that are kept for all draws; more are computed again for every BLOCK of them


def similarity_matrix(populations: Sequence[np.ndarray], rng: np.random.Generator, draws: int = 500) -> Sample:
    """rho(k1, k2) of all pairs of populations, each [networks, images, dims], with what its intervals are made from.

    Memory does not grow with the number of draws, except for one matrix a draw.

    Raises:
        ValueError: a population of fewer than 2 networks, or populations on different images.
    """
    populations = [np.asarray(population) for population in populations]
    first = checked(populations[0])
    populations = [first, *(checked(population, like=first) for population in populations[1:])]
    sizes = tuple(len(population) for population in populations)
    if min(sizes) < 2:
        raise ValueError(f"every population needs at least 2 networks, not {min(sizes)}")
    has = [has_direction(population) for population in populations]
    warn_of_zeros(*has)
    images, units = first.shape[1], _units(np.concatenate(has), sizes)
    blocks = (image_counts(images, rng, min(BLOCK, draws - start)) for start in range(0, draws, BLOCK))
    block = next(blocks)
    by_network, kept = Sums(np.concatenate([np.ones((1, images)), block[:JOINT]])), []
    held = images * len(units.member) ** 2 <= HELD
    for part in _cosines(populations, units):
        by_network.add(part)
        if held:
            kept.append(units.summed(part))
    of_networks = by_network.pairs(units.others, units.member)
    by_images = []
    while block is not None:
        by_unit = Sums(block)
        for part in kept or map(units.summed, _cosines(populations, units)):
            by_unit.add(part)
        by_images.append(_group_means(by_unit.pairs(units.pairs, units.member), units.member))
        block = next(blocks, None)
    member = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    values, without = _group_means(of_networks, member), _without_each(of_networks, member)
    return Sample(values[0], without[0], np.concatenate(by_images), without[1:], sizes, images)


class Part(NamedTuple):
    """Of some images, the places `at`: [images, ...] sums of cosines, and whether both have a direction."""

    at: slice
    cosines: np.ndarray
    shared: np.ndarray


@dataclass(frozen=True, eq=False)
class _Units:
    """The networks of a population that have a direction on all images, as one; each other network by itself.

    What is summed before cosines are taken needs no cosines of pairs.

    Attributes:
        inside: [networks, units], 1 where a network is of a unit; member: [units, populations], likewise.
        has, has_network: [units, images] and [networks, images], where there are directions.
    """

    inside: np.ndarray
    member: np.ndarray
    has: np.ndarray
    has_network: np.ndarray

    @property
    def others(self) -> np.ndarray:
        """How many networks of each unit are others than a network: [networks, units]."""
        return self.inside.sum(0) - self.inside

    @property
    def pairs(self) -> np.ndarray:
        """How many pairs of different networks two units have: [units, units]."""
        return self.inside.T @ self.others

    def summed(self, part: Part) -> Part:
        """Of cosines of each network with each unit those of every two units: [images, units, units]."""
        return Part(part.at, self.inside.T @ part.cosines, _both(self.has[:, part.at], self.has[:, part.at]))


def _units(has: np.ndarray, sizes: tuple[int, ...]) -> _Units:
    population = np.repeat(np.arange(len(sizes)), sizes)
    label = np.where(has.all(1), -1 - population, np.arange(len(has)))  # one for all that are summed
    _, first, unit = np.unique(label, return_index=True, return_inverse=True)
    return _Units(np.eye(len(first))[unit], np.eye(len(sizes))[population[first]], has[first], has)


def _cosines(populations: Sequence[np.ndarray], units: _Units) -> Iterator[Part]:
    """Of each network with each unit, less what it would have with itself: [images, networks, units]."""
    for start in range(0, units.has.shape[1], CHUNK):
        at = slice(start, start + CHUNK)
        rows = np.concatenate([one[:, at] for one in populations]).transpose(1, 0, 2).astype(float)  # [images, N, d]
        cosines = rows @ (units.inside.T @ rows).transpose(0, 2, 1)
        cosines -= np.einsum("ind,ind->in", rows, rows)[:, :, None] * units.inside
        yield Part(at, cosines, _both(units.has_network[:, at], units.has[:, at]))


def _both(has: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Images on which both have a direction: [N, images] x [M, images] -> [images, N, M]."""
    return has.T[:, :, None] & others.T[:, None, :]


class Sums:
    """Weighted sums over images, [rows of weights, ...]; weights: [rows, images]."""

    def __init__(self, weights: np.ndarray):
        self.weights = weights.astype(float)
        self.cosines: np.ndarray | float = 0.0
        self.shared: np.ndarray | float = 0.0

    def add(self, part: Part) -> None:
        """Some images more."""
        weights = self.weights[:, part.at]
        self.cosines = self.cosines + np.tensordot(weights, part.cosines, 1)
        self.shared = self.shared + np.tensordot(weights, part.shared.astype(float), 1)

    def means(self) -> np.ndarray:
        """[rows of weights, ...]; NaN where nothing is known, which a difference of sums may leave a rounding error of."""
        return quotient(self.cosines, self.shared, above=0.5)

    def pairs(self, numbers: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum of the mean cosines of pairs of networks with each population, and how many have one.

        numbers: [..., units], pairs behind each sum; member: [units, populations]; -> [rows, ..., populations] each.
        """
        means = np.divide(self.cosines, self.shared, where=self.shared > 0, out=np.zeros_like(self.cosines))
        return means @ member, ((self.shared > 0) * numbers) @ member


def _group_means(pairs: Iterable[np.ndarray], member: np.ndarray) -> np.ndarray:
    """Average over the pairs between each two populations, from two [rows, N, populations]: -> [rows, populations, populations]."""
    totals, counts = (member.T @ part for part in pairs)
    return quotient(totals, counts)


def _without_each(pairs: Iterable[np.ndarray], member: np.ndarray) -> np.ndarray:
    """`_group_means` without each network in turn: two [rows, N, populations] -> [rows, N, populations, populations]."""
    totals, counts = (
        (member.T @ part)[:, None] - member[:, :, None] * part[:, :, None, :] - member[:, None, :] * part[:, :, :, None]
        for part in pairs
    )
    # A network's pairs within its own population stood in two places of the sum: it left with both.
    return quotient(totals, counts, above=0.5)
