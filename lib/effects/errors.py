"""On which images networks are right: per-example accuracy of two architectures (Wide and Deep, section 6, Fig. 7).

Hits are [networks, images], 1 where a network classifies an image rightly and else 0.  The per-example accuracy of an
architecture is their mean over networks.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from lib.data.loading import ImageData
from lib.salience.direction_store import population_logits
from lib.statistics.contrasts import contrast, contrast_interval, dealt_again, exchanged, of_group, permutation_p
from lib.statistics.intervals import Interval, signed_root
from lib.training.populations import Population

LEAST = 6  # networks of an architecture: each half needs three


@dataclass(frozen=True, eq=False)
class Difference:
    """By how much the per-example accuracies of two architectures differ from image to image.

    Attributes:
        pairs: [networks, networks], inner products of the networks' deviations, whose contrast is the variance over
            images that the finite number of networks does not explain.
        first: which networks are of the first architecture, [networks] bool.
        drawn: the contrasts of networks that are dealt out anew, [draws]: those where the architecture does not matter.
    """

    pairs: np.ndarray
    first: np.ndarray
    drawn: np.ndarray

    @property
    def observed(self) -> float:
        """The variance itself, unbiased; it may be negative."""
        return float(contrast(self.pairs, self.first, ~self.first))

    @property
    def p(self) -> float:
        """Of the permutation test that the architecture does not matter."""
        return permutation_p(self.observed, self.drawn)

    def variance(self, level: float = 0.95) -> Interval:
        """The variance with an interval that lies above zero if, and only if, the permutation test says so.

        It is what was seen less the range of the deals, the test inverted by a shift, which holds what it promises where
        there is no difference.  Where there is one, networks scatter more than in the deals: there the jackknife's
        interval counts where it reaches further.
        """
        seen = self.observed
        _, low, high = contrast_interval(self.pairs, self.first, level)
        least, most = (seen - np.quantile(self.drawn, 0.5 + side * level / 2) for side in (1, -1))
        return seen, float(min(least, low) if low > 0 else least), float(max(most, high))

    def root(self, level: float = 0.95) -> Interval:
        """The signed root of `variance`, in units of accuracy."""
        return tuple(map(float, signed_root(np.array(self.variance(level)))))


def even_number(populations: Mapping[Hashable, Population]) -> int:
    """The largest even number of networks that every population has.

    Raises:
        ValueError: fewer than 6 of some architecture kept a finite loss.
    """
    fewest = min(populations, key=lambda key: len(populations[key]))
    if len(populations[fewest]) < LEAST:
        raise ValueError(
            f"{fewest}: {len(populations[fewest])} networks kept a finite loss, and {LEAST} are needed, so that each "
            "half has three; ask for more of them or a lower learning rate"
        )
    return len(populations[fewest]) // 2 * 2


def scores(populations: Mapping[Hashable, Population], images: ImageData) -> dict[Hashable, np.ndarray]:
    """Logits of as many networks of every population, [networks, images, classes] each; see `even_number`."""
    count = even_number(populations)
    return {key: logits[:count] for key, logits in population_logits(populations, images).items()}


def hits(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[networks, images, classes] and [images] -> [networks, images], 1.0 where the label has the largest logit."""
    return (logits.argmax(-1) == np.asarray(labels)).astype(float)


def halves(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The networks in two groups that share none, first ones and last ones: [networks, ...] -> twice half of them.

    Raises:
        ValueError: an odd number of networks, or fewer than 6.
    """
    if len(table) % 2 or len(table) < LEAST:
        raise ValueError(f"two halves need an even number of networks, at least {LEAST}, not {len(table)}")
    return table[: len(table) // 2], table[len(table) // 2 :]


def strata(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[images] how many of all networks are right: images of one stratum are equally hard.

    An exchange of networks between the groups leaves it as it is, so that a permutation test within strata stays exact.
    """
    return (first.sum(0) + second.sum(0)).astype(int)


def less_group_means(table: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """[networks, columns] less each network's mean over the columns of a group; `groups`: [columns] ints."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    member = (group == np.arange(len(sizes))[:, None]).astype(float)  # [groups, columns]
    return table - (table @ member.T / sizes)[:, group]


def deviations(table: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Hits less each network's mean over the images of a group, scaled so that inner products are variances.

    The sum over columns of a product of two rows is the mean over groups, weighed by their images, of the sample
    covariance within a group.  An image alone in its group is left out: there is nothing to compare it with.

    Args:
        table: [networks, columns].
        groups: [columns] ints; by default all columns are one group.
    """
    groups = np.zeros(table.shape[1], dtype=int) if groups is None else groups
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    size = sizes[group]
    weight = np.divide(size, size - 1, where=size > 1, out=np.zeros(len(size))) / max((size > 1).sum(), 1)
    return less_group_means(table, groups) * np.sqrt(weight)


def difference(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int, groups: np.ndarray | None = None
) -> Difference:
    """How much two architectures differ over images, or over the columns of any tables, less what chance makes.

    A difference that is the same for all columns of a group does not count.

    Args:
        first, second: [networks, columns], of networks of their own on the same columns.
        groups: as in `deviations`.
    """
    rows = deviations(np.concatenate([first, second]), groups)
    pairs, members = rows @ rows.T, of_group(len(first), len(second))
    return Difference(pairs, members, exchanged(pairs, members, rng, draws))


def split_variances(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances, as in `difference`, of random halves: of the first against its other half, of the second, across.

    Args:
        first, second: hits, [networks, images].

    Returns:
        Three arrays [draws]; across are a half of the first and a half of the second.
    """
    rows = deviations(np.concatenate([first, second]))
    pairs, members = rows @ rows.T, of_group(len(first), len(second))
    parts = [dealt_again(of_group(*map(len, halves(table))), rng, draws) for table in (first, second)]
    one, other = np.zeros((2, draws, len(pairs)), dtype=bool)
    one[:, members], other[:, ~members] = parts
    within = contrast(pairs, one, members & ~one), contrast(pairs, other, ~members & ~other)
    return *within, contrast(pairs, one, other)


def agreement(labels: np.ndarray) -> np.ndarray:
    """Share of the images to which two networks give one label: [networks, images] -> [networks, networks]."""
    return np.stack([(labels == row).mean(1) for row in labels])


def divergence(logits: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of two networks' softmax, both ways, mean over images in nats.

    [networks, images, classes] -> [networks, networks], symmetric.
    """
    log_p = log_softmax(logits.astype(float), axis=-1).reshape(len(logits), -1)
    crossed = np.exp(log_p) @ log_p.T / logits.shape[1]  # [p, q]: minus the cross entropy of q under p
    one_way = np.diag(crossed)[:, None] - crossed
    return (one_way + one_way.T) / 2
