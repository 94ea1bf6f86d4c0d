"""A law of similarity with few exponents: rho(k, k) ~ k^a n^b e^c over width, training images and epochs.

Points are populations; each row of a design holds the logarithms of what they differ in.  Fits are least squares of log rho, on
samples of points from independent groups of networks (`beside`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.statistics.sample import Sample

TERMS = ("width", "training images", "epochs")


def beside(groups: Sequence[Sample]) -> Sample:
    """The points of several groups of networks, each [points], on the same draws of images: one sample [all points].

    A unit that is left out of its own group leaves the points of the others as they are.

    Raises:
        ValueError: groups with different numbers of draws.
    """
    by_image, left_out, jointly = zip(*map(_parts, groups))
    if len(set(map(len, by_image))) > 1:
        raise ValueError("all groups need the same draws of images")
    values = np.concatenate([group.values for group in groups], axis=-1)
    by_images = np.concatenate(by_image, axis=-1)

    def without(whole: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
        """[..., units of all groups, points] of [..., points] and of each group's [..., units, own points]."""
        found, start = [], 0
        for part in parts:
            rows = np.repeat(whole[..., None, :], part.shape[-2], axis=-2)
            rows[..., start : start + part.shape[-1]] = part
            found.append(rows)
            start += part.shape[-1]
        return np.concatenate(found, axis=-2)

    return Sample(
        values,
        without(values, left_out),
        by_images,
        without(by_images[: len(jointly[0])], jointly),
        tuple(units for one in groups for units in one.networks),
        groups[0].images,
    )


def _parts(group: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What varies in a sample of networks and images: over images, without a network, and both."""
    assert group.by_images is not None and group.without is not None and group.without_by_images is not None
    return group.by_images, group.without, group.without_by_images


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
