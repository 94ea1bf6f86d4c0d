"""Are directions rotationally symmetric about their mean, as a Saw distribution assumes?

With u = t mu + sqrt(1 - t^2) mu_perp, symmetry says that mu_perp is uniform on the unit sphere orthogonal to mu.  Two
independent uniform directions of d - 1 dimensions have a squared cosine of 1 / (d - 1) on average; directions that
keep to few axes have a larger one.  Its inverse is the effective dimension of mu_perp.

mu is not known, and an error in it puts the same vector into the mu_perp of all networks.  It cancels in the difference
of two networks, which is as uniform as they are.  So two differences of four different networks are compared, both
made orthogonal to the mean direction of all other networks.

Directions are [networks, images, dims] with unit rows; a zero row stands for a gradient that vanished.
"""

from itertools import combinations
from math import comb

import numpy as np

from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked_population, leave_one_out_cosines, mean_cosine_estimates
from lib.similarity.stochastic_order import pseudo_values
from lib.sphere.saw import von_mises_fisher
from lib.sphere.uniform import uniform_directions
from lib.sphere.vmf import vmf_concentration
from lib.statistics.intervals import Interval, crossed_interval, quotient

QUADRUPLES = 300  # at most so many sets of four networks are compared; of more, some are drawn


def alignment(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(d - 1) times the mean squared cosine of two differences across mu: [networks, n, d] -> [networks, n].

    The mean of the table is 1 under rotational symmetry, for any concentration and any number of networks; its rows are
    jackknife pseudo-values of the networks.  NaN for an image without four networks that have a direction.

    Raises:
        ValueError: fewer than 5 networks (four to compare, one to compare them about), or fewer than 3 dimensions.
    """
    directions = checked_population(directions)
    networks, images, dim = directions.shape
    if networks < 5:
        raise ValueError(f"the symmetry of directions needs at least 5 networks, not {networks}")
    if dim < 3:
        raise ValueError(f"the symmetry of directions needs at least 3 dimensions, not {dim}")
    fours = _quadruples(networks, rng)
    by_image = directions.transpose(1, 0, 2)
    squares = (dim - 1) * _squared_cosines(by_image @ by_image.transpose(0, 2, 1), fours)
    seen = np.all(has_direction(directions).T[:, fours], axis=2)  # [images, quadruples]
    absent = ~(fours[:, :, None] == np.arange(networks)).any(1)  # [quadruples, networks]
    return pseudo_values(_mean(squares, seen, np.ones((len(fours), 1)))[:, 0], _mean(squares, seen, absent).T)


def ratio(table: np.ndarray, level: float = 0.95) -> Interval:
    """The mean of an `alignment`, 1 under symmetry: -> estimate, low, high over networks and images."""
    return tuple(float(part) for part in crossed_interval(table, level))


def effective_dimension(table: np.ndarray, dim: int, level: float = 0.95) -> Interval:
    """Effective dimension of mu_perp of an `alignment` of directions in `dim` dimensions: -> estimate, low, high.

    dim - 1 under symmetry; the upper end is infinite where the interval of the ratio reaches zero.
    """
    estimate, low, high = ratio(table, level)
    return (dim - 1) / estimate, (dim - 1) / high, (dim - 1) / low if low > 0 else np.inf


def symmetrised(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rotationally symmetric population with the same t: every mu_perp is drawn anew, uniformly; [networks, n, d].

    t is the cosine with the mean direction of the others; the mean direction of the result is the first axis.
    """
    t = leave_one_out_cosines(directions)
    across = uniform_directions(rng, t.size, np.shape(directions)[2] - 1).reshape(*t.shape, -1)
    drawn = np.concatenate([t[:, :, None], np.sqrt(1 - t[:, :, None] ** 2) * across], axis=2)
    return np.nan_to_num(drawn)  # a network without t has no direction


def with_exponential_cosines(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A population of the same size, E[t] and effective dimension, whose t has an exponential psi; [networks, n, d].

    Where mu_perp keeps to few axes the error of a mean direction does too, and the t measured from it have no
    exponential law although the true ones have.  This population shows about how much that is: its mu_perp are uniform
    in as many dimensions as the measured ones effectively have.  Its mean direction is the first axis.

    Raises:
        ValueError: fewer than 5 networks or 3 dimensions, as `alignment`.
    """
    directions = checked_population(directions)
    networks, images, dim = directions.shape
    axes = int(np.clip(round(effective_dimension(alignment(directions, rng), dim)[0]), 2, dim - 1))
    resultant = mean_cosine_estimates(directions)["pairs"]
    law = von_mises_fisher(float(vmf_concentration(resultant, dim)), dim)
    t = law.sample_t(rng, networks * images)[:, None]
    across = np.sqrt(1 - t**2) * uniform_directions(rng, len(t), axes)
    made = np.pad(np.hstack([t, across]), ((0, 0), (0, dim - 1 - axes)))
    return np.where(has_direction(directions)[:, :, None], made.reshape(directions.shape), 0.0)


def _quadruples(networks: int, rng: np.random.Generator) -> np.ndarray:
    """[quadruples, 4] different networks, the first two and the last two to be subtracted: all ways, or some drawn."""
    if 3 * comb(networks, 4) > QUADRUPLES:
        return rng.permuted(np.tile(np.arange(networks), (QUADRUPLES, 1)), axis=1)[:, :4]
    fours = np.array(list(combinations(range(networks), 4)))
    return fours[:, [[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2]]].reshape(-1, 4)


def _squared_cosines(gram: np.ndarray, fours: np.ndarray) -> np.ndarray:
    """Squared cosine of a = u_1 - u_2 and b = u_3 - u_4, both made orthogonal to m, the sum of all other networks.

    [n, networks, networks] cosines and [quadruples, 4] -> [n, quadruples].
    """
    rows = gram.sum(2)  # cosine of each network with the sum of all
    own = gram[:, fours[:, :, None], fours[:, None, :]]  # [n, quadruples, 4, 4]
    to_m = rows[:, fours] - own.sum(3)
    m_m = np.maximum(rows.sum(1)[:, None] - 2 * rows[:, fours].sum(2) + own.sum((2, 3)), 1e-12)
    a_m, b_m = to_m[:, :, 0] - to_m[:, :, 1], to_m[:, :, 2] - to_m[:, :, 3]
    a_b = own[:, :, 0, 2] - own[:, :, 0, 3] - own[:, :, 1, 2] + own[:, :, 1, 3] - a_m * b_m / m_m
    a_a = 2 - 2 * own[:, :, 0, 1] - a_m**2 / m_m
    b_b = 2 - 2 * own[:, :, 2, 3] - b_m**2 / m_m
    return a_b**2 / np.maximum(a_a * b_b, 1e-12)


def _mean(values: np.ndarray, seen: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Means of the values that were seen, over each column's quadruples: [n, q] and [q, columns] -> [n, columns]."""
    return quotient(np.where(seen, values, 0.0) @ chosen, seen.astype(float) @ chosen)
