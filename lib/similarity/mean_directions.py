"""Mean directions of a population and how closely its networks keep to them.

Directions are [networks, images, dims] with unit rows; a zero row stands for a gradient that vanished: it counts
neither in a mean nor as a network of that image.  Everything raises ValueError for fewer than two networks, another
shape, or numbers that are not finite.
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.cosines import checked, has_direction
from lib.sphere.saw import Saw
from lib.statistics.intervals import signed_root


def mean_directions(directions: np.ndarray) -> np.ndarray:
    """The spherical mean mu(x) of every image: [networks, n, d] -> [n, d] unit rows, zero where there is none."""
    return _unit(checked_population(directions).sum(0))


def leave_one_out_cosines(directions: np.ndarray) -> np.ndarray:
    """t of every network at every image, measured from the mean direction of the *others*: [networks, n].

    A mean that held the network itself would pull t upwards.  Without it t is too small, because the mean direction of
    N - 1 networks is not mu; `corrected_mean_cosine` takes that out of an average.  NaN for a network without a
    direction, or alone with one.
    """
    directions = checked_population(directions)
    totals = directions.sum(0)
    found = np.stack([np.einsum("nd,nd->n", own, _unit(totals - own)) for own in directions])
    has = has_direction(directions)
    return np.where(has & (has.sum(0) > 1), found, np.nan)


def mean_resultant_length(directions: np.ndarray, *, corrected: bool = True) -> np.ndarray:
    """R(x), the length of E[u], of every image, [networks, n, d] -> [n].

    Corrected: the `signed_root` of the mean cosine of pairs of different networks, which is an unbiased R^2.
    Uncorrected: the length of the mean, sqrt(R^2 + (1 - R^2) / N) in expectation, too large.

    NaN for an image on which fewer than two networks (uncorrected: one) have a direction.
    """
    directions = checked_population(directions)
    count = has_direction(directions).sum(0).astype(float)
    squared = (directions.sum(0) ** 2).sum(1)
    if corrected:
        return signed_root((squared - count) / np.where(count > 1, count * (count - 1), np.nan))
    return np.sqrt(squared) / np.where(count > 0, count, np.nan)


def pair_moments(gram: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unbiased R(x)^2 and R(x)^4 of every image: -> [n] each, NaN with fewer than two, or four, networks.

    R^2 is the mean cosine of two networks, R^4 the mean product of the cosines of two pairs with no network in common,
    so that neither has any bias from the number of networks.

    Args:
        gram: [n, networks, networks] cosines of the networks at each image, 0 without a direction.
        count: [n], how many networks have a direction.
    """
    pairs = np.where(np.eye(gram.shape[1], dtype=bool), 0.0, gram)
    total, rows, squares = pairs.sum((1, 2)), pairs.sum(2), (pairs**2).sum((1, 2))
    # All products of two ordered pairs, less those that share one network, less those that share both.
    apart = total**2 - 4 * (rows**2).sum(1) + 2 * squares
    twofold = np.where(count > 1, count * (count - 1), np.nan)
    return total / twofold, apart / (twofold * np.where(count > 3, (count - 2) * (count - 3), np.nan))


def corrected_mean_cosine(mean_cosine: np.ndarray, networks: int) -> np.ndarray:
    """E[t] from an average of `leave_one_out_cosines` over `networks`, freed of what the imperfect mean takes away.

    The mean of N - 1 networks keeps a share R / sqrt(R^2 + (1 - R^2) / (N - 1)) of t, so that
    t^2 (R^2 + (1 - R^2) / (N - 1)) = R^4 is solved for R.
    """
    square, rest = np.asarray(mean_cosine, dtype=float) ** 2, 1 / (networks - 1)
    half = square * (1 - rest) / 2
    return np.sign(mean_cosine) * np.sqrt(half + np.sqrt(half**2 + square * rest))


def mean_cosine_estimates(directions: np.ndarray) -> dict[str, float]:
    """E[t] of a population in five ways, [networks, n, d] -> name -> average over images.

    'own mean': t from a mean that holds the network itself, too large; 'leave one out': too small; 'leave one out,
    corrected'; 'pairs': the root of the mean cosine of pairs of different networks; 'pairs, image by image': the mean
    of such roots at every image, which noise makes too small where there are few networks.
    """
    left_out = np.nanmean(leave_one_out_cosines(directions))
    root = mean_resultant_length(directions)
    return {
        "own mean": float(np.nanmean(mean_resultant_length(directions, corrected=False))),
        "leave one out": float(left_out),
        "leave one out, corrected": float(corrected_mean_cosine(left_out, len(directions))),
        "pairs": float(signed_root(np.nanmean(np.sign(root) * root**2))),
        "pairs, image by image": float(np.nanmean(root)),
    }


def estimates_by_networks(
    saw: Saw, networks: Sequence[int], images: int, simulations: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Mean over simulations of each of `mean_cosine_estimates`, for planted populations of each size: -> [networks]."""
    found: dict[str, list[float]] = {}
    for count in networks:
        runs = [mean_cosine_estimates(planted_population(saw, count, images, rng)) for _ in range(simulations)]
        for name in runs[0]:
            found.setdefault(name, []).append(float(np.mean([run[name] for run in runs])))
    return {name: np.array(values) for name, values in found.items()}


def planted_population(saw: Saw, networks: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Independent directions [networks, images, dim] about the first axis; any other mu would do as well."""
    return saw.sample(rng, np.eye(saw.dim)[0], networks * images).reshape(networks, images, saw.dim)


def split_half_cosines(populations: Sequence[np.ndarray], rng: np.random.Generator, splits: int = 20) -> np.ndarray:
    """Mean-direction cosines freed of noise by halves of the networks, populations of [networks, n, d].

    -> [populations, populations].  C_ij is the cosine of a random half of i with one of j, never of networks with
    themselves, averaged over images and `splits`; C_ij / sqrt(C_ii C_jj) is free of the noise that halves leave
    (Spearman's correction); the diagonal is C_ii itself, how well one half knows the other.
    """
    populations = [checked_population(population) for population in populations]
    found = np.zeros((len(populations), len(populations)))
    for _ in range(splits):
        orders = [np.array_split(rng.permutation(len(population)), 2) for population in populations]
        # [populations, n, d] each
        first, second = (
            np.stack([_unit(population[order[half]].sum(0)) for population, order in zip(populations, orders)])
            for half in (0, 1)
        )
        once = np.einsum("ind,jnd->ij", first, second) / first.shape[1]
        found += (once + once.T) / (2 * splits)
    reliability = np.diag(found)
    corrected = found / np.sqrt(np.where(reliability > 0, reliability, np.nan)[:, None] * reliability)
    return np.where(np.eye(len(populations)), found, corrected)


def checked_population(directions: np.ndarray) -> np.ndarray:
    """The directions of a population of 2 networks or more, as float64."""
    directions = np.asarray(checked(directions), dtype=float)
    if len(directions) < 2:
        raise ValueError(f"a population needs at least 2 networks, not {len(directions)}")
    return directions


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, where=lengths > 0, out=np.zeros_like(vectors))
