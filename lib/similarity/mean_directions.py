"""Mean directions of a population and how closely its networks keep to them (fact sheet 2, 3.4 and 3.7).

Directions are [networks, images, dims] with unit rows; a zero row stands for a gradient that vanished: it counts
neither in a mean nor as a network of that image.
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.cosines import has_direction


def mean_directions(directions: np.ndarray) -> np.ndarray:
    """The spherical mean mu(x) of every image: [networks, n, d] -> [n, d] unit rows, zero where there is none."""
    return _unit(checked(directions).sum(0))


def leave_one_out_cosines(directions: np.ndarray) -> np.ndarray:
    """t of every network at every image, measured from the mean direction of the *others*: [networks, n].

    A mean that held the network itself would pull t upwards.  Without it t is too small, because the mean direction of
    N - 1 networks is not mu; `corrected_mean_cosine` takes that out of an average.  NaN for a network without a
    direction, or alone with one.
    """
    directions = checked(directions)
    totals = directions.sum(0)
    cosines = np.stack([np.einsum("nd,nd->n", own, _unit(totals - own)) for own in directions])
    lonely = has_direction(directions).sum(0) < 2
    return np.where(has_direction(directions) & ~lonely, cosines, np.nan)


def mean_resultant_length(directions: np.ndarray, *, corrected: bool = True) -> np.ndarray:
    """R(x), the length of E[u], of every image, [networks, n, d] -> [n].

    Corrected: the square root of the mean cosine of pairs of different networks, whose square is unbiased (fact sheet
    3.7); where chance made that mean negative the root of its size with a minus, so that averages over images are not
    pushed up.  Uncorrected: the length of the mean, sqrt(R^2 + (1 - R^2) / N) in expectation, too large.

    NaN for an image on which fewer than two networks (uncorrected: one) have a direction.
    """
    directions = checked(directions)
    count = has_direction(directions).sum(0).astype(float)
    squared = (directions.sum(0) ** 2).sum(1)
    pairs = np.where(count > 1, count * (count - 1), np.nan)
    if corrected:
        cosine = (squared - count) / pairs
        return np.sign(cosine) * np.sqrt(np.abs(cosine))
    return np.sqrt(squared) / np.where(count > 0, count, np.nan)


def spherical_variance(directions: np.ndarray, *, corrected: bool = True) -> np.ndarray:
    """V(x) = 1 - R(x) of every image, [networks, n, d] -> [n]; arguments and NaN as in `mean_resultant_length`."""
    return 1 - mean_resultant_length(directions, corrected=corrected)


def corrected_mean_cosine(mean_cosine: np.ndarray, networks: int) -> np.ndarray:
    """E[t] from an average of `leave_one_out_cosines` over `networks`, freed of what the imperfect mean takes away.

    The mean of N - 1 networks keeps a share R / sqrt(R^2 + (1 - R^2) / (N - 1)) of t (fact sheet 3.7), so that
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
    cosine = np.nanmean(np.sign(root) * root**2)
    return {"own mean": float(np.nanmean(mean_resultant_length(directions, corrected=False))),
            "leave one out": float(left_out),
            "leave one out, corrected": float(corrected_mean_cosine(left_out, len(directions))),
            "pairs": float(np.sign(cosine) * np.sqrt(abs(cosine))),
            "pairs, image by image": float(np.nanmean(root))}


def split_half_cosines(populations: Sequence[np.ndarray], rng: np.random.Generator, splits: int = 20) -> np.ndarray:
    """Mean-direction cosines freed of noise by halves of the networks, populations of [networks, n, d].

    -> [populations, populations].  Each population is cut in two at random; C_ij is the cosine of a half of i with a
    half of j, never of networks with themselves, averaged over images and `splits`.  C_ij / sqrt(C_ii C_jj) is the
    cosine without the noise that halves leave (Spearman's correction); the diagonal is C_ii itself, how well one half
    knows the other.
    """
    populations = [checked(population) for population in populations]
    cosines = np.zeros((len(populations), len(populations)))
    for _ in range(splits):
        orders = [np.array_split(rng.permutation(len(population)), 2) for population in populations]
        halves = [np.stack([_unit(population[half].sum(0)) for half in order])
                  for population, order in zip(populations, orders)]
        first, second = np.swapaxes(halves, 0, 1)  # each [populations, n, d]
        once = np.einsum("ind,jnd->ij", first, second) / first.shape[1]
        cosines += (once + once.T) / (2 * splits)
    reliability = np.diag(cosines)
    corrected = cosines / np.sqrt(np.where(reliability > 0, reliability, np.nan)[:, None] * reliability)
    return np.where(np.eye(len(populations)), cosines, corrected)


def checked(directions: np.ndarray) -> np.ndarray:
    """The directions of a population as float64; raises ValueError for one network, another shape, or NaN."""
    directions = np.asarray(directions, dtype=float)
    if directions.ndim != 3:
        raise ValueError(f"directions must be [networks, images, dims], not of shape {directions.shape}")
    if len(directions) < 2:
        raise ValueError(f"a population needs at least 2 networks, not {len(directions)}")
    if not np.isfinite(directions).all():
        raise ValueError("directions must be finite numbers")
    return directions


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, where=lengths > 0, out=np.zeros_like(vectors))
