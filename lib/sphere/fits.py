"""psi of a Saw distribution from a sample of cosines t: a kernel estimate, and shapes of few parameters.

The kernel estimate is log psi(t) = log p(t) - log P_origin(t), up to a constant (right half of the
salience paper's Fig. 8).  The paper's bandwidth is not known; the rule here is Silverman's.  The paper names the Saw
family but, as far as is known, no form of psi.  Shapes are fitted by maximum likelihood; those of
two parameters hold the exponential, and that holds the uniform:

- uniform: psi = 1
- exponential: psi = exp(kappa t), von Mises-Fisher
- quadratic exponential: psi = exp(a t + b t^2)
- power: psi = (1 - lambda t)^(-slope / lambda), where `slope` is that of log psi at t = 0 and lambda is between -1
  and 1; von Mises-Fisher as lambda -> 0, power-spherical as lambda -> -1, spherical Cauchy at slope = (dim - 1) lambda

NaN in a sample is left out.  Everything here raises ValueError for fewer than 2 values, values beyond +-1, or values
that are all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.stats import gaussian_kde

from lib.sphere.saw import Saw
from lib.sphere.uniform import uniform_logpdf
from lib.sphere.vmf import vmf_concentration

LARGEST_LAMBDA = 0.9999  # a peak of psi at the pole of 0.014 radians, which the table of `Saw` resolves


def bandwidth(t: np.ndarray) -> float:
    """Silverman's robust rule, 0.9 min(sd, IQR / 1.34) n^(-1/5); the sd alone where half of the values are the same."""
    t = _sample(t)
    deviation, quartiles = t.std(ddof=1), np.subtract(*np.percentile(t, [75, 25])) / 1.34
    return float(0.9 * (min(deviation, quartiles) if quartiles > 0 else deviation) * t.size**-0.2)


def density(t: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Gaussian kernel estimate of the density of the sample t at the points `at`, which keeps its mass in [-1, 1].

    What the kernels would spread beyond -1 and 1 is reflected back, so that a density that does not fall to 0 there
    is not halved.  0 beyond.
    """
    width, t, at = bandwidth(t), _sample(t), np.asarray(at, dtype=float)
    kernels = gaussian_kde(t, bw_method=width / t.std(ddof=1))
    points = at.ravel()
    estimate = kernels(points)
    for mirrored in (2 - points, -2 - points):  # only the points near an end have a mirror image near the sample
        near = np.abs(mirrored) < 1 + 8 * width
        estimate[near] += kernels(mirrored[near])
    return np.where(np.abs(at) > 1, 0, estimate.reshape(at.shape))


def log_psi(t: np.ndarray, at: np.ndarray, dim: int, *, coverage: float = 0.99) -> np.ndarray:
    """log psi at the points `at` from the sample t of cosines in `dim` dimensions, in nats.

    Evaluated only where there is mass: NaN outside the range that holds the central `coverage` of t, and in a gap of
    the sample.  psi has no scale of its own; here its mean over uniform directions is 1.

    Raises ValueError also for a coverage that is none, or if no point of `at` lies in the range.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"a coverage is above 0 and at most 1, not {coverage!r}")
    at = np.asarray(at, dtype=float)
    low, high = np.quantile(_sample(t), [0.5 - coverage / 2, 0.5 + coverage / 2])
    inside = (at >= low) & (at <= high)
    estimate = density(t, at[inside])
    if not estimate.any():
        raise ValueError(f"no point lies between {low:.3g} and {high:.3g}, where {coverage:.0%} of the cosines are")
    found = np.full(at.shape, np.nan)
    logarithm = np.log(estimate, where=estimate > 0, out=np.full(estimate.shape, np.nan))
    found[inside] = logarithm - uniform_logpdf(at[inside], dim)
    return found


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
    """The shape `name` (one of SHAPES) that makes the cosines t, of any shape, in `dim` dimensions likeliest."""
    if name not in SHAPES:
        raise ValueError(f"no shape is called {name!r}; there are {', '.join(SHAPES)}")
    parameters, log_psi = SHAPES[name](_sample(t), dim)
    return FittedShape(name, parameters, Saw(log_psi, dim))


Fit = tuple[dict[str, float], Callable[[np.ndarray], np.ndarray]]  # parameters, log psi


def _fit_exponential(t: np.ndarray, dim: int) -> Fit:
    mean = t.mean()  # its expectation is the mean resultant length, so that kappa needs no search
    kappa = float(np.sign(mean) * vmf_concentration(abs(mean), dim))
    return {"kappa": kappa}, lambda t: kappa * t


def _fit_quadratic(t: np.ndarray, dim: int) -> Fit:
    centre, spread, start = _standardised(t, dim)

    def powers(t):
        return np.stack([(t - centre) / spread, ((t - centre) / spread) ** 2])

    observed = powers(t).mean(1)

    def loss(ab):  # an exponential family: convex, its gradient the difference of the moments
        saw = Saw(lambda t: ab[0] * powers(t)[0] + ab[1] * powers(t)[1], dim)
        return saw.log_normaliser - ab @ observed, saw.mean(powers) - observed

    a, b = minimize(loss, [start, 0.0], jac=True, method="BFGS", options={"gtol": 1e-8}).x
    slope, curvature = a / spread - 2 * b * centre / spread**2, b / spread**2
    return {"a": float(slope), "b": float(curvature)}, lambda t: slope * t + curvature * t**2


def _fit_power(t: np.ndarray, dim: int) -> Fit:
    """Searched in the slope c of log psi per standard deviation, at the mean of t, and lambda.

    There log psi = c h(z; nu) + const with h = -log(1 - nu z) / nu and nu = lambda spread / (1 - lambda centre), so
    that c and lambda hardly trade against each other.
    """
    centre, spread, start = _standardised(t, dim)

    def loss(parameters):
        c, lam = parameters
        nu, growth = lam * spread / (1 - lam * centre), spread / (1 - lam * centre) ** 2  # its derivative by lambda

        def exponent(t):
            return _power_exponent((t - centre) / spread, nu)

        def statistics(t):
            return np.stack([exponent(t), c * growth * _power_exponent_slope((t - centre) / spread, nu)])

        saw, observed = Saw(lambda t: c * exponent(t), dim), statistics(t).mean(1)
        return saw.log_normaliser - c * observed[0], saw.mean(statistics) - observed

    bounds = [(None, None), (-LARGEST_LAMBDA, LARGEST_LAMBDA)]
    c, lam = minimize(loss, [start, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13}).x
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
    series = 1 / 2 + 2 * x / 3 + 3 * x**2 / 4 + 4 * x**3 / 5
    return z**2 * np.where(near, series, (far / (1 - far) + np.log1p(-far)) / far**2)


SHAPES: dict[str, Callable[[np.ndarray, int], Fit]] = {
    "uniform": lambda t, dim: ({}, np.zeros_like),
    "exponential": _fit_exponential,
    "quadratic exponential": _fit_quadratic,
    "power": _fit_power,
}


def _sample(t: np.ndarray) -> np.ndarray:
    """The values of t that are not NaN, [n]; a step of rounding beyond +-1 is set to +-1."""
    t = np.ravel(np.asarray(t, dtype=float))
    t = t[~np.isnan(t)]
    if t.size and np.abs(t).max() > 1 + 1e-6:
        raise ValueError(f"cosines lie between -1 and 1, not at {t[np.abs(t).argmax()]:g}")
    if t.size < 2:
        raise ValueError(f"a fit needs at least 2 cosines that are not NaN, not {t.size}")
    if np.ptp(t) < 1e-12:
        raise ValueError("cosines that are all the same have no psi")
    return np.clip(t, -1, 1)
