"""How the block measure changes along a line of architectures, and when training images are taken away.

Intervals are over networks.  The measure counts whole layers: a few networks may all have the same value, and the
spread that they show, none, would make an interval of no width.  The spread of an architecture's networks is therefore
taken as half a layer at least, the largest standard deviation that a number with two neighbouring values can have.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import t as student

from lib.cka.block_structure import block_shares, largest_block, stage_starts
from lib.effects.batch_size_effects import contrast
from lib.statistics.intervals import Interval, sum_freedom
from lib.training.wide_and_deep import Architecture

RESOLUTION = 0.5  # layers


def sum_interval(samples: Sequence[np.ndarray], weights: Sequence[float], resolutions: Sequence[float],
                 level: float = 0.95) -> Interval:
    """Sum of `weights` times the means of independent samples: -> estimate, low, high (Welch and Satterthwaite).

    Args:
        samples: one value a network, [networks] each.
        resolutions: the least standard deviation to take for each sample.

    Raises:
        ValueError: a sample of fewer than 2 networks.
    """
    counts = np.array([len(sample) for sample in samples])
    if counts.min() < 2:
        raise ValueError(f"an interval needs at least 2 networks, not {counts.min()}")
    spreads = [max(np.std(sample, ddof=1), least) for sample, least in zip(samples, resolutions, strict=True)]
    variances = np.square(np.multiply(weights, spreads)) / counts
    estimate = float(np.dot(weights, [np.mean(sample) for sample in samples]))
    margin = float(student.ppf(0.5 + level / 2, sum_freedom(variances, counts - 1)) * np.sqrt(variances.sum()))
    return estimate, estimate - margin, estimate + margin


def shares(maps: np.ndarray, threshold: float) -> np.ndarray:
    """The block measure of each map: [..., layers, layers] -> [...]."""
    return block_shares(maps.reshape(-1, *maps.shape[-2:]), [threshold])[:, 0].reshape(maps.shape[:-2])


def mean_share(maps: np.ndarray, threshold: float) -> Interval:
    """Mean block measure of the networks of one architecture: [networks, layers, layers] -> three numbers."""
    return sum_interval([shares(maps, threshold)], [1.0], [RESOLUTION / maps.shape[-1]])


def growth(maps: Mapping[Architecture, np.ndarray], line: Sequence[Architecture], quantity: str, threshold: float
           ) -> Interval:
    """Least-squares slope of the block measure per doubling of `quantity`, 'depth' or 'width', along the line.

    maps: [networks, layers, layers] of every architecture; architectures share no network.
    """
    weights = contrast(line, line, [getattr(architecture, quantity) for architecture in line])
    return sum_interval([shares(maps[architecture], threshold) for architecture in line], weights,
                        [RESOLUTION / maps[architecture].shape[-1] for architecture in line])


def halving(by_count: Mapping[Architecture, np.ndarray], counts: Sequence[int], line: Sequence[Architecture],
            threshold: float) -> Interval:
    """Least-squares slope of the block measure per halving of the training images, mean over the architectures.

    A slope is taken within each seed, whose networks start alike: seeds are the samples.

    by_count: [networks, counts, layers, layers] of every architecture.
    """
    weights = -contrast(counts, counts, counts)
    slopes = [shares(by_count[architecture], threshold) @ weights for architecture in line]
    resolutions = [RESOLUTION / by_count[architecture].shape[-1] * np.linalg.norm(weights) for architecture in line]
    return sum_interval(slopes, [1 / len(line)] * len(line), resolutions)


def late_excess(maps: Mapping[Architecture, np.ndarray], threshold: float) -> tuple[Interval | None, int]:
    """Share of a block's layers in the last two stages, less the share of all layers that these stages hold.

    Mean over all networks with a block: -> interval, or None for fewer than 3 of them, and how many there are.
    """
    values, resolutions = [], []
    for of_architecture in maps.values():
        layers = of_architecture.shape[-1]
        for block in (largest_block(cka, threshold) for cka in of_architecture):
            if block.exists:
                values.append(block.late_share() - (layers - stage_starts(layers)[1]) / layers)
                resolutions.append(RESOLUTION / len(block))
    if len(values) < 3:
        return None, len(values)
    return sum_interval([np.array(values)], [1.0], [float(np.mean(resolutions))]), len(values)
