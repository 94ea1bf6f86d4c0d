"""What a step of depth or width does to accuracy: over all images, image by image, and class by class.

Of two architectures the better one gains more on hard images than on those that everybody gets right, which says nothing
about which images suit whom: how long one is trained is chosen on other images so that both are equally good.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from lib.data.loading import ImageData
from lib.effects.errors import Difference, difference
from lib.effects.scale import with_fewer
from lib.statistics.contrasts import dealt_again, of_group, permutation_p, sum_interval
from lib.statistics.intervals import Interval, difference_interval
from lib.training.wide_and_deep import Architecture

Tables = Mapping[Architecture, np.ndarray]  # hits [networks, images] of every architecture, on the same images
LEVEL = 0.05  # of a single class, as in the paper


@dataclass(frozen=True, eq=False)
class Step:
    """From `small` to `large`, networks that differ in depth alone or in width alone.

    Attributes:
        gain: mean accuracy of `large` less that of `small`, with Welch's interval over networks.
        spread: by how much the gain differs from image to image.
    """

    small: Architecture
    large: Architecture
    gain: Interval
    spread: Difference


def ladders(depths: Sequence[int], widths: Sequence[int], depth: int) -> dict[str, list[Architecture]]:
    """'deeper': the depths at width 1; 'wider': the widths at this `depth`; each from the smallest up."""
    wider = [Architecture(depth, width) for width in sorted(widths)]
    return {"deeper": [Architecture(one) for one in sorted(depths)], "wider": wider}


def validation_part(images: ImageData, count: int) -> ImageData:
    """`count` further images of the training part in the place of the test images; nothing was trained on them.

    Raises:
        ValueError: fewer images left in the data set.
    """
    more = with_fewer(images, len(images.train_labels) + count)
    used = {image.numpy().tobytes() for image in images.train_images}
    kept = [place for place, image in enumerate(more.train_images) if image.numpy().tobytes() not in used]
    return replace(images, test_images=more.train_images[kept], test_labels=more.train_labels[kept])


def nearest(accuracies: Mapping[Hashable, np.ndarray], target: np.ndarray) -> Hashable:
    """The candidate whose mean accuracy is nearest to that of the target, [networks] each; of equal ones the first."""
    return min(accuracies, key=lambda one: abs(np.mean(accuracies[one]) - np.mean(target)))


def steps(tables: Tables, ladder: Sequence[Architecture], rng: np.random.Generator, draws: int) -> list[Step]:
    """Every rung of a ladder and the next; `draws`: permutations."""
    found = []
    for small, large in zip(ladder, ladder[1:]):
        both = tables[large], tables[small]
        found.append(Step(small, large, network_difference(*both), difference(*both, rng, draws)))
    return found


def network_difference(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Interval:
    """Mean accuracy of the first less that of the second, hits [networks, images], with Welch's interval."""
    return difference_interval(first.mean(1), second.mean(1), level)


def first_over_last(tables: Tables, ladder: Sequence[Architecture], level: float = 0.95) -> Interval:
    """The gain of a ladder's first step less that of its last, with an interval over networks.

    Raises:
        ValueError: a ladder of fewer than two steps.
    """
    if len(ladder) < 3:
        raise ValueError(f"a first and a last step need at least 3 architectures, not {len(ladder)}")
    weights = np.zeros(len(ladder))
    weights[:2] += -1, 1
    weights[-2:] += 1, -1  # the middle one of three is in both steps
    return sum_interval([tables[rung].mean(1) for rung in ladder], weights, level=level)


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
    change, discovered = first.mean(0) - second.mean(0), false_discovery_control(p) < LEVEL
    return ClassDifferences(change, p, discovered, share, chance, permutation_p(share, chance))
