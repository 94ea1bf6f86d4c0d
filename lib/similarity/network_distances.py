"""How far the networks of one population are from each other: the paper's Table 1.

S(f) is the sample of one network's cosines over the images, with something that all networks of the population share.
The paper's caption does not say with what, so there are two readings (inferred), both [networks, images]: the mean
direction of the other networks, or one fixed network.  The distance of two samples is the Wasserstein-1 distance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Real
from scipy.spatial.distance import pdist, squareform

from lib.runtime.checks import real_numbers
from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked_population, leave_one_out_cosines
from lib.statistics.sample import Sample, beside, jackknifed

LEAST_NETWORKS = 4  # of 3, the two that are left when one is left out have the same cosines with each other


def wasserstein(samples: Real[np.ndarray, "networks n"]) -> Float[np.ndarray, "networks networks"]:
    """Wasserstein-1 distance between the samples of every pair of networks, [networks, n] -> [networks, networks].

    In one dimension it is the mean distance of the sorted values: sorted once, all pairs at once (Table 1).

    Raises:
        ValueError: samples of another shape, or not finite.
    """
    samples = real_numbers("samples", samples).astype(float, copy=False)
    if samples.ndim != 2 or not samples.size or not np.isfinite(samples).all():
        raise ValueError(f"samples must be finite numbers [networks, n], not of shape {samples.shape}")
    return squareform(pdist(np.sort(samples, axis=1), "cityblock")) / samples.shape[1]


def cosines_with_first(directions: Real[np.ndarray, "networks n d"]) -> Float[np.ndarray, "networks-1 n"]:
    """Cosines of every network with the first one, which is no sample itself: [networks, n, d] -> [networks - 1, n]."""
    directions = checked_population(directions)
    return np.einsum("mnd,nd->mn", directions[1:], directions[0])


@dataclass(frozen=True)
class Reading:
    """A meaning of S(f): `label` in words, and what it takes for the samples.

    `samples` maps [networks, n, d] -> [compared, n]; `references`: how many networks at the head of the population
    serve as reference and are not compared.
    """

    label: str
    samples: Callable[[np.ndarray], np.ndarray]
    references: int


READINGS = {
    "others": Reading("the mean direction of the others", leave_one_out_cosines, 0),
    "reference": Reading("one reference network", cosines_with_first, 1),
}


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances between the networks of one population, under one reading.

    Attributes:
        pairs: [compared, compared] Wasserstein-1 distances.
        without: [compared], their mean when each network in turn had not been there.
        null: [draws] distances of two samples of one law.
        networks, images: how many the samples come from; `left_out`: images without a direction for every network.
    """

    pairs: np.ndarray
    without: np.ndarray
    null: np.ndarray
    networks: int
    images: int
    left_out: int

    @property
    def each(self) -> np.ndarray:
        """The distance of every two different networks, once, [compared (compared - 1) / 2]."""
        return self.pairs[np.triu_indices(len(self.pairs), 1)]


def population_distances(
    directions: np.ndarray, reading: Reading, rng: np.random.Generator, draws: int = 1000
) -> Distances:
    """Distances between networks of one population, [networks, n, d]; without one the others' samples are made anew.

    Raises ValueError for fewer than 4 networks, or no image on which all of them have a direction.
    """
    directions = checked_population(directions)
    networks, places = len(directions), range(reading.references, len(directions))
    if networks < LEAST_NETWORKS:
        raise ValueError(f"distances with an interval need at least {LEAST_NETWORKS} networks, not {networks}")
    usable = has_direction(directions).all(0)
    if not usable.any():
        raise ValueError(f"no image has a direction for all of the {networks} networks")
    directions = directions[:, usable]
    samples = reading.samples(directions)
    without = [wasserstein(reading.samples(np.delete(directions, place, 0))) for place in places]
    means = np.array([pairs.sum() / (pairs.size - len(pairs)) for pairs in without])
    null = null_distances(samples, rng, draws)
    return Distances(wasserstein(samples), means, null, networks, int(usable.sum()), int((~usable).sum()))


def null_distances(
    samples: Real[np.ndarray, "networks n"], rng: np.random.Generator, draws: int
) -> Float[np.ndarray, " {draws}"]:
    """[draws] distances of two samples of n independent values, both from all values of `samples` [networks, n]."""
    pooled, n = samples.ravel(), samples.shape[1]
    return np.array([wasserstein(rng.choice(pooled, (2, n)))[0, 1] for _ in range(draws)])


def family_distances(
    directions: Mapping[tuple[str, int], np.ndarray], rng: np.random.Generator
) -> dict[str, dict[str, list[Distances]]]:
    """All populations with the same number of networks: reading -> family -> one `Distances` a width.

    A mean direction of few networks makes all cosines smaller, so the first m networks of each population are taken,
    m the size of the smallest.  Empty when m is below 4.

    Args:
        directions: (family, width) -> [networks, n, d], widths in rising order.
    """
    networks = min(map(len, directions.values()))
    found: dict[str, dict[str, list[Distances]]] = {}
    for name, reading in READINGS.items() if networks >= LEAST_NETWORKS else ():
        families = found.setdefault(name, {})
        for (family, width), population in directions.items():
            try:
                distances = population_distances(population[:networks], reading, rng)
            except ValueError as error:
                raise ValueError(f"{family} of width {width}: {error}") from None
            families.setdefault(family, []).append(distances)
    return found


def mean_distances(populations: Sequence[Distances]) -> Sample:
    """The mean distance of each of several independent populations: a sample of [populations].

    tests/test_network_distances.py measures how often intervals of weighted sums hold the truth.
    """
    return beside([jackknifed([one.each.mean()], [one.without[:, None]], one.images) for one in populations])


def table(
    distances: Mapping[str, Mapping[str, Sequence[Distances]]], widths: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """Table 1: a row a family and width; for each reading mean +- sd over pairs, and what one law's samples reach."""
    rows: dict[tuple[str, int], dict[tuple[str, str], object]] = {}
    for name, families in distances.items():
        for family, populations in families.items():
            for width, found in zip(widths[family], populations, strict=True):
                row = rows.setdefault((family, width), {("", "images"): found.images, ("", "left out"): found.left_out})
                label, null = READINGS[name].label, found.null
                row[label, "mean ± sd"] = (
                    f"{found.each.mean():.4f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{found.each.std(ddof=1):.4f}"
                )
                row[label, "one law: mean"] = f"{null.mean():.4f}"
                row[label, "one law: 97.5 %"] = f"{np.quantile(null, 0.975):.4f}"
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["family", "k"])
