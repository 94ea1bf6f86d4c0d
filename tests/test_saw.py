"""Laws of rotationally symmetric distributions; the von Mises-Fisher member has Bessel functions as its oracle."""

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ks_1samp, ortho_group

from lib import sphere
from lib.sphere.saw import Saw, von_mises_fisher

DIMENSIONS = [2, 3, 64, 192, 3072, 20000]
KAPPAS = [0, 1e-6, 1, 100, 1e4, 1e6]


def vmf_sample(rng, mu, kappa, count):
    return von_mises_fisher(kappa, np.size(mu)).sample(rng, mu, count)


def two_peaks(dim):
    return Saw(lambda t: np.logaddexp(20 * t, -30 * t), dim)


def with_zero(dim):
    """psi = (1 + t)^dim, which is 0 at the far pole."""
    return Saw(lambda t: np.where(t > -1, dim * np.log1p(np.maximum(t, -1 + 1e-16)), -np.inf), dim)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_von_mises_fisher_has_its_normaliser_and_moments(dim):
    for kappa in KAPPAS:
        saw = von_mises_fisher(kappa, dim)
        constant = sphere.vmf_log_normaliser(0, dim) - sphere.vmf_log_normaliser(kappa, dim)
        assert saw.log_normaliser == pytest.approx(constant, abs=1e-9, rel=1e-14)
        resultant = sphere.vmf_mean_resultant(kappa, dim)
        assert saw.moment(1) == pytest.approx(resultant, abs=1e-12)
        if kappa:  # from the differential equation of the Bessel function: E[t^2] = 1 - (dim - 1) R / kappa
            assert saw.moment(2) == pytest.approx(1 - (dim - 1) * resultant / kappa, abs=1e-10)
        assert saw.moment(0) == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("dim", [2, 3, 192, 3072])
@pytest.mark.parametrize("make", [two_peaks, with_zero, lambda dim: von_mises_fisher(dim / 3, dim)])
def test_density_integrates_to_the_distribution_function_and_to_one(dim, make):
    saw = make(dim)
    edges = np.quantile(saw.sample_t(np.random.default_rng(0), 500), [0.1, 0.4, 0.9])
    masses = [quad(saw.pdf, low, high, epsabs=1e-12, limit=200)[0] for low, high in zip(edges, edges[1:], strict=False)]
    np.testing.assert_allclose(np.diff(saw.cdf(edges)), masses, rtol=1e-8)
    assert quad(lambda a: saw.pdf(np.sin(a)) * np.cos(a), -np.pi / 2, np.pi / 2, points=np.arcsin(edges), limit=400)[
        0
    ] == pytest.approx(1, abs=1e-8)
    np.testing.assert_allclose(saw.cdf([-2, -1, 1, 2]), [0, 0, 1, 1], atol=1e-15)


@pytest.mark.parametrize("dim", [2, 3, 5, 192, 3072, 20000])
def test_flat_psi_is_the_uniform_distribution(dim):
    saw = Saw(lambda t: np.full_like(t, 5.0), dim)
    t = np.linspace(-2, 2, 31) / np.sqrt(dim)
    np.testing.assert_allclose(saw.logpdf(t), sphere.uniform_logpdf(t, dim), atol=1e-9)
    np.testing.assert_allclose(saw.cdf(t), sphere.cosine_tail(-t, dim), atol=1e-9)
    assert saw.log_normaliser == pytest.approx(5, abs=1e-10)
    assert saw.moment(2) == pytest.approx(1 / dim, rel=1e-10)


def test_normaliser_of_a_power_is_a_beta_function():
    """The mean of (1 + t)^a over uniform directions: 2^(a + dim - 2) B(a + (dim - 1) / 2, (dim - 1) / 2) C."""
    for dim in (3, 64, 3072):
        half = mpmath.mpf(dim - 1) / 2
        constant = mpmath.gamma(mpmath.mpf(dim) / 2) / mpmath.gamma(half) / mpmath.sqrt(mpmath.pi)
        exact = mpmath.log(2 ** (mpmath.mpf(dim) + dim - 2) * mpmath.beta(dim + half, half) * constant)
        assert with_zero(dim).log_normaliser == pytest.approx(float(exact), rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("dim", DIMENSIONS)
@pytest.mark.parametrize("make", [two_peaks, lambda dim: von_mises_fisher(0.5 * dim, dim)])
def test_sampled_cosines_follow_the_distribution_function(dim, make):
    saw = make(dim)
    t = saw.sample_t(np.random.default_rng(dim), 20000)
    assert ks_1samp(t, saw.cdf).pvalue > 1e-4
    for order in (1, 2, 3):
        assert abs(np.mean(t**order) - saw.moment(order)) < 4.5 * np.std(t**order) / np.sqrt(len(t))


@pytest.mark.parametrize(("dim", "count"), [(2, 5000), (3, 5000), (192, 3000), (20000, 300)])
def test_sampled_directions_are_unit_lean_on_mu_and_favour_no_side(dim, count):
    rng = np.random.default_rng(dim)
    mu = sphere.uniform_directions(rng, 1, dim)[0]
    kappa = 0.5 * dim
    u = vmf_sample(rng, mu, kappa, count)
    assert u.shape == (count, dim)
    np.testing.assert_allclose(np.linalg.norm(u, axis=1), 1, rtol=1e-12)
    t, across = sphere.tangent_normal(u, mu)
    assert ks_1samp(t, von_mises_fisher(kappa, dim).cdf).pvalue > 1e-4
    # across mu it is uniform: count |mean|^2 has mean 1 and, nearly, the variance 2 / (dim - 1)
    assert abs(count * np.sum(across.mean(0) ** 2) - 1) < 6 * np.sqrt(2 / (dim - 1))


def test_sampled_directions_turn_with_mu():
    turn = ortho_group(6, seed=0).rvs()
    mu = np.eye(6)[0]
    u = vmf_sample(np.random.default_rng(0), mu, 5.0, 4000)
    turned = vmf_sample(np.random.default_rng(1), turn @ mu, 5.0, 4000)
    error = 4.5 * np.sqrt(2 / 6 / 4000)
    np.testing.assert_allclose(turn @ u.mean(0), turned.mean(0), atol=error)
    np.testing.assert_allclose(turn @ (u.T @ u / 4000) @ turn.T, turned.T @ turned / 4000, atol=error)


def test_density_outside_the_cosines_is_zero_and_nan_stays_nan():
    saw = von_mises_fisher(3.0, 5)
    np.testing.assert_array_equal(saw.pdf([-1.5, 1.1]), 0)
    assert np.isnan(saw.logpdf(np.nan))


def test_a_needle_is_tabulated_or_refused():
    saw = Saw(lambda t: -0.5 * ((t - 0.3) / 1e-7) ** 2, 64)
    assert saw.moment(1) == pytest.approx(0.3, abs=1e-9)
    assert np.sqrt(saw.mean(lambda t: (t - 0.3) ** 2)) == pytest.approx(1e-7, rel=1e-6)
    with pytest.raises(ValueError, match="too narrow"):
        Saw(lambda t: -0.5 * ((t - 0.3) / 1e-18) ** 2, 64).moment(1)


@pytest.mark.parametrize(
    "log_psi", [lambda t: t * np.nan, lambda t: np.where(t > 0.5, np.inf, 0), lambda t: np.where(t < -0.9, np.nan, t)]
)
def test_psi_that_is_not_a_number_is_refused(log_psi):
    with pytest.raises(ValueError, match="log psi must be a number"):
        Saw(log_psi, 3).moment(1)


def test_psi_that_vanishes_everywhere_is_refused():
    with pytest.raises(ValueError, match="positive somewhere"):
        Saw(lambda t: np.full_like(t, -np.inf), 3).moment(1)


@pytest.mark.parametrize("mu", [np.array([1.0, 0]), np.array([1.0, 1, 0]), np.zeros(3), np.array([np.nan, 0, 0])])
def test_a_mean_direction_that_is_not_a_unit_vector_is_refused(mu):
    with pytest.raises(ValueError, match="mu must be a unit vector of 3 dimensions"):
        von_mises_fisher(1.0, 3).sample(np.random.default_rng(0), mu, 2)


def test_dimensions_and_concentrations_that_are_none_are_refused():
    with pytest.raises(ValueError, match="at least 2 dimensions, not 1"):
        Saw(lambda t: t, 1)
    with pytest.raises(ValueError, match="2 to 20000 dimensions, not 1"):
        vmf_sample(np.random.default_rng(0), np.ones(1), 1.0, 2)
    with pytest.raises(ValueError, match="kappa must be"):
        von_mises_fisher(-1.0, 3)
