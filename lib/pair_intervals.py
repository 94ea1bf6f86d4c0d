"""Means over pairs of networks, with intervals that leave a network out of all its pairs at once."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.stats import t as student

from lib.intervals import Interval

LEAST = 3  # samples


def over_pairs(values: np.ndarray, pairs: Sequence[tuple[Hashable, Hashable]], level: float = 0.95) -> Interval:
    """Mean over the first axis with its jackknife interval: -> estimate, low, high.

    Networks that take part in the same pairs are left out together, as one sample: where no two pairs share a network
    this is Student's interval of the mean.  Where pairs form a ring it is wider than it need be, because each pair is
    left out twice, with either of its networks.

    Args:
        values: [pairs, ...]; NaN has no interval.
        pairs: the two networks of each, the same one twice for a network with itself.

    Raises:
        ValueError: fewer than 3 samples, or a network that takes part in all pairs.
    """
    values = np.asarray(values, dtype=float)
    networks = dict.fromkeys(network for pair in pairs for network in pair)
    kept = np.unique([[network not in pair for pair in pairs] for network in networks], axis=0)
    if len(kept) < LEAST:
        raise ValueError(f"an interval over networks needs at least {LEAST} of them in pairs of their own, not "
                         f"{len(kept)}")
    if not kept.any(1).all():
        raise ValueError("a network takes part in all pairs: without it nothing is left")
    without = np.stack([values[rows].mean(0) for rows in kept])
    margin = student.ppf(0.5 + level / 2, len(kept) - 1) * np.sqrt((len(kept) - 1) * np.var(without, axis=0))
    estimate = values.mean(0)
    return estimate, estimate - margin, estimate + margin
