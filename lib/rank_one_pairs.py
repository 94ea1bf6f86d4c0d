"""The rank-one law for single networks: log rho_ij = a_i + a_j over pairs of different widths, i < j.

With one network a width there is no rho(k, k), which `lib.rank_one` needs.  Under the law exp(a_k) is E[t_k], up to
what belongs to the single network (fact sheet 3.5 and 5).  Matrices are [..., widths, widths]; the diagonal is not read.
"""

import numpy as np


def coefficients(rho: np.ndarray) -> np.ndarray:
    """a_k by least squares: -> [..., widths]; NaN where an entry is not positive.

    Raises:
        ValueError: fewer than 3 widths, for which the law has no single solution.
    """
    i, j, log_rho = _pairs(rho)
    design = (np.stack([i, j])[:, :, None] == np.arange(rho.shape[-1])).sum(0).astype(float)
    return log_rho @ np.linalg.pinv(design).T


def predicted(rho: np.ndarray) -> np.ndarray:
    """exp(a_i + a_j) of that fit: -> [..., pairs], in the order of `numpy.triu_indices(widths, 1)`."""
    i, j, _ = _pairs(rho)
    a = coefficients(rho)
    return np.exp(a[..., i] + a[..., j])


def explained(rho: np.ndarray) -> np.ndarray:
    """R^2 of that fit, of log rho: -> [...]."""
    log_rho = _pairs(rho)[2]
    rest = log_rho - np.log(predicted(rho))
    return 1 - (rest**2).sum(-1) / ((log_rho - log_rho.mean(-1, keepdims=True)) ** 2).sum(-1)


def growth_exponent(rho: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """b of the power law exp(a_k) ~ k^b by least squares of a_k over log k: -> [...]."""
    x = np.log(np.asarray(widths, dtype=float))
    x = x - x.mean()
    return coefficients(rho) @ x / (x @ x)


def _pairs(rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if rho.shape[-1] < 3:
        raise ValueError(f"the law of rank one needs at least 3 widths, not {rho.shape[-1]}")
    i, j = np.triu_indices(rho.shape[-1], 1)
    upper = rho[..., i, j]
    positive = (upper > 0).all(axis=-1, keepdims=True)
    return i, j, np.log(np.where(positive, upper, np.nan))
