"""A law of similarity with few exponents: rho(k, k) ~ k^a n^b e^c over width, training images and epochs.

Points are populations; each row of a design holds the logarithms of what they differ in.  Fits are least squares of log rho, on
samples of points from independent groups of networks (`lib.statistics.sample.beside`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

TERMS = ("width", "training images", "epochs")


def design(points: Sequence[Sequence[float]], terms: Sequence[str] = TERMS) -> tuple[np.ndarray, list[str]]:
    """Logarithms [points, 1 + terms] of the numbers of each point, in the order of `terms`, and the terms that differ.

    The first column is the constant; a term of which all points have the same number has no exponent and is left out.
    """
    logs = np.log(np.asarray(points, dtype=float).reshape(-1, len(terms)))
    varies = [place for place, column in enumerate(logs.T) if len(np.unique(column)) > 1]
    return np.column_stack([np.ones(len(logs)), logs[:, varies]]), [terms[place] for place in varies]


def exponents(rho: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Constant and exponents of the fit: [..., points] -> [..., 1 + terms]; NaN where a rho is not positive."""
    return _log(rho) @ np.linalg.pinv(columns).T


def errors(rho: np.ndarray, columns: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
    """log of the law's rho over the measured one, [..., points], from a fit to the points `kept`, all of them by default."""
    kept = np.ones(len(columns), dtype=bool) if kept is None else kept
    return exponents(rho[..., kept], columns[kept]) @ columns.T - _log(rho)


def extremes(points: Sequence[Sequence[float]], terms: Sequence[str] = TERMS) -> Mapping[str, np.ndarray]:
    """What is left out of a fit to foretell it, of each term that allows it: the points with its largest number.

    -> term -> [points] bool.  At least two other numbers of the term must remain, or the rest would not show its exponent.
    """
    numbers = np.asarray(points, dtype=float).reshape(-1, len(terms))
    return {term: column == column.max() for term, column in zip(terms, numbers.T) if len(np.unique(column)) > 2}


def _log(rho: np.ndarray) -> np.ndarray:
    return np.log(np.where(rho > 0, rho, np.nan))
