"""Numbers of networks and images with their intervals: the only place that knows how samples combine.

Networks are left out one at a time (a jackknife: with few networks it keeps its promise better than redrawing them),
images are drawn again (a bootstrap), and a few draws of images with each network left out tell how much of the variance
both have in common; it is counted once.  tests/test_sample.py measures for each design how often an interval holds the
truth: networks crossed with images, paired networks, images only, pairs of networks, pairs in a ring.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from scipy.stats import t as student

from lib.statistics.intervals import Interval, bounded, crossed_margin, cut, quotient, sum_freedom

Statistic = Callable[[np.ndarray], np.ndarray]  # [..., numbers] -> [..., any]


def identity(values: np.ndarray) -> np.ndarray:
    """The numbers themselves."""
    return values


@dataclass(frozen=True, eq=False)
class Estimated:
    """One statistic of a sample: what a verdict is judged by.

    Attributes:
        interval: level -> estimates, lows and highs of one shape.
        networks, images: how many of each it rests on.
    """

    interval: Callable[[float], Interval]
    networks: int
    images: int

    def bounded(self, least: float, most: float) -> "Estimated":
        """The same of a quantity that lies between two bounds, with an interval that does so too."""
        return replace(self, interval=lambda level: bounded(self.interval(level), least, most))

    def cut(self, least: float, most: float) -> "Estimated":
        """The same, cut at two bounds that an unbiased estimate may pass by its error."""
        return replace(self, interval=lambda level: cut(self.interval(level), least, most))


@dataclass(frozen=True, eq=False)
class Sample:
    """Numbers, and what they are without one unit and on images that were drawn again.

    A unit is what is left out at once: a network, or networks that vary together.  Units come in groups that are
    independent of each other, such as populations; their variances add.

    Attributes:
        values: [...], of all networks and images.
        without: [units of all groups, ...], without one unit; None where networks are what they are.
        by_images: [draws, ...], on images drawn again; None where images are held fixed.
        without_by_images: [some draws, units of all groups, ...], both at once; None unless both are samples.
        networks: how many units each group has.
        images: how many images were averaged over.
    """

    values: np.ndarray
    without: np.ndarray | None
    by_images: np.ndarray | None
    without_by_images: np.ndarray | None
    networks: tuple[int, ...]
    images: int

    def interval(self, statistic: Statistic = identity, level: float = 0.95) -> Interval:
        """A function of the numbers with its interval: -> estimate, low, high.

        `statistic` maps [..., numbers] to [..., any].  NaN where a group is too small for what is asked.
        """
        estimate = statistic(self.values)
        margin = self._margin(statistic, level)
        return estimate, estimate - margin, estimate + margin

    def mapped(self, function: Statistic) -> "Sample":
        """The sample of a function of the numbers, for instance of ratios of which each counts as 1 at most."""
        without, by_images, both = (
            part if part is None else function(part) for part in (self.without, self.by_images, self.without_by_images)
        )
        return Sample(function(self.values), without, by_images, both, self.networks, self.images)

    def estimated(self, statistic: Statistic = identity, networks: int | None = None) -> Estimated:
        """A statistic for a verdict; `networks`: how many it rests on, all units unless told otherwise."""
        return Estimated(lambda level: self.interval(statistic, level), networks or sum(self.networks), self.images)

    def _margin(self, statistic: Statistic, level: float) -> np.ndarray:
        if self.without is None:
            assert self.by_images is not None  # one of both is a sample
            deviation = np.std(statistic(self.by_images), axis=0, ddof=1)
            return student.ppf(0.5 + level / 2, self.images - 1) * deviation
        by_group = jackknife_variances(statistic(self.without), self.networks)
        freedom = sum_freedom(by_group, np.array(self.networks) - 1)
        networks = by_group.sum(0)
        if self.by_images is None:
            return student.ppf(0.5 + level / 2, freedom) * np.sqrt(networks)
        assert self.without_by_images is not None  # as networks and images both are
        images = np.var(statistic(self.by_images), axis=0, ddof=1)
        both = jackknife_variances(np.moveaxis(statistic(self.without_by_images), 0, 1), self.networks).sum(0).mean(0)
        # The residual may exceed the images' part: leaving networks out counts what two of them share twice, in both.
        residual = np.clip(both - networks, 0, networks)
        return crossed_margin(networks, images, residual, freedom, self.images, level)


def jackknifed(estimate: ArrayLike, without: Sequence[np.ndarray], images: int = 0) -> Sample:
    """A statistic [...] of independent groups of networks on fixed images.

    `without`: of each group [networks, ...], the statistic without one of its networks in turn.
    """
    return Sample(np.asarray(estimate), np.concatenate(without), None, None, tuple(map(len, without)), images)


def beside(groups: Sequence[Sample]) -> Sample:
    """The numbers [n] of several independent groups of networks, on the same draws of images: one sample of all of them.

    A unit that is left out of its own group leaves the numbers of the others as they are.

    Raises:
        ValueError: groups with different numbers of draws.
    """

    def parts(name: str) -> list[Any]:
        return [getattr(group, name) for group in groups]

    def without(whole: np.ndarray, of_groups: Sequence[np.ndarray]) -> np.ndarray:
        """[..., units of all groups, all numbers] of [..., all numbers] and of each group's [..., units, own numbers]."""
        found, start = [], 0
        for part in of_groups:
            rows = np.repeat(whole[..., None, :], part.shape[-2], axis=-2)
            rows[..., start : start + part.shape[-1]] = part
            found.append(rows)
            start += part.shape[-1]
        return np.concatenate(found, axis=-2)

    values, units = np.concatenate(parts("values"), axis=-1), tuple(sum(parts("networks"), ()))
    images, left_out = min(parts("images")), without(values, parts("without"))
    if groups[0].by_images is None:
        return Sample(values, left_out, None, None, units, images)
    if len(set(map(len, parts("by_images")))) > 1:
        raise ValueError("all groups need the same draws of images")
    drawn, jointly = np.concatenate(parts("by_images"), axis=-1), parts("without_by_images")
    return Sample(values, left_out, drawn, without(drawn[: len(jointly[0])], jointly), units, images)


def image_counts(images: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """How often each image is drawn when all are drawn again: [draws, images]."""
    return rng.multinomial(images, np.full(images, 1 / images), draws)


def weighted_means(by_image: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over images with each taken so many times: [n, ...] with [draws, n] -> [draws, ...].  NaN is left out."""
    flat = by_image.reshape(len(by_image), -1)
    known = counts @ np.isfinite(flat).astype(float)
    sums = counts @ np.nan_to_num(flat)
    return quotient(sums, known).reshape(-1, *by_image.shape[1:])


def resampled_means(by_image: np.ndarray, rng: np.random.Generator, draws: int) -> Sample:
    """The means over the first axis, one entry an image, [n, ...] -> [...]; NaN is left out.

    Only images are a sample: the interval says how far others would change a number, and nothing about other networks.
    """
    images = len(by_image)
    drawn = weighted_means(by_image, image_counts(images, rng, draws))
    return Sample(weighted_means(by_image, np.ones((1, images)))[0], None, drawn, None, (), images)


def other_sample(by_image: np.ndarray, size: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Means over `size` other images of the kind: [n, ...] -> [draws, ...].

    First all n images are drawn again, for what is not known of their kind, and from those `size`: the variance is
    1 / n + 1 / size of that of one image.
    """
    images = len(by_image)
    chances = image_counts(images, rng, draws) / images
    return weighted_means(by_image, rng.multinomial(size, chances))


def side_by_side(parts: Sequence[Estimated], networks: int | None = None) -> Estimated:
    """All numbers of several estimates on the same images, for a rule about every one of them.

    `networks`: how many they rest on together; by default those of each, which are then different ones.
    """

    def interval(level: float) -> Interval:
        return tuple(
            np.concatenate([np.ravel(numbers) for numbers in ends])
            for ends in zip(*(part.interval(level) for part in parts))
        )

    return Estimated(interval, networks or sum(part.networks for part in parts), parts[0].images)


def jackknife_variances(without: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Variance over the units of each group of a statistic [units of all groups, ...]: -> [groups, ...], NaN without units."""
    unknown, parts = np.full(without.shape[1:], np.nan), np.split(without, np.cumsum(sizes)[:-1])
    return np.stack([(len(part) - 1) * np.var(part, axis=0) if len(part) else unknown for part in parts])


def ranks(sample: Sample, level: float = 0.95) -> Interval:
    """Of numbers [k] their ranks, 1 for the largest, with the best and the worst rank that they may have: [k] each.

    A number is surely below another if the interval of their difference says so, at a level corrected for the k - 1
    others (Bonferroni): the rank of each lies between one more than the number of those surely above it and k less the
    number of those surely below it, in `level` of all samples (Mogstad et al. 2024, inference for ranks).  NaN, a number
    that is not there, has no rank and counts for none.
    """
    known = np.flatnonzero(np.isfinite(sample.values))
    if len(known) < 2:
        raise ValueError(f"ranks need at least 2 numbers, not {len(known)}")
    there = sample.mapped(lambda values: values[..., known])
    strict = 1 - (1 - level) / (len(known) - 1)
    _, low, high = there.interval(lambda values: values[..., :, None] - values[..., None, :], strict)
    found = np.full((3, len(sample.values)), np.nan)
    found[0, known] = rankdata(-there.values)
    found[1, known] = 1 + (high < 0).sum(1)
    found[2, known] = len(known) - (low > 0).sum(1)
    return tuple(found)
