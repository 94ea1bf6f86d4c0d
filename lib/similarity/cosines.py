"""How alike the input gradients of networks are (Wang, Siskind and Wang, NeurIPS 2024).

Directions are [networks, images, dims] with unit rows, as `lib.salience.directions` gives them.  A zero row stands for
a gradient that vanished and has no direction: averages over images leave it out and warn how many there are.
Everything raises ValueError for another shape, different images or dims, or numbers that are not finite.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Real, Shaped
from scipy.stats import norm

from lib.runtime.checks import check_count, real_numbers
from lib.statistics.intervals import quotient

UNIT = 0.01  # how far the square of a length may be from 1: directions may be stored in half precision


def individual(u: Real[np.ndarray, "images dims"], v: Real[np.ndarray, "images dims"]) -> float:
    """rho_ind: the mean cosine over images of two networks' directions, [n, d] x [n, d] -> one number (Fig. 2)."""
    u, v = (real_numbers("directions", part) for part in (u, v))
    if u.shape != v.shape or u.ndim != 2:
        raise ValueError(f"two networks need directions of one shape [images, dims], not {u.shape} and {v.shape}")
    return float(pairwise(np.stack([u, v]))[0, 1])


def pairwise(
    directions: Real[np.ndarray, "networks images dims"], others: Real[np.ndarray, "others images dims"] | None = None
) -> Float[np.ndarray, "networks _"]:
    """rho_ind of every pair of networks: [networks, n, d] (x [others, n, d]) -> [networks, networks or others].

    The diagonal of the square form is 1.  NaN for two networks without an image on which both have a direction.
    """
    a = checked(directions)
    b = a if others is None else checked(others, like=a)
    has_a, has_b = has_direction(a), has_direction(b)
    warn_of_zeros(*([has_a] if others is None else [has_a, has_b]))
    return quotient(_cosines(a, b), _shared(has_a, has_b))


def pairwise_of_parts(parts: Iterable[Real[np.ndarray, "networks _ dims"]]) -> Float[np.ndarray, "networks networks"]:
    """`pairwise` where the images come in parts, each [networks, some images, d]: of all no more than one part is held.

    Raises:
        ValueError: no part, or parts of different numbers of networks or dims.
    """
    cosines = shared = np.zeros(())
    has, shape = [], None
    for part in parts:
        part = checked(part)
        networks, _, dims = part.shape
        if shape not in (None, (networks, dims)):
            raise ValueError(f"all parts need the same networks and dims, not {shape} and {(networks, dims)}")
        shape = networks, dims
        has.append(has_direction(part))
        cosines = cosines + _cosines(part, part)
        shared = shared + _shared(has[-1], has[-1])
    if shape is None:
        raise ValueError("there are no parts of directions")
    warn_of_zeros(*has)
    return quotient(cosines, shared)


def expected(a: Real[np.ndarray, "_ images dims"], b: Real[np.ndarray, "_ images dims"] | None = None) -> float:
    """rho(k1, k2): rho_ind averaged over all pairs of different networks, unbiased.

    Args:
        a: [networks, n, d], of one family at one width; b: those of another one, or None for pairs within `a`.

    Raises:
        ValueError: fewer than 2 networks in `a` when pairs are taken within it.
    """
    if b is not None:
        return float(np.nanmean(pairwise(a, b)))
    rho = pairwise(a)
    if len(rho) < 2:
        raise ValueError(f"pairs of different networks need at least 2 networks, not {len(rho)}")
    return float(np.nanmean(rho[~np.eye(len(rho), dtype=bool)]))


def mean_direction_cosine(
    a: Real[np.ndarray, "_ images dims"], b: Real[np.ndarray, "_ images dims"], *, corrected: bool = True
) -> float:
    """Cosine of two populations' mean directions, over images: [networks_a, n, d] x [networks_b, n, d] -> one number.

    Corrected for the finite number of networks: rho12 / sqrt(rho11 rho22), the ratio of averages over images
    (taking the ratio after the average is inferred).  It can exceed 1 by its error; it is NaN where
    a rho within a population is not positive.  Uncorrected: the plain cosine of the two means, averaged over images,
    which is too small for few networks.
    """
    if corrected:
        within_a, within_b = expected(a), expected(b)
        within = within_a * within_b if min(within_a, within_b) > 0 else np.nan
        return float(expected(a, b) / np.sqrt(within))
    a = checked(a)
    b = checked(b, like=a)
    warn_of_zeros(has_direction(a), has_direction(b))
    mean_a, mean_b = a.mean(0), b.mean(0)
    lengths = np.linalg.norm(mean_a, axis=1) * np.linalg.norm(mean_b, axis=1)
    return float(np.mean((mean_a * mean_b).sum(1)[lengths > 0] / lengths[lengths > 0]))


def by_image(populations: Sequence[Real[np.ndarray, "_ images dims"]]) -> Float[np.ndarray, "images k k"]:
    """rho(k1, k2) of every image alone: populations of [networks, n, d] -> [n, populations, populations].

    Unbiased as `expected` is; NaN where an image has no pair of different networks with a direction.
    """
    if not len(populations):
        raise ValueError("there are no populations of directions")
    first = checked(populations[0])
    populations = [first, *(checked(population, like=first) for population in populations[1:])]
    sums = np.stack([population.sum(0, dtype=float) for population in populations], axis=1)  # [n, populations, d]
    count = np.stack([has_direction(population).sum(0) for population in populations], axis=1).astype(float)
    own = np.eye(len(populations)) * count[:, :, None]  # every network with itself, cosine 1
    pairs = count[:, :, None] * count[:, None, :] - own
    return quotient(sums @ sums.transpose(0, 2, 1) - own, pairs)


def chance_band(untrained: Sequence[Real[np.ndarray, "_ images dims"]]) -> tuple[float, float]:
    """The ends of what 95 % of the rho_ind of two untrained networks lie between, populations of [networks, n, d].

    Every two different networks count, of one width or of two.  Directions drawn anew at every image would make the band
    too narrow (`chance_limit`): what an untrained network makes of one image it makes of similar ones too.
    """
    rho = pairwise(np.concatenate([checked(population) for population in untrained]))
    low, high = np.nanquantile(rho[np.triu_indices(len(rho), 1)], [0.025, 0.975])
    return float(low), float(high)


def across_labels(
    directions: Real[np.ndarray, "networks images dims"], labels: Shaped[np.ndarray, " images"]
) -> Float[np.ndarray, "networks networks"]:
    """Mean cosine of two networks at two images of different classes: [networks, n, d], [n] -> [networks, networks].

    What they share that has nothing to do with the image; the diagonal is of a network with itself.
    """
    directions, labels = checked(directions), np.asarray(labels)
    if labels.shape != directions.shape[1:2]:
        raise ValueError(f"labels must be one an image, {directions.shape[1:2]}, not of shape {labels.shape}")
    has = has_direction(directions).astype(float)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    parts = [np.arange(len(labels)), *classes]  # all pairs of images, less those of one class
    signs = [1.0, *[-1.0] * len(classes)]
    sums = [(directions[:, part].sum(1, dtype=float), has[:, part].sum(1)) for part in parts]
    cosines = sum(sign * (total @ total.T) for sign, (total, _) in zip(signs, sums))
    pairs = sum(sign * np.outer(count, count) for sign, (_, count) in zip(signs, sums))
    return quotient(cosines, pairs)


def chance_limit(images: int, dims: int) -> float:
    """What 97.5 % of the rho_ind of networks with unrelated directions stay below, and above the same with a minus.

    The cosine of uniform directions has the variance 1 / dims, and its mean over `images` is nearly normal.
    """
    check_count("images", images)
    check_count("dims", dims)
    return float(norm.ppf(0.975) / np.sqrt(images * dims))


def has_direction(directions: Real[np.ndarray, "networks n d"]) -> Bool[np.ndarray, "networks n"]:
    """[networks, n, d] -> [networks, n]: False for a zero row."""
    return np.any(directions, axis=2)


def zero_counts(directions: Mapping[tuple[str, int], np.ndarray]) -> dict[str, dict[int, int]]:
    """How many gradients have no direction: (family, width) -> [networks, n, d] to family -> width -> count."""
    found: dict[str, dict[int, int]] = {}
    for (family, width), part in directions.items():
        found.setdefault(family, {})[width] = int((~has_direction(part)).sum())
    return found


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of cosines over images, [networks, n, d] x [others, n, d] -> [networks, others]."""
    return (a.reshape(len(a), -1) @ b.reshape(len(b), -1).T).astype(float)


def _shared(has_a: np.ndarray, has_b: np.ndarray) -> np.ndarray:
    """On how many images both have a direction, [networks, n] x [others, n] -> [networks, others]."""
    return has_a.astype(float) @ has_b.T.astype(float)


def checked(directions: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Directions as an array [networks, images, dims] of unit or zero rows, with the images and dims of `like`.

    In float32 at least; of a tensor on any device and with a graph its numbers.
    """
    directions = real_numbers("directions", directions)
    if directions.ndim != 3 or not directions.size:
        raise ValueError(f"directions must be [networks, images, dims], not of shape {directions.shape}")
    if like is not None and directions.shape[1:] != like.shape[1:]:
        raise ValueError(f"both need the same images and dims, not {like.shape[1:]} and {directions.shape[1:]}")
    lengths = np.einsum("nid,nid->ni", directions, directions)
    if not np.isfinite(lengths).all():
        raise ValueError("directions must be finite numbers")
    # In one dimension they are numbers, for instance cosines with a common direction, whose products are meant.
    if directions.shape[2] > 1 and ((np.abs(lengths - 1) > UNIT) & (lengths > 0)).any():
        raise ValueError(
            "directions must be rows of length 1, or 0 where there is none, as lib.salience.directions makes them of "
            f"gradients; these are up to {np.sqrt(lengths.max()):.3g} long"
        )
    return directions


def warn_of_zeros(*has: np.ndarray) -> None:
    """Warns how many of the `has_direction` of some populations are False, if any."""
    zeros, total = sum((~h).sum() for h in has), sum(h.size for h in has)
    if zeros:
        warnings.warn(f"{zeros} of {total} gradients are zero and have no direction; they are left out", stacklevel=3)
