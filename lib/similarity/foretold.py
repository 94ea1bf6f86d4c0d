"""What little of similarities, or of attacks, foretells of the rest, by laws with few numbers.

If all widths share one mean direction, rho(k1, k2) = R_k1 R_k2 (`lib.similarity.rank_one`), and a small step along the
signs of another network's gradient takes from a target's probability in proportion to their cosine: what is lost,
1 - alpha(k1, k2), is R_k1 S_k2 with the target's sensitivity S_k2.  Matrices are [..., widths, widths]; of losses the rows are the sources.

Over width, training images and epochs rho(k, k) ~ k^a n^b e^c: points are populations, each row of a design holds the
logarithms of what they differ in, and fits are least squares of log rho, on samples of points from independent groups of
networks (`lib.statistics.sample.beside`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.similarity.rank_one import coefficients, direction_cosine, power_law, resultants

TERMS = ("width", "training images", "epochs")  # of a law of populations
SMALL = 1e-9  # a power law of numbers times this never comes near the 1 at which `power_law` ends


def from_diagonal(rho: np.ndarray) -> np.ndarray:
    """R_k1 R_k2 of the diagonal alone: [..., widths, widths]."""
    return _outer(resultants(rho))


def from_narrow(rho: np.ndarray, widths: Sequence[int], narrow: Sequence[int]) -> np.ndarray:
    """R_k1 R_k2 by a power law through some widths, at the places `narrow`: [..., widths, widths].

    Of those widths the whole block is used, by the fit of `rank_one.coefficients`.
    """
    return _outer(narrow_resultants(rho, widths, narrow))


def narrow_resultants(rho: np.ndarray, widths: Sequence[int], narrow: Sequence[int]) -> np.ndarray:
    """R_k of all widths by that power law: [..., widths, widths] -> [..., widths]."""
    own = np.exp(coefficients(_block(rho, narrow)))
    return power_law(own, [widths[place] for place in narrow], widths)


def direction_of_widest(
    rho: np.ndarray, networks: Sequence[int], narrow: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of the mean of the networks at hand of some widths with the widest mean direction: foretold, and measured.

    Foretold from the similarities of those widths alone; both are [...] (`rank_one.direction_cosine`).
    """
    places = [*narrow, rho.shape[-1] - 1]
    measured, counts = _block(rho, places), [networks[place] for place in places]
    law, r = measured.copy(), resultants(measured)
    law[..., :-1, -1] = r[..., :-1] * r[..., -1:]  # the widest R is taken out again
    return direction_cosine(law, counts), direction_cosine(measured, counts)


def losses_from_diagonals(resultant: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """R_k1 S_k2 with S of attacks between networks of one width: [..., widths], [..., widths, widths] -> the latter."""
    own = np.diagonal(losses, axis1=-2, axis2=-1)
    return resultant[..., :, None] * (own / resultant)[..., None, :]


def losses_from_narrow(
    resultant: np.ndarray, losses: np.ndarray, widths: Sequence[int], narrow: Sequence[int]
) -> np.ndarray:
    """R_k1 S_k2 by power laws through the widths at the places `narrow`: of their R and of the block of their attacks."""
    block, own = _block(losses, narrow), resultant[..., narrow]
    ratio = _positive(block) / own[..., :, None]
    sensitivity = np.exp(np.log(ratio).mean(-2))  # over sources
    few = [widths[place] for place in narrow]
    target = power_law(SMALL * sensitivity, few, widths) / SMALL
    return power_law(own, few, widths)[..., :, None] * target[..., None, :]


def from_near(rho: np.ndarray, reach: int) -> np.ndarray:
    """R_k1 R_k2 by least squares of log rho over pairs of different networks no more than `reach` places apart.

    For one network a width, of which there is no diagonal: [..., widths, widths]; NaN where such a rho is not positive.

    Raises:
        ValueError: a reach below 2, with which the law has no single solution.
    """
    if reach < 2:
        raise ValueError(f"neighbours and their neighbours are needed, a reach of 2 or more, not {reach}")
    i, j = np.triu_indices(rho.shape[-1], 1)
    i, j = i[j - i <= reach], j[j - i <= reach]
    places = np.arange(rho.shape[-1])
    both = (i[:, None] == places).astype(float) + (j[:, None] == places)
    return _outer(np.exp(exponents(rho[..., i, j], both)))


def log_ratio(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """log(predicted / measured), NaN where either is not positive."""
    return np.log(_positive(predicted) / _positive(measured))


def design(points: Sequence[Sequence[float]], terms: Sequence[str] = TERMS) -> tuple[np.ndarray, list[str]]:
    """Logarithms [points, 1 + terms] of the numbers of each point, in the order of `terms`, and the terms that differ.

    The first column is the constant; a term of which all points have the same number has no exponent and is left out.
    """
    logs = np.log(np.asarray(points, dtype=float).reshape(-1, len(terms)))
    varies = [place for place, column in enumerate(logs.T) if len(np.unique(column)) > 1]
    return np.column_stack([np.ones(len(logs)), logs[:, varies]]), [terms[place] for place in varies]


def exponents(rho: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Constant and exponents of the fit: [..., points] -> [..., 1 + terms]; NaN where a rho is not positive."""
    return np.log(_positive(rho)) @ np.linalg.pinv(columns).T


def errors(rho: np.ndarray, columns: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
    """log of the law's rho over the measured one, [..., points], from a fit to the points `kept`, all of them by default."""
    kept = np.ones(len(columns), dtype=bool) if kept is None else kept
    return exponents(rho[..., kept], columns[kept]) @ columns.T - np.log(_positive(rho))


def extremes(points: Sequence[Sequence[float]], terms: Sequence[str] = TERMS) -> Mapping[str, np.ndarray]:
    """What is left out of a fit to foretell it, of each term that allows it: the points with its largest number.

    -> term -> [points] bool.  At least two other numbers of the term must remain, or the rest would not show its exponent.
    """
    numbers = np.asarray(points, dtype=float).reshape(-1, len(terms))
    return {term: column == column.max() for term, column in zip(terms, numbers.T) if len(np.unique(column)) > 2}


def _outer(r: np.ndarray) -> np.ndarray:
    return r[..., :, None] * r[..., None, :]


def _block(square: np.ndarray, places: Sequence[int]) -> np.ndarray:
    return square[..., places, :][..., places]


def _positive(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers > 0, numbers, np.nan)
