"""Does log psi_k increase with t?  Its change between the deciles of T_k, with intervals (fact sheet 3.3 and 9.5)."""

import numpy as np

from lib.similarity.stochastic_order import Cosines
from lib.sphere.marginal import log_psi
from lib.statistics.intervals import Interval, crossed_margin

DECILES = np.arange(1, 10) / 10
BLOCKS = 20  # sets of images that are left out in turn


def increments(population: Cosines, level: float = 0.95) -> Interval:
    """Change of log psi between neighbouring deciles of t, from the 10 % to the 90 % point: -> estimate, low, high [8].

    The intervals are a jackknife's: networks are left out one by one, images in `BLOCKS` sets, the deciles stay.
    """
    at = np.nanquantile(population.t, DECILES)
    by_network = [_changes(t, at, population.dim) for t in population.without]
    block = np.arange(population.t.shape[1]) % BLOCKS
    by_block = [_changes(population.t[:, block != left_out], at, population.dim) for left_out in np.unique(block)]
    estimate = _changes(population.t, at, population.dim)
    margin = crossed_margin(_jackknife_variance(by_network), _jackknife_variance(by_block), 0.0,
                            len(by_network) - 1, len(by_block), level)
    return estimate, estimate - margin, estimate + margin


def _changes(t: np.ndarray, at: np.ndarray, dim: int) -> np.ndarray:
    return np.diff(log_psi(t[np.isfinite(t)], at, dim))


def _jackknife_variance(values: list[np.ndarray]) -> np.ndarray:
    return (len(values) - 1) * np.var(values, axis=0)
