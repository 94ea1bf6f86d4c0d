"""Ranks of several numbers with intervals over networks: how good one is among others, and how sure that is."""

import numpy as np
from scipy.stats import rankdata

from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample


def ranks(sample: Sample, level: float = 0.95) -> Interval:
    """Of numbers [k] their ranks, 1 for the largest, with the best and the worst rank that they may have: [k] each.

    A number is surely below another if the interval of their difference says so, at a level corrected for the k - 1
    others (Bonferroni): the rank of each lies between one more than the number of those surely above it and k less the
    number of those surely below it, in `level` of all samples (Mogstad et al. 2024, inference for ranks).  NaN, a number
    that is not there, has no rank and counts for none.
    """
    known = np.flatnonzero(np.isfinite(sample.values))
    if len(known) < 2:
        raise ValueError(f"ranks need at least 2 numbers, not {len(known)}")
    there = sample.mapped(lambda values: values[..., known])
    strict = 1 - (1 - level) / (len(known) - 1)
    _, low, high = there.interval(lambda values: values[..., :, None] - values[..., None, :], strict)
    found = np.full((3, len(sample.values)), np.nan)
    found[0, known] = rankdata(-there.values)
    found[1, known] = 1 + (high < 0).sum(1)
    found[2, known] = len(known) - (low > 0).sum(1)
    return tuple(found)
