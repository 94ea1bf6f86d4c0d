"""Statistics of first components over the networks of several architectures, with intervals over seeds.

Seeds of different architectures share nothing: every network counts as one sample of its own architecture.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import norm, spearmanr
from scipy.stats import t as student

from lib.cka.block_components import NetworkComponents
from lib.cka.dominant_images import mean_shared
from lib.statistics.intervals import Interval, mean_interval
from lib.training.wide_and_deep import Architecture

LEAST = 3  # networks that an interval is made of

Found = Mapping[Architecture, Sequence[NetworkComponents]]


def with_block(found: Found) -> dict[Architecture, list[NetworkComponents]]:
    """The networks that have a block."""
    return {architecture: [network for network in networks if network.has_block]
            for architecture, networks in found.items()}


def known_values(found: Found, value: Callable[[NetworkComponents], float]) -> dict[Architecture, np.ndarray]:
    """The values that are not NaN, of the architectures with at least `LEAST` of them."""
    values = {architecture: np.array([value(network) for network in networks], dtype=float)
              for architecture, networks in found.items()}
    known = {architecture: of_one[np.isfinite(of_one)] for architecture, of_one in values.items()}
    return {architecture: of_one for architecture, of_one in known.items() if len(of_one) >= LEAST}


def means(values: Mapping[Architecture, np.ndarray], level: float = 0.95) -> Interval:
    """Mean over the networks of every architecture, each with its Student interval: three arrays [architectures]."""
    return tuple(np.array(part) for part in zip(*(mean_interval(of_one, level) for of_one in values.values())))


def rank_interval(pairs: np.ndarray, level: float = 0.95) -> Interval:
    """Spearman's correlation of the two columns of [networks, 2] with its interval: -> estimate, low, high.

    Fisher's z with Bonett and Wright's variance (1 + r^2 / 2) / (networks - 3) (Psychometrika, 2000).  Networks are one
    sample: that their architectures were chosen makes the interval wider than it had to be.  NaN for fewer than 4
    networks, or where a column does not vary.
    """
    first, second = np.asarray(pairs, dtype=float).T
    if len(first) < 4 or not np.ptp(first) or not np.ptp(second):
        return (np.nan,) * 3
    correlation = float(spearmanr(first, second).statistic)
    margin = norm.ppf(0.5 + level / 2) * np.sqrt((1 + correlation**2 / 2) / (len(first) - 3))
    centre = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))
    return correlation, float(np.tanh(centre - margin)), float(np.tanh(centre + margin))


def shared_interval(networks: Sequence[NetworkComponents], level: float = 0.95) -> Interval:
    """Mean share of dominant images that two networks have in common, with its jackknife interval.

    A network enters several pairs and is left out of all of them at once.

    Raises:
        ValueError: fewer than 3 networks.
    """
    if len(networks) < LEAST:
        raise ValueError(f"pairs of networks need at least {LEAST} networks to vary, not {len(networks)}")
    rows = [network.coefficients for network in networks]
    without = [mean_shared(rows[:i] + rows[i + 1:]) for i in range(len(rows))]
    margin = student.ppf(0.5 + level / 2, len(rows) - 1) * np.sqrt((len(rows) - 1) * np.var(without))
    return mean_shared(rows), mean_shared(rows) - float(margin), mean_shared(rows) + float(margin)


def shared_intervals(found: Found, level: float = 0.95) -> dict[Architecture, Interval]:
    """`shared_interval` of the architectures with at least `LEAST` networks."""
    return {architecture: shared_interval(networks, level) for architecture, networks in found.items()
            if len(networks) >= LEAST}
