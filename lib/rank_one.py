"""The rank-one law of expected similarity: rho(k1, k2) = E[t_1] E[t_2], if all widths share one mean direction.

Matrices are [..., widths, widths]; rho(k, k) is between different networks, so that the diagonal obeys the law too
(fact sheet 3.5 and 5).
"""

from collections.abc import Sequence

import numpy as np

from lib.similarity import by_image


def resultants(rho: np.ndarray) -> np.ndarray:
    """R_k = sqrt(rho(k, k)), the root mean square over images of E[t]: [..., widths, widths] -> [..., widths].

    Where chance made rho negative, the root of its size with a minus: averages are not pushed up.
    """
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1)
    return np.sign(diagonal) * np.sqrt(np.abs(diagonal))


def coefficients(rho: np.ndarray) -> np.ndarray:
    """a_k of the least squares fit log rho_ij = a_i + a_j over i <= j: [..., widths, widths] -> [..., widths].

    NaN where an entry of the matrix is not positive.
    """
    i, j = np.triu_indices(rho.shape[-1])
    widths = np.arange(rho.shape[-1])
    design = (i[:, None] == widths).astype(float) + (j[:, None] == widths)
    return _log(rho)[..., i, j] @ np.linalg.pinv(design).T


def residuals(rho: np.ndarray) -> np.ndarray:
    """log rho_ij - (a_i + a_j) of that fit, the relative deviation: [..., widths, widths], NaN as above."""
    a = coefficients(rho)
    return _log(rho) - a[..., :, None] - a[..., None, :]


def explained(rho: np.ndarray) -> np.ndarray:
    """R^2 of that fit over i <= j: [..., widths, widths] -> [...], NaN as above."""
    i, j = np.triu_indices(rho.shape[-1])
    log_rho, rest = _log(rho)[..., i, j], residuals(rho)[..., i, j]
    return 1 - (rest**2).sum(-1) / ((log_rho - log_rho.mean(-1, keepdims=True)) ** 2).sum(-1)


def residual_size(rho: np.ndarray) -> np.ndarray:
    """Root mean square of the residuals over i <= j: [..., widths, widths] -> [...]."""
    return np.sqrt((residuals(rho)[..., *np.triu_indices(rho.shape[-1])] ** 2).mean(-1))


def cosines(rho: np.ndarray) -> np.ndarray:
    """Mean-direction cosines corrected for few networks, rho12 / sqrt(rho11 rho22): [..., widths, widths].

    The matrix form of `lib.similarity.mean_direction_cosine`; the diagonal is 1, NaN where a rho(k, k) is not positive.
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


def _log(rho: np.ndarray) -> np.ndarray:
    positive = (rho > 0).all(axis=(-2, -1), keepdims=True)
    return np.log(np.where(positive, rho, np.nan))
