"""Is t stochastically larger in wider networks, P(T_wide > q) > P(T_narrow > q) for all q, and than by chance?

A network's t is its cosine with the mean direction of the others, so no two networks' t are independent.  Intervals
come from a jackknife that leaves a network out of everything, tests at single images from networks that change places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.stats import false_discovery_control

from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked_population, leave_one_out_cosines
from lib.sphere.uniform import cosine_tail
from lib.statistics.intervals import Interval, combined_interval, crossed_interval, known_mean, quotient

EXCHANGES = 5000  # at most so many exchanges of networks are tried one by one; beyond, some are drawn
CHUNK = 4  # images whose exchanges are in memory at once: few enough for the processor's cache


@dataclass(frozen=True, eq=False)
class Cosines:
    """t of one population, and of what is left of it without each of its networks in turn.

    Attributes:
        t: [networks, images], from the mean direction of the other networks; NaN where there is none.
        without: [networks, networks - 1, images], the same after leaving the first axis's network out.
        dim: dimensions of the directions.
    """

    t: np.ndarray
    without: np.ndarray
    dim: int


def cosines(directions: np.ndarray) -> Cosines:
    """[networks, images, dims] -> Cosines.

    Raises:
        ValueError: fewer than 3 networks, whose t cannot do without one.
    """
    directions = checked_population(directions)
    if len(directions) < 3:
        raise ValueError(f"leaving a network out needs at least 3 networks, not {len(directions)}")
    without = [leave_one_out_cosines(np.delete(directions, i, axis=0)) for i in range(len(directions))]
    return Cosines(leave_one_out_cosines(directions), np.stack(without), directions.shape[2])


def pseudo_values(full: np.ndarray, without: np.ndarray) -> np.ndarray:
    """What each network contributes to a statistic of all: `full` [...], `without` [networks, ...] -> [networks, ...].

    Jackknife pseudo-values about `full`: their mean is `full`, and the variance of that mean is the jackknife's.  NaN
    where `full` or a network's part is.
    """
    return full + (len(without) - 1) * (known_mean(without) - without)


def bulk(*samples: np.ndarray) -> np.ndarray:
    """19 thresholds, the 5 % to the 95 % point of the samples taken together."""
    return np.nanquantile(np.concatenate([np.ravel(sample) for sample in samples]), np.arange(1, 20) / 20)


def rise(
    narrow: Cosines, wide: Cosines, thresholds: np.ndarray, level: float = 0.95, *, mean: bool = False
) -> Interval:
    """P(T_wide > q) - P(T_narrow > q) at every threshold, [q] each: -> estimate, low, high over networks and images.

    mean: over the thresholds, three numbers.
    """
    tables = [_share_table(one, thresholds) for one in (wide, narrow)]
    return combined_interval([table.mean(-1) for table in tables] if mean else tables, (1, -1), level)


def rise_over_uniform(
    population: Cosines, thresholds: np.ndarray, level: float = 0.95, *, mean: bool = False
) -> Interval:
    """P(T > q) - P_origin(T > q) at every threshold, where P_origin is the law of unrelated directions; as `rise`."""
    table = _share_table(population, thresholds) - cosine_tail(thresholds, population.dim)
    return crossed_interval(table.mean(-1) if mean else table, level)


def exchange_test(
    narrow: np.ndarray, wide: np.ndarray, rng: np.random.Generator, draws: int = 4000
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided tests at every image that t is larger in the wide networks, and that it is smaller.

    If both populations have one law, networks can change places between them: the difference of mean t is computed
    anew, mean directions included, for every exchange (up to EXCHANGES) or for `draws` random ones.  A rank test of the
    t themselves would find too much, because the t of a population share the error of its mean direction.

    Args:
        narrow, wide: [networks, n, dims] each.

    Returns:
        p-values of a rise and of a fall, [n] each; NaN at images where a network has no direction.

    Raises:
        ValueError: populations on different images.
    """
    narrow, wide = checked_population(narrow), checked_population(wide)
    if narrow.shape[1:] != wide.shape[1:]:
        raise ValueError(f"both populations need the same images and dims, not {narrow.shape[1:]} and {wide.shape[1:]}")
    everyone = np.concatenate([narrow, wide])
    # [networks of both, exchanges], first as observed
    members = _exchanges(len(narrow), len(wide), rng, draws).astype(np.float32)
    usable = np.flatnonzero(has_direction(everyone).all(0))
    p_rise, p_fall = np.full((2, everyone.shape[1]), np.nan)
    for part in np.array_split(usable, -(-len(usable) // CHUNK)) if len(usable) else []:
        rows = everyone[:, part].transpose(1, 0, 2)
        gram = rows @ rows.transpose(0, 2, 1)  # [images, networks, networks]
        change = _change(gram.astype(np.float32), members)  # twice as fast; ties count to its precision
        p_rise[part] = (change >= change[:, :1] - 1e-6).mean(1)
        p_fall[part] = (change <= change[:, :1] + 1e-6).mean(1)
    return p_rise, p_fall


def smallest_p(narrow: int, wide: int, draws: int = 4000) -> float:
    """The smallest p-value that `exchange_test` can give for so many networks."""
    exchanges = comb(narrow + wide, wide)
    return 1 / (exchanges if exchanges <= EXCHANGES else draws)


def discoveries(p_values: Sequence[float], rate: float = 0.05) -> int:
    """How many of the tests are significant at a false discovery rate (Benjamini and Yekutieli), NaN left out."""
    p_values = np.asarray(p_values)[np.isfinite(p_values)]
    return int((false_discovery_control(p_values, method="by") <= rate).sum()) if len(p_values) else 0


def fewest_discoveries(p: float, tests: int, rate: float = 0.05) -> int:
    """How many of the tests must reach a p-value, at least, for `discoveries` to find any of them."""
    return int(np.ceil(p * tests * np.sum(1 / np.arange(1, tests + 1)) / rate))


def _share_table(population: Cosines, thresholds: np.ndarray) -> np.ndarray:
    """Pseudo-values of the share of networks above each threshold: -> [networks, images, thresholds]."""
    without = np.stack([_shares(t, thresholds) for t in population.without])
    return pseudo_values(_shares(population.t, thresholds), without)


def _shares(t: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """[networks, n] -> [n, thresholds] of the networks above, NaN where none has a t."""
    counts = np.isfinite(t).sum(0)[:, None]
    return quotient((t[:, :, None] > thresholds).sum(0), counts)


def _exchanges(narrow: int, wide: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """[narrow + wide, exchanges]: 1 for the networks that play the wide ones, the last `wide` in the first column."""
    observed = np.repeat([0.0, 1.0], [narrow, wide])
    if comb(narrow + wide, wide) > EXCHANGES:
        return np.column_stack([observed, rng.permuted(np.tile(observed, (draws - 1, 1)), axis=1).T])
    members = np.zeros((comb(narrow + wide, wide), narrow + wide))
    # Combinations come in order of the first network chosen; counted from the end, the observed one is the first.
    for row, chosen in zip(members, combinations(range(narrow + wide - 1, -1, -1), wide)):
        row[list(chosen)] = 1
    return members.T


def _change(gram: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Mean leave-one-out t of the networks marked in each column, less that of the others.

    [n, networks, networks] cosines and [networks, columns] of 0 and 1 -> [n, columns].
    """
    marked = members > 0
    to_marked = gram @ members  # each network's cosine with the sum of the marked ones
    to_own = np.where(marked, to_marked, gram.sum(2)[:, :, None] - to_marked)  # of its own side
    lengths = [np.einsum("nic,ic->nc", to_own, side)[:, None] for side in (members, 1 - members)]
    length = np.where(marked, *lengths)
    t = (to_own - 1) / np.sqrt(np.maximum(length - 2 * to_own + 1, 1e-12))
    return np.einsum("nic,ic->nc", t, members / members.sum(0) - (1 - members) / (1 - members).sum(0))
