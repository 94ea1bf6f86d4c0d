"""The rank-one law of expected similarity: rho(k1, k2) = E[t_1] E[t_2], if all widths share one mean direction.

Matrices are [..., widths, widths]; rho(k, k) is between different networks, so that the diagonal obeys the law too
(fact sheet 3.5 and 5).
"""

import numpy as np


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


def cosines(rho: np.ndarray) -> np.ndarray:
    """Mean-direction cosines corrected for few networks, rho12 / sqrt(rho11 rho22): [..., widths, widths].

    The matrix form of `lib.similarity.mean_direction_cosine`; the diagonal is 1, NaN where a rho(k, k) is not positive.
    """
    diagonal = np.diagonal(rho, axis1=-2, axis2=-1)
    length = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
    return rho / length[..., :, None] / length[..., None, :]


def _log(rho: np.ndarray) -> np.ndarray:
    positive = (rho > 0).all(axis=(-2, -1), keepdims=True)
    return np.log(np.where(positive, rho, np.nan))
