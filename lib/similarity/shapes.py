"""What shape T_k has: psi on held-out data, the slope of log psi, and what images of different concentration explain.

Directions are [networks, images, dims] with unit rows; a zero row stands for a gradient that vanished.
"""

from collections.abc import Iterable

import numpy as np

from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked_population, leave_one_out_cosines, mean_directions, pair_moments
from lib.similarity.stochastic_order import Cosines
from lib.sphere.fits import SHAPES, fit_shape, log_psi
from lib.sphere.vmf import vmf_concentration, vmf_log_normaliser
from lib.statistics.intervals import Interval, crossed_margin

DECILES = np.arange(1, 10) / 10
BLOCKS = 20  # sets of images that are left out in turn


def held_out(
    directions: np.ndarray, rng: np.random.Generator, *, shapes: Iterable[str] = tuple(SHAPES), folds: int = 5
) -> dict[str, np.ndarray]:
    """Log density of every t, in nats, under shapes that were fitted without its network and without its image.

    Networks and images are each cut into `folds` at random (at most as many as there are).  For each pair of folds the
    shapes are fitted to the leave-one-out cosines of the other networks at the other images; the networks of the fold
    are then scored at its images, with t measured from the mean direction of the other networks there.  That mean has
    one network more than those in the fit, so that the scored t are larger, by a few percent for 20 networks and by a
    tenth for 6 that hardly agree; for every shape alike.

    Returns:
        name -> [networks, images]; NaN where the network, or the mean of the others, has no direction.  The gain of
        one shape over another is a mean of differences: `lib.statistics.intervals.crossed_interval`.

    Raises:
        ValueError: an unknown shape, or too few networks, images or folds to train on.
    """
    directions = checked_population(directions)
    networks, images, dim = directions.shape
    network_folds, image_folds = _folds(rng, networks, folds), _folds(rng, images, folds)
    if networks - max(map(len, network_folds)) < 2 or len(image_folds) < 2:
        raise ValueError(
            f"{folds} folds of {networks} networks and {images} images leave too few to fit a shape to: "
            "each fit needs 2 networks and 1 image beside those that it is scored on"
        )
    scores = {name: np.full((networks, images), np.nan) for name in shapes}
    for held in network_folds:
        others = np.delete(directions, held, axis=0)
        training = leave_one_out_cosines(others)
        t = _cosines(directions[held], mean_directions(others))
        for image_fold in image_folds:
            for name, found in scores.items():
                fitted = fit_shape(name, np.delete(training, image_fold, axis=1), dim)
                found[np.ix_(held, image_fold)] = fitted.log_likelihood(t[:, image_fold])
    return scores


def increments(population: Cosines, level: float = 0.95) -> Interval:
    """Change of log psi between neighbouring deciles of t, from the 10 % to the 90 % point: -> estimate, low, high [8].

    The intervals are a jackknife's: networks are left out one by one, images in `BLOCKS` sets, the deciles stay.
    """
    at = np.nanquantile(population.t, DECILES)
    block = np.arange(population.t.shape[1]) % BLOCKS

    def changes(t: np.ndarray) -> np.ndarray:
        return np.diff(log_psi(t, at, population.dim))

    by_network = np.stack([changes(t) for t in population.without])
    by_block = np.stack([changes(population.t[:, block != left_out]) for left_out in np.unique(block)])
    networks, images = ((len(values) - 1) * np.var(values, axis=0) for values in (by_network, by_block))
    margin = crossed_margin(networks, images, 0.0, len(by_network) - 1, len(by_block), level)
    estimate = changes(population.t)
    return estimate, estimate - margin, estimate + margin


def own_concentration_gain(directions: np.ndarray) -> np.ndarray:
    """log density of t [nats] under vMF laws with a kappa for each image, less that with one kappa for all images.

    T_k mixes the t of all images.  If every image had a von Mises-Fisher law with its own kappa(x), their mixture would
    be wider than any one of them and have no exponential shape; this shows how far that alone goes.  Both kinds of
    kappa are learnt from the networks other than the one that is scored: [networks, n, d] -> [networks, n]; t is the
    cosine with the mean direction of those others, and the gain is NaN where it is.

    Raises:
        ValueError: fewer than 5 networks, since four others must tell how reliable their concentration is.
    """
    directions = checked_population(directions)
    networks, _, dim = directions.shape
    if networks < 5:
        raise ValueError(f"the concentration of single images needs at least 5 networks, not {networks}")
    squares = np.stack([shrunk_squares(np.delete(directions, i, axis=0)) for i in range(networks)])
    # A mean of N - 1 networks lets t keep a share R / sqrt(R^2 + (1 - R^2) / (N - 1)) of R.
    expected = squares / np.sqrt(np.maximum(squares + (1 - squares) / (networks - 1), 1e-12))
    own, common = vmf_concentration(expected, dim), vmf_concentration(expected.mean(1, keepdims=True), dim)
    change = vmf_log_normaliser(own, dim) - vmf_log_normaliser(common, dim)
    return (own - common) * leave_one_out_cosines(directions) + change


def shrunk_squares(directions: np.ndarray) -> np.ndarray:
    """R(x)^2 of every image, drawn to their mean as far as they differ by chance: [networks, n, d] -> [n] in [0, 1).

    What the mean of R^4 over images exceeds the square of the mean R^2 by is the real variance over images, and its
    share of the whole the factor (empirical Bayes).
    """
    rows = directions.transpose(1, 0, 2)
    found, fourth = pair_moments(rows @ rows.transpose(0, 2, 1), has_direction(directions).sum(0).astype(float))
    enough = np.isfinite(fourth)
    mean, spread = np.nanmean(found), np.var(found[enough])
    share = np.clip((fourth[enough].mean() - found[enough].mean() ** 2) / spread, 0, 1) if spread > 0 else 0.0
    return np.clip(mean + share * np.nan_to_num(found - mean), 0, 0.999)


def _folds(rng: np.random.Generator, count: int, folds: int) -> list[np.ndarray]:
    return np.array_split(rng.permutation(count), max(1, min(folds, count)))


def _cosines(directions: np.ndarray, means: np.ndarray) -> np.ndarray:
    """[networks, n, d] x [n, d] -> [networks, n]; NaN where either has no direction."""
    cosines = np.clip(np.einsum("knd,nd->kn", directions, means), -1, 1)  # of float32 rows: beyond 1 by rounding
    return np.where(has_direction(directions) & means.any(1), cosines, np.nan)
