"""Intervals for means over networks, over pairs of networks, and over networks crossed with images."""

import numpy as np
from scipy.stats import t as student
from scipy.stats import ttest_ind

Interval = tuple[np.ndarray, np.ndarray, np.ndarray]  # estimate, low, high


def mean_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean over the first axis, one value a network, with its Student interval: -> mean, low, high."""
    values = np.asarray(values, dtype=float)
    _check_networks(len(values))
    margin = student.ppf(0.5 + level / 2, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), values.mean(axis=0) - margin, values.mean(axis=0) + margin


def difference_interval(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> Interval:
    """Difference of the means of two sets of networks with Welch's interval: -> mean(a) - mean(b), low, high."""
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(level)
    return float(np.mean(a) - np.mean(b)), float(low), float(high)


def crossed_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of [networks, images, ...] with networks and images both as samples: -> mean, low, high.

    Random effects of a two-way table: the variance of the mean is that of the network means plus that of the image
    means minus the residual's, which both contain (see `crossed_margin`).  NaN marks what was not observed; where
    there is much of it the interval is approximate.
    """
    values = np.asarray(values, dtype=float)
    networks, images = values.shape[:2]
    _check_networks(networks)
    mean = np.nanmean(values, axis=(0, 1))
    of_networks, of_images = np.nanmean(values, axis=1), np.nanmean(values, axis=0)
    residual = values - of_networks[:, None] - of_images[None] + mean
    margin = crossed_margin(np.nanvar(of_networks, axis=0, ddof=1) / networks,
                            np.nanvar(of_images, axis=0, ddof=1) / images,
                            np.nansum(residual**2, axis=(0, 1)) / ((networks - 1) * (images - 1) * networks * images),
                            networks, images, level)
    return mean, mean - margin, mean + margin


def crossed_margin(by_networks: np.ndarray, by_images: np.ndarray, residual: np.ndarray, networks: int, images: int,
                   level: float = 0.95) -> np.ndarray:
    """Half the width of an interval for a statistic of networks crossed with images.

    `by_networks`, `by_images`: its variance when only networks, only images are drawn again; both hold the `residual`
    variance, which is taken out once, but never more than the networks' part.  The degrees of freedom are
    Satterthwaite's: few networks widen the interval as far as the networks matter.
    """
    own = np.maximum(by_networks - residual, 0)
    variance = own + by_images
    # The networks' own part is the difference of two: its error follows by_networks, and own alone would look too sure
    # where chance made it small; between the two the intervals of tests/test_bootstrap.py hold what they promise.
    error = own * np.minimum(by_networks, variance) / (networks - 1) + np.square(by_images) / (images - 1)
    freedom = np.divide(variance**2, error, where=error > 0, out=np.full(np.shape(variance), float(networks - 1)))
    return student.ppf(0.5 + level / 2, freedom) * np.sqrt(variance)


def pair_interval(pairs: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of a symmetric [networks, networks] over pairs of different networks, with a jackknife interval.

    Networks are the samples: each in turn is left out with all its pairs.
    """
    pairs = np.asarray(pairs, dtype=float)
    count = len(pairs)
    if count < 3:
        raise ValueError(f"an interval for pairs needs at least 3 networks, not {count}")
    of_network = pairs.sum(1) - np.diag(pairs)
    mean = of_network.sum() / (count * (count - 1))
    without = (of_network.sum() - 2 * of_network) / ((count - 1) * (count - 2))
    deviation = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    margin = student.ppf(0.5 + level / 2, count - 1) * deviation
    return float(mean), float(mean - margin), float(mean + margin)


def _check_networks(count: int) -> None:
    if count < 2:
        raise ValueError(f"an interval needs at least 2 networks, not {count}")
