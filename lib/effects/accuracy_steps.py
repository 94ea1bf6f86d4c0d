"""One network a step deeper or wider than another: what that does to accuracy, over all images and image by image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from lib.effects.prediction_diversity import Difference, difference
from lib.statistics.intervals import Interval, difference_interval, sum_freedom
from lib.training.wide_and_deep import Architecture

Tables = Mapping[Architecture, np.ndarray]  # hits [networks, images] of every architecture, on the same images


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
    return {"deeper": [Architecture(one) for one in sorted(depths)],
            "wider": [Architecture(depth, width) for width in sorted(widths)]}


def steps(tables: Tables, ladder: Sequence[Architecture], rng: np.random.Generator, draws: int) -> list[Step]:
    """Every rung of a ladder and the next; `draws`: permutations."""
    return [Step(small, large, network_difference(tables[large], tables[small]),
                 difference(tables[large], tables[small], rng, draws)) for small, large in zip(ladder, ladder[1:])]


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
    accuracies = [tables[rung].mean(1) for rung in ladder]
    estimate = sum(weight * values.mean() for weight, values in zip(weights, accuracies))
    variances = [weight**2 * values.var(ddof=1) / len(values) for weight, values in zip(weights, accuracies)]
    margin = student.ppf(0.5 + level / 2, sum_freedom(variances, [len(values) - 1 for values in accuracies])
                         ) * np.sqrt(np.sum(variances))
    return estimate, estimate - margin, estimate + margin
