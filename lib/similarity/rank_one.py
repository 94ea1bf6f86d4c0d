"""The rank-one law of expected similarity: rho(k1, k2) = E[t_1] E[t_2], if all widths share one mean direction.

Matrices are [..., widths, widths]; rho(k, k) is between different networks, so that the diagonal obeys the law too
(fact sheet 3.5 and 5).  With one network a width there is no diagonal, and the fit does without (`diagonal=False`).
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity.cosines import by_image


def resultants(rho: np.ndarray) -> np.ndarray:
    """R_k = sqrt(rho(k, k)), the root mean square over images of E[t]: [..., widths, widths] -> [..., widths].

    Where chance made rho negative, the root of its size with a minus: averages are not pushed up.
    """
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1)
    return np.sign(diagonal) * np.sqrt(np.abs(diagonal))


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


def residual_size(rho: np.ndarray) -> np.ndarray:
    """Root mean square of the residuals over i <= j: [..., widths, widths] -> [...]."""
    return np.sqrt((residuals(rho)[..., *np.triu_indices(rho.shape[-1])] ** 2).mean(-1))


def cosines(rho: np.ndarray) -> np.ndarray:
    """Mean-direction cosines corrected for few networks, rho12 / sqrt(rho11 rho22): [..., widths, widths].

    The matrix form of `lib.similarity.cosines.mean_direction_cosine`; the diagonal is 1, NaN where a rho(k, k) is not positive.
    """
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1)
    length = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
    return rho / length[..., :, None] / length[..., None, :]


def repeated_residuals(populations: Sequence[np.ndarray], rng: np.random.Generator) -> float:
    """Correlation of single images' residuals between two random halves of the networks, populations [networks, n, d].

    What belongs to the image shows up in both halves, what few networks leave by chance does not.  Over images where
    both halves have only positive similarities; NaN if there are none.
    """
    orders = [rng.permutation(len(population)) for population in populations]
    halves = [[population[np.array_split(order, 2)[half]] for population, order in zip(populations, orders)]
              for half in (0, 1)]
    first, second = (residuals(by_image(half)) for half in halves)
    usable = np.isfinite(first) & np.isfinite(second)
    return float(np.corrcoef(first[usable], second[usable])[0, 1]) if usable.any() else float("nan")


def _pairs(rho: np.ndarray, diagonal: bool) -> tuple[np.ndarray, np.ndarray]:
    """i and j of the pairs that are read, each once."""
    return np.triu_indices(rho.shape[-1], 0 if diagonal else 1)


def _log(rho: np.ndarray, diagonal: bool = True) -> np.ndarray:
    """NaN for a whole matrix with an entry that is read and not positive, and for a diagonal that is not read."""
    read = np.full(rho.shape[-2:], True) if diagonal else ~np.eye(rho.shape[-1], dtype=bool)
    positive = ((rho > 0) | ~read).all(axis=(-2, -1), keepdims=True)
    return np.log(np.where(positive & read, rho, np.nan))
