"""Parametric shapes psi of a Saw distribution, fitted by maximum likelihood to cosines t, and scored on held-out data.

The paper names the Saw family but, as far as is known, no form of psi (fact sheet 3.2, 10).  Both shapes of
two parameters hold the exponential, and that holds the uniform:

- uniform: psi = 1
- exponential: psi = exp(kappa t), von Mises-Fisher
- quadratic exponential: psi = exp(a t + b t^2)
- power: psi = (1 - lambda t)^(-slope / lambda), where `slope` is that of log psi at t = 0 and lambda is between -1
  and 1; von Mises-Fisher as lambda -> 0, power-spherical as lambda -> -1, spherical Cauchy at slope = (dim - 1) lambda
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from lib.similarity.cosines import has_direction
from lib.similarity.mean_directions import checked, leave_one_out_cosines, mean_directions
from lib.sphere.distributions import checked_cosines, vmf_concentration
from lib.sphere.saw import Saw

LARGEST_LAMBDA = 0.9999  # a peak of psi at the pole of 0.014 radians, which the table of `Saw` resolves


@dataclass(frozen=True)
class FittedShape:
    """A shape with the parameters that were fitted, and the distribution that they give."""

    name: str
    parameters: dict[str, float]
    saw: Saw

    def log_likelihood(self, t: np.ndarray) -> np.ndarray:
        """Log density of every t, in nats, of the same shape; NaN stays NaN."""
        return self.saw.logpdf(t)


def fit_shape(name: str, t: np.ndarray, dim: int) -> FittedShape:
    """The shape `name` (one of SHAPES) that makes the cosines t, of any shape, in `dim` dimensions likeliest.

    NaN in t is left out.  Raises ValueError for an unknown name, fewer than 2 values, values beyond +-1, or values
    that are all the same.
    """
    _check_names([name])
    t = checked_cosines(t)
    if np.ptp(t) < 1e-12:
        raise ValueError("cosines that are all the same have no likeliest shape")
    parameters, log_psi = SHAPES[name](t, dim)
    return FittedShape(name, parameters, Saw(log_psi, dim))


Fit = tuple[dict[str, float], Callable[[np.ndarray], np.ndarray]]  # parameters, log psi


def _fit_uniform(t: np.ndarray, dim: int) -> Fit:
    return {}, np.zeros_like


def _fit_exponential(t: np.ndarray, dim: int) -> Fit:
    mean = t.mean()  # its expectation is the mean resultant length, so that kappa needs no search
    kappa = float(np.sign(mean) * vmf_concentration(abs(mean), dim))
    return {"kappa": kappa}, lambda t: kappa * t


def _fit_quadratic(t: np.ndarray, dim: int) -> Fit:
    centre, spread, start = _standardised(t, dim)
    z = (t - centre) / spread
    observed = np.array([z.mean(), np.mean(z**2)])

    def log_psi(ab, t):
        z = (t - centre) / spread
        return ab[0] * z + ab[1] * z**2

    def loss(ab):  # an exponential family: convex, its gradient the difference of the moments
        saw = Saw(lambda t: log_psi(ab, t), dim)
        expected = saw.mean(lambda t: np.stack([(t - centre) / spread, ((t - centre) / spread) ** 2]))
        return saw.log_normaliser - ab @ observed, expected - observed

    a, b = minimize(loss, [start, 0.0], jac=True, method="BFGS", options={"gtol": 1e-8}).x
    slope, curvature = a / spread - 2 * b * centre / spread**2, b / spread**2
    return {"a": float(slope), "b": float(curvature)}, lambda t: slope * t + curvature * t**2


def _fit_power(t: np.ndarray, dim: int) -> Fit:
    """Searched in the slope c of log psi per standard deviation, at the mean of t, and lambda.

    There log psi = c h(z; nu) + const with h = -log(1 - nu z) / nu and nu = lambda spread / (1 - lambda centre), so
    that c and lambda hardly trade against each other.
    """
    centre, spread, start = _standardised(t, dim)
    z = (t - centre) / spread

    def loss(parameters):
        c, lam = parameters
        nu, growth = lam * spread / (1 - lam * centre), spread / (1 - lam * centre) ** 2  # its derivative by lambda
        saw = Saw(lambda t: c * _power_exponent((t - centre) / spread, nu), dim)

        def statistics(z):
            return np.stack([_power_exponent(z, nu), c * growth * _power_exponent_slope(z, nu)])

        observed = statistics(z).mean(1)
        expected = saw.mean(lambda t: statistics((t - centre) / spread))
        return saw.log_normaliser - c * observed[0], expected - observed

    c, lam = minimize(loss, [start, 0.0], jac=True, method="L-BFGS-B",
                      bounds=[(None, None), (-LARGEST_LAMBDA, LARGEST_LAMBDA)], options={"ftol": 1e-13}).x
    slope = c / spread * (1 - lam * centre)
    return {"slope": float(slope), "lambda": float(lam)}, lambda t: slope * _power_exponent(t, lam)


def _standardised(t: np.ndarray, dim: int) -> tuple[float, float, float]:
    """Centre and spread of t, and the exponential's slope per spread, from which the richer shapes start."""
    return t.mean(), t.std(), _fit_exponential(t, dim)[0]["kappa"] * t.std()


def _power_exponent(z: np.ndarray, nu: float) -> np.ndarray:
    """-log(1 - nu z) / nu, which is z at nu = 0."""
    return z if nu == 0 else -np.log1p(-nu * z) / nu


def _power_exponent_slope(z: np.ndarray, nu: float) -> np.ndarray:
    """Derivative of `_power_exponent` by nu; by its series where two large terms would cancel."""
    x = nu * z
    near = np.abs(x) < 1e-3
    far = np.where(near, 0.5, x)
    return z**2 * np.where(near, 1 / 2 + 2 * x / 3 + 3 * x**2 / 4 + 4 * x**3 / 5,
                           (far / (1 - far) + np.log1p(-far)) / far**2)


SHAPES: dict[str, Callable[[np.ndarray, int], Fit]] = {
    "uniform": _fit_uniform,
    "exponential": _fit_exponential,
    "quadratic exponential": _fit_quadratic,
    "power": _fit_power,
}


def held_out(directions: np.ndarray, rng: np.random.Generator, *, shapes: Iterable[str] = tuple(SHAPES),
             folds: int = 5) -> dict[str, np.ndarray]:
    """Log density of every t, in nats, under shapes that were fitted without its network and without its image.

    Networks and images are each cut into `folds` at random (at most as many as there are).  For each pair of folds the
    shapes are fitted to the leave-one-out cosines of the other networks at the other images; the networks of the fold
    are then scored at its images, with t measured from the mean direction of the other networks there.  That mean has
    one network more than those in the fit, so that the scored t are larger, by a few percent for 20 networks and by a
    tenth for 6 that hardly agree; for every shape alike.

    Args:
        directions: [networks, images, dims], unit rows; a zero row is a gradient that vanished.

    Returns:
        name -> [networks, images]; NaN where the network, or the mean of the others, has no direction.  The gain of
        one shape over another is a mean of differences: `lib.statistics.intervals.crossed_interval`.

    Raises:
        ValueError: an unknown shape, or too few networks, images or folds to train on.
    """
    directions, shapes = checked(directions), list(shapes)
    _check_names(shapes)
    networks, images, dim = directions.shape
    network_folds, image_folds = _folds(rng, networks, folds), _folds(rng, images, folds)
    if networks - max(map(len, network_folds)) < 2 or len(image_folds) < 2:
        raise ValueError(f"{folds} folds of {networks} networks and {images} images leave too few to fit a shape to: "
                         "each fit needs 2 networks and 1 image beside those that it is scored on")
    scores = {name: np.full((networks, images), np.nan) for name in shapes}
    for held in network_folds:
        others = np.delete(directions, held, axis=0)
        training = leave_one_out_cosines(others)
        t = _cosines(directions[held], mean_directions(others))
        for image_fold in image_folds:
            for name in shapes:
                fitted = fit_shape(name, np.delete(training, image_fold, axis=1), dim)
                scores[name][np.ix_(held, image_fold)] = fitted.log_likelihood(t[:, image_fold])
    return scores


def _folds(rng: np.random.Generator, count: int, folds: int) -> list[np.ndarray]:
    return np.array_split(rng.permutation(count), max(1, min(folds, count)))


def _cosines(directions: np.ndarray, means: np.ndarray) -> np.ndarray:
    """[networks, n, d] x [n, d] -> [networks, n]; NaN where either has no direction."""
    cosines = np.clip(np.einsum("knd,nd->kn", directions, means), -1, 1)  # of float32 rows: beyond 1 by rounding
    return np.where(has_direction(directions) & means.any(1), cosines, np.nan)


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if name not in SHAPES:
            raise ValueError(f"no shape is called {name!r}; there are {', '.join(SHAPES)}")
