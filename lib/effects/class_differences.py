"""Which classes one of two architectures recognises better: Welch's test for each, and what chance makes of it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from lib.statistics.group_contrast import dealt_again, of_group, permutation_p

LEVEL = 0.05  # of a single class, as in the paper


@dataclass(frozen=True, eq=False)
class ClassDifferences:
    """Accuracies of every class compared between two architectures.

    Attributes:
        change: mean accuracy of the first architecture less that of the second, [classes].
        p: of Welch's test over networks, [classes].
        discovered: which classes differ at a false discovery rate of 0.05 (Benjamini and Hochberg), [classes] bool.
        share: of the classes with p below 0.05; `chance`: the same for networks dealt out anew, [draws].
        share_p: how often chance makes the share as large.
    """

    change: np.ndarray
    p: np.ndarray
    discovered: np.ndarray
    share: float
    chance: np.ndarray
    share_p: float


def class_accuracy(hits: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """[networks, images] and [images] -> [networks, classes]: share of a class's images that a network gets right.

    Raises:
        ValueError: a class without an image.
    """
    member = np.asarray(labels)[:, None] == np.arange(classes)
    if not member.any(0).all():
        raise ValueError(f"class {np.flatnonzero(~member.any(0))[0]} has no test image; take more test images")
    return hits @ member / member.sum(0)


def welch_p(table: np.ndarray, first: np.ndarray) -> np.ndarray:
    """p values of Welch's two-sided test of every column, for many groupings at once.

    A column that is constant within both groups has p = 1 if the constants are equal, else 0.

    Args:
        table: [networks, columns].
        first: [..., networks] bool, who is in the first group; all others are in the second.

    Returns:
        [..., columns].
    """
    table = table - table.mean(0)  # so that sums of squares keep their digits
    means, errors, freedoms = [], [], []
    for group in (first.astype(float), (~first).astype(float)):
        size = group.sum(-1)[..., None]
        mean = group @ table / size
        # Rounding leaves a little of a variance that is zero.
        variance = np.maximum(group @ table**2 - size * mean**2, 0) / (size - 1)
        means.append(mean)
        errors.append(np.where(variance > 1e-12, variance, 0) / size)
        freedoms.append(size - 1)
    total = errors[0] + errors[1]
    known = total > 0
    spread = errors[0] ** 2 / freedoms[0] + errors[1] ** 2 / freedoms[1]
    freedom = np.divide(total**2, spread, where=known, out=np.ones_like(total))
    change = np.abs(means[0] - means[1])
    statistic = np.divide(change, np.sqrt(total), where=known, out=np.where(change > 1e-9, np.inf, 0.0))
    return 2 * student.sf(statistic, freedom)


def class_differences(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int) -> ClassDifferences:
    """Welch's tests of [networks, classes] accuracies, and of the same networks with their labels dealt out anew."""
    table, members = np.concatenate([first, second]), of_group(len(first), len(second))
    p = welch_p(table, members)
    share = float((p < LEVEL).mean())
    chance = (welch_p(table, dealt_again(members, rng, draws)) < LEVEL).mean(-1)
    return ClassDifferences(first.mean(0) - second.mean(0), p, false_discovery_control(p) < LEVEL, share, chance,
                            permutation_p(share, chance))
