"""The rank-one law of expected similarity, rho(k1, k2) = E[t_1] E[t_2] if all widths share one mean direction.

And what the narrow widths then foretell of the widest, the salience paper's promise.  Matrices are
[..., widths, widths], as `lib.similarity.crossed` gives them, so that every result has an interval; rho(k, k) is
between different networks, so that the diagonal obeys the law too.  With one network a width
there is no diagonal, and the fit does without (`diagonal=False`).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lib.similarity.cosines import by_image
from lib.statistics.intervals import signed_root


def resultants(rho: np.ndarray) -> np.ndarray:
    """R_k = sqrt(rho(k, k)), the root mean square over images of E[t]: [..., widths, widths] -> [..., widths].

    The `signed_root` where chance made rho negative.
    """
    return signed_root(np.diagonal(rho, axis1=-2, axis2=-1))


def cosines(rho: np.ndarray) -> np.ndarray:
    """Mean-direction cosines corrected for few networks, rho12 / sqrt(rho11 rho22): [..., widths, widths].

    The matrix form of `lib.similarity.mean_direction_cosine`; the diagonal is 1, NaN where a rho(k, k) is not positive.
    """
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1)
    length = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
    return rho / length[..., :, None] / length[..., None, :]


def coefficients(rho: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """a_k of the least squares fit log rho_ij = a_i + a_j over i <= j: [..., widths, widths] -> [..., widths].

    Under the law exp(a_k) is E[t_k].  NaN where an entry that is read is not positive.

    Args:
        diagonal: False reads pairs of different widths only, i < j, as where there is one network a width and so no
            rho(k, k); exp(a_k) then has in it what belongs to the single network.

    Raises:
        ValueError: without the diagonal, fewer than 3 widths, for which the law has no single solution.
    """
    if not diagonal and rho.shape[-1] < 3:
        raise ValueError(f"the law of rank one needs at least 3 widths, not {rho.shape[-1]}")
    i, j = _pairs(rho, diagonal)
    widths = np.arange(rho.shape[-1])
    design = (i[:, None] == widths).astype(float) + (j[:, None] == widths)
    return _log(rho, diagonal)[..., i, j] @ np.linalg.pinv(design).T


def predicted(rho: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """exp(a_i + a_j) of that fit: [..., widths, widths], NaN as above."""
    a = coefficients(rho, diagonal=diagonal)
    return np.exp(a[..., :, None] + a[..., None, :])


def growth_exponent(rho: np.ndarray, widths: Sequence[int], *, diagonal: bool = True) -> np.ndarray:
    """b of the power law exp(a_k) ~ k^b, by least squares of a_k over log k: [..., widths, widths] -> [...]."""
    x = np.log(np.asarray(widths, dtype=float))
    x = x - x.mean()
    return coefficients(rho, diagonal=diagonal) @ x / (x @ x)


def residuals(rho: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """log rho_ij - (a_i + a_j) of that fit, the relative deviation: [..., widths, widths].

    NaN as above, and for a diagonal that is not read.
    """
    a = coefficients(rho, diagonal=diagonal)
    return _log(rho, diagonal) - a[..., :, None] - a[..., None, :]


def explained(rho: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """R^2 of that fit over the pairs that are read: [..., widths, widths] -> [...], NaN as above."""
    i, j = _pairs(rho, diagonal)
    log_rho, rest = _log(rho, diagonal)[..., i, j], residuals(rho, diagonal=diagonal)[..., i, j]
    return 1 - (rest**2).sum(-1) / ((log_rho - log_rho.mean(-1, keepdims=True)) ** 2).sum(-1)


def residual_size(rho: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """Root mean square of the residuals over the pairs that are read: [..., widths, widths] -> [...], NaN as above."""
    return np.sqrt((residuals(rho, diagonal=diagonal)[..., *_pairs(rho, diagonal)] ** 2).mean(-1))


def repeated_residuals(populations: Sequence[np.ndarray], rng: np.random.Generator) -> float:
    """Correlation of single images' residuals between two random halves of the networks, populations [networks, n, d].

    What belongs to the image shows up in both halves, what few networks leave by chance does not.  Over images where
    both halves have only positive similarities; NaN if there are none.
    """
    orders = [np.array_split(rng.permutation(len(population)), 2) for population in populations]
    first, second = (
        residuals(by_image([population[order[half]] for population, order in zip(populations, orders)]))
        for half in (0, 1)
    )
    usable = np.isfinite(first) & np.isfinite(second)
    return float(np.corrcoef(first[usable], second[usable])[0, 1]) if usable.any() else float("nan")


def power_law(resultant: np.ndarray, widths: Sequence[int], at: ArrayLike) -> np.ndarray:
    """Least squares line of log R over log k, evaluated `at` other widths: [..., widths] -> [..., at]; at most 1.

    Raises:
        ValueError: fewer than two widths to draw a line through.
    """
    if len(widths) < 2:
        raise ValueError(f"a power law needs at least 2 widths, not {len(widths)}")
    log_r = np.log(np.where(resultant > 0, resultant, np.nan))
    line, wanted = (np.vander(np.log(k), 2) for k in (widths, at))
    return np.minimum(np.exp(log_r @ (wanted @ np.linalg.pinv(line)).T), 1)


def predicted_resultant(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """R of the last width from the others by a power law: [..., widths, widths] -> [...].

    The law is inferred from the released pictures, where R is about proportional to k^0.44.
    NaN where a rho(k, k) is not positive.
    """
    return power_law(resultants(rho)[..., :-1], widths[:-1], widths[-1:])[..., 0]


def predicted_similarity(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """rho(k, last) of every k as R_k R_last, for one shared mean direction: [..., widths, widths] -> [..., widths].

    R_last is the predicted one, also in rho(last, last).
    """
    last = predicted_resultant(rho, widths)[..., None]
    return np.concatenate([resultants(rho)[..., :-1], last], axis=-1) * last


def ratio(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Predicted over measured, NaN where nothing positive was measured."""
    return predicted / np.where(measured > 0, measured, np.nan)


def direction_cosine(rho: np.ndarray, networks: Sequence[int]) -> np.ndarray:
    """Cosine between the mean of all narrow networks and the widest mean direction: [..., W, W] -> [...].

    The plain average of the unit gradients of the networks at hand, `networks` of each width, is the predictor, with
    all the noise that so few of them leave; the widest population's mean direction is the true one, freed of its own
    noise.  A single wide network has the cosine R_last with it.
    """
    narrow, total = rho[..., :-1, :-1], sum(networks[:-1])
    share = np.asarray(networks[:-1]) / total
    towards = (rho[..., :-1, -1] * share).sum(-1) / resultants(rho)[..., -1]
    # The squared length of that mean: pairs of different networks have rho, a network with itself 1.
    own = (share * (1 - np.diagonal(narrow, axis1=-2, axis2=-1)) / total).sum(-1)
    return towards / np.sqrt(np.einsum("i,...ij,j->...", share, narrow, share) + own)


def pairs(square: np.ndarray) -> np.ndarray:
    """Numbers of pairs of different widths, the upper triangle: [..., widths, widths] -> [..., pairs]."""
    return square[..., *np.triu_indices(square.shape[-1], 1)]


def _pairs(rho: np.ndarray, diagonal: bool) -> tuple[np.ndarray, np.ndarray]:
    """i and j of the pairs that are read, each once."""
    return np.triu_indices(rho.shape[-1], 0 if diagonal else 1)


def _log(rho: np.ndarray, diagonal: bool = True) -> np.ndarray:
    """NaN for a whole matrix with an entry that is read and not positive, and for a diagonal that is not read."""
    read = np.full(rho.shape[-2:], True) if diagonal else ~np.eye(rho.shape[-1], dtype=bool)
    positive = ((rho > 0) | ~read).all(axis=(-2, -1), keepdims=True)
    return np.log(np.where(positive & read, rho, np.nan))
