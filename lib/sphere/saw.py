"""Rotationally symmetric distributions on the sphere: f(u) proportional to psi(mu.u) (Saw 1978).

With t = sin(phi) the density of the angle phi is psi(sin phi) cos(phi)^(dim - 2), without a pole in any dimension.  It
is tabulated where it has its mass, on one grid that serves the integrals and the sampling alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.integrate import cumulative_simpson, simpson
from scipy.interpolate import CubicHermiteSpline
from scipy.special import xlogy

from lib.sphere.uniform import check_dimension, tangent_normal, uniform_directions, uniform_logpdf
from lib.sphere.vmf import checked_concentration

POINTS = 4001
NARROWEST = 1e-9  # range of angles that is tabulated, in radians: float64 has 1e6 numbers there
DROP = 40.0  # a density below exp(-40) of its peak has no weight in float64


@dataclass(frozen=True)
class Saw:
    """The distribution of directions u with density proportional to psi(mu.u), and that of its cosine t = mu.u.

    Attributes:
        log_psi: log psi of an array of t in [-1, 1]; -inf is allowed, and any constant may be added.
        dim: dimensions of the space, 2 or more.

    psi may have several peaks, but none narrower than about a thousandth of a radian.  Everything that evaluates psi
    raises ValueError where it is NaN or infinite.
    """

    log_psi: Callable[[np.ndarray], np.ndarray]
    dim: int

    def __post_init__(self):
        check_dimension(self.dim)

    @cached_property
    def log_normaliser(self) -> float:
        """log of the mean of psi(t) over uniform directions, so that it is 0 for psi = 1."""
        return self._table[2]

    def logpdf(self, t: np.ndarray) -> np.ndarray:
        """Logarithm of the density of t, in nats; -inf outside [-1, 1]."""
        t = np.asarray(t, dtype=float)
        return self._checked_log_psi(np.clip(t, -1, 1)) - self.log_normaliser + uniform_logpdf(t, self.dim)

    def pdf(self, t: np.ndarray) -> np.ndarray:
        """Density of t."""
        return np.exp(self.logpdf(t))

    def cdf(self, t: np.ndarray) -> np.ndarray:
        """P(mu.u <= t)."""
        phi, density, _ = self._table
        angle = np.arcsin(np.clip(np.asarray(t, dtype=float), -1, 1))
        inside = CubicHermiteSpline(phi, self._cumulative, density)(np.clip(angle, phi[0], phi[-1]))
        return np.clip(inside, 0, 1)

    def moment(self, order: int) -> float:
        """E[t^order]."""
        return float(self.mean(lambda t: t**order))

    def mean(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """E[function(t)], for a function of t [points] -> [..., points]."""
        phi, density, _ = self._table
        return simpson(function(np.sin(phi)) * density, x=phi)

    def sample_t(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """[count] independent cosines, by the inverse of the tabulated distribution function."""
        return np.sin(np.interp(rng.random(count), self._cumulative, self._table[0]))

    def sample(self, rng: np.random.Generator, mu: np.ndarray, count: int) -> np.ndarray:
        """[count, dim] independent directions about the unit vector mu."""
        mu = np.asarray(mu, dtype=float)
        if mu.shape != (self.dim,) or not abs(np.linalg.norm(mu) - 1) < 1e-4:
            length = f"{np.linalg.norm(mu):g}"
            raise ValueError(f"mu must be a unit vector of {self.dim} dimensions, not {mu.shape} of length {length}")
        mu = mu / np.linalg.norm(mu)
        t = self.sample_t(rng, count)[:, None]
        across = tangent_normal(uniform_directions(rng, count, self.dim), mu)[1]
        return t * mu + np.sqrt((1 - t) * (1 + t)) * across

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, float]:
        """-> phi [POINTS], density of phi there, log normaliser."""
        low, high = -np.pi / 2, np.pi / 2
        while high - low > NARROWEST:
            phi = np.linspace(low, high, POINTS)
            log_density = self._checked_log_psi(np.sin(phi)) + xlogy(self.dim - 2, np.maximum(np.cos(phi), 0))
            peak = log_density.max()
            if peak == -np.inf:
                raise ValueError("psi must be positive somewhere in [-1, 1]")
            mass = np.flatnonzero(log_density >= peak - DROP)
            low, high = phi[max(mass[0] - 1, 0)], phi[min(mass[-1] + 1, POINTS - 1)]
            if high - low > 0.5 * (phi[-1] - phi[0]):
                break
        else:
            raise ValueError("psi has a peak that is too narrow for double precision")
        shape = np.exp(log_density - peak)
        total = simpson(shape, x=phi)
        return phi, shape / total, float(peak + np.log(total) + uniform_logpdf(0.0, self.dim))

    @cached_property
    def _cumulative(self) -> np.ndarray:
        phi, density, _ = self._table
        cumulative = np.maximum.accumulate(cumulative_simpson(density, x=phi, initial=0))
        return cumulative / cumulative[-1]

    def _checked_log_psi(self, t: np.ndarray) -> np.ndarray:
        values = np.asarray(self.log_psi(t), dtype=float)
        if np.any(np.isnan(values) & ~np.isnan(t)) or np.any(values == np.inf):
            raise ValueError("log psi must be a number, or -inf, at every t in [-1, 1]")
        return values


def von_mises_fisher(kappa: float, dim: int) -> Saw:
    """The Saw distribution with psi = exp(kappa t)."""
    checked = checked_concentration(kappa, dim)
    return Saw(lambda t: checked * t, dim)
