"""The von Mises-Fisher distribution in 2 to 20,000 dimensions against mpmath, scipy and known values."""

import mpmath
import numpy as np
import pytest
from scipy.stats import vonmises, vonmises_fisher

from lib import sphere

RESULTANTS = [
    (192, 19.2, 0.0990292404835),
    (192, 192, 0.618830773696),
    (768, 76.8, 0.0990219628429),
    (784, 784, 0.618228930787),
    (3072, 307.2, 0.0990201270099),
    (3072, 3072, 0.618083727909),
]
KAPPAS = [1e-6, 1e-3, 0.3, 1, 20, 300, 1e4, 1e6]


@pytest.mark.parametrize(("dim", "kappa", "expected"), RESULTANTS)
def test_mean_resultant_has_its_known_values(dim, kappa, expected):
    assert sphere.vmf_mean_resultant(kappa, dim) == pytest.approx(expected, abs=1e-12)


def bessel_ratio(order, kappa):
    """I_(order+1) / I_order by mpmath; where its series is too long, by the continued fraction, cut far beyond."""
    with mpmath.workdps(30):
        kappa, order = mpmath.mpf(kappa), mpmath.mpf(order)
        if kappa < 1e5 or order < 2000:
            return mpmath.besseli(order + 1, kappa) / mpmath.besseli(order, kappa)
        ratio = mpmath.mpf(1)
        for step in range(12000, 0, -1):  # an error of the start is multiplied by ratio^2 each time: 1e-100 at the end
            ratio = 1 / (2 * (order + step) / kappa + ratio)
        return ratio


@pytest.mark.parametrize("dim", [2, 3, 64, 192, 513, 3072, 20000])
def test_mean_resultant_equals_mpmath_from_uniform_to_a_needle(dim):
    exact = [float(bessel_ratio(mpmath.mpf(dim) / 2 - 1, kappa)) for kappa in KAPPAS]
    np.testing.assert_allclose(sphere.vmf_mean_resultant(KAPPAS, dim), exact, rtol=1e-12)


@pytest.mark.parametrize("dim", [2, 3, 64, 192, 513, 3072, 20000])
def test_normaliser_equals_mpmath(dim):
    for kappa in [k for k in KAPPAS if k <= 1e4]:
        with mpmath.workdps(30):
            order = mpmath.mpf(dim) / 2 - 1
            exact = (
                order * mpmath.log(kappa)
                - (order + 1) * mpmath.log(2 * mpmath.pi)
                - mpmath.log(mpmath.besseli(order, kappa))
            )
            error = abs(mpmath.mpf(float(sphere.vmf_log_normaliser(kappa, dim))) - exact)
        assert error < 1e-11 + 1e-15 * abs(exact), kappa


@pytest.mark.parametrize("dim", [2, 3, 192, 20000])
def test_without_concentration_the_density_is_one_over_the_surface_of_the_sphere(dim):
    surface = float(mpmath.log(2 * mpmath.pi ** (mpmath.mpf(dim) / 2) / mpmath.gamma(mpmath.mpf(dim) / 2)))
    assert sphere.vmf_log_normaliser(0, dim) == pytest.approx(-surface, rel=1e-14)
    assert sphere.vmf_mean_resultant(0, dim) == 0


def test_log_density_at_the_mode_in_3072_dimensions():
    assert sphere.vmf_log_normaliser(307.2, 3072) + 307.2 == pytest.approx(8263.703119, abs=1e-6)


def test_density_is_scipys_in_few_dimensions():
    mu = np.array([0.6, 0, 0.8])
    u = sphere.uniform_directions(np.random.default_rng(0), 20, 3)
    np.testing.assert_allclose(sphere.vmf_log_normaliser(7.5, 3) + 7.5 * u @ mu, vonmises_fisher(mu, 7.5).logpdf(u))
    angle = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(sphere.vmf_log_normaliser(2.5, 2) + 2.5 * np.cos(angle), vonmises(2.5).logpdf(angle))


@pytest.mark.parametrize("dim", [2, 3, 4, 64, 3072, 20000])
def test_concentration_is_the_inverse_of_the_mean_resultant(dim):
    kappa = np.logspace(-6, 6, 49)
    resultant = sphere.vmf_mean_resultant(kappa, dim)
    found = sphere.vmf_concentration(resultant, dim)
    np.testing.assert_allclose(found, kappa, rtol=1e-8)  # near R = 1 a resultant does not hold more digits of kappa
    np.testing.assert_allclose(sphere.vmf_mean_resultant(found, dim), resultant, rtol=1e-12)
    np.testing.assert_array_equal(sphere.vmf_concentration([0, -0.2], dim), 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda dim, kappa: sphere.vmf_mean_resultant(kappa, dim),
        lambda dim, kappa: sphere.vmf_log_normaliser(kappa, dim),
    ],
)
def test_von_mises_fisher_refuses_what_it_does_not_cover(call):
    for dim in (1, 0, 20001):
        with pytest.raises(ValueError, match=f"2 to 20000 dimensions, not {dim}"):
            call(dim, 1.0)
    for kappa in (-1e-9, np.nan, np.inf, [1.0, np.nan]):
        with pytest.raises(ValueError, match="kappa must be a finite number of 0 or more"):
            call(3, kappa)


@pytest.mark.parametrize("resultant", [1.0, 1.5, np.nan, [0.5, np.nan]])
def test_concentration_needs_a_resultant_below_one(resultant):
    with pytest.raises(ValueError, match="mean resultant length must be below 1"):
        sphere.vmf_concentration(resultant, 3)
