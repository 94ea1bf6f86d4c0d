"""Laws of the kernel estimate on [-1, 1] and of the shape that it gives."""

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.stats import norm

from lib import sphere
from lib.sphere.fits import bandwidth, density, log_psi
from lib.sphere.saw import Saw, von_mises_fisher


def uniform_sample(dim, count, seed=0):
    return Saw(np.zeros_like, dim).sample_t(np.random.default_rng(seed), count)


def test_bandwidth_of_normal_quantiles_is_silvermans():
    count = 10000
    t = 0.1 * norm.ppf((np.arange(count) + 0.5) / count)  # sd 0.1, and interquartile range 0.1 x 1.349
    assert bandwidth(t) == pytest.approx(0.09 * count**-0.2, rel=1e-3)
    assert bandwidth(2 * t + 0.1) == pytest.approx(2 * bandwidth(t))
    assert bandwidth(np.append(t, [np.nan, np.nan])) == bandwidth(t)


def test_a_few_values_far_out_hardly_widen_the_bandwidth():
    t = 0.01 * norm.ppf((np.arange(1000) + 0.5) / 1000)
    assert bandwidth(np.append(t, [0.9] * 10)) < 1.1 * bandwidth(t)


def test_half_of_the_values_alike_leave_the_standard_deviation():
    t = np.array([0.2] * 8 + [0.1, 0.3])
    assert bandwidth(t) == pytest.approx(0.9 * t.std(ddof=1) * 10**-0.2)


@pytest.mark.parametrize("dim", [2, 3, 192, 3072])
@pytest.mark.parametrize("kappa", [0, 0.3, 2])
def test_density_integrates_to_one(dim, kappa):
    t = von_mises_fisher(kappa * dim, dim).sample_t(np.random.default_rng(dim), 800)
    width = bandwidth(t)
    at = np.linspace(max(-1, t.min() - 9 * width), min(1, t.max() + 9 * width), 4001)
    assert simpson(density(t, at), x=at) == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(density(t, [-1.01, 1.01]), 0)


def test_density_is_a_mean_of_kernels_away_from_the_ends():
    t, at = np.array([[0.1, 0.2, np.nan], [0.25, -0.1, 0.0]]), np.array([[-0.1, 0.0], [0.15, 0.3]])
    finite = t[~np.isnan(t)]
    expected = norm.pdf(at[..., None], finite, bandwidth(t)).mean(-1)
    np.testing.assert_allclose(density(t, at), expected, rtol=1e-9)


def test_density_of_uniform_directions_in_three_dimensions_is_one_half_to_its_ends():
    t = uniform_sample(3, 20000)
    estimate = density(t, np.linspace(-1, 1, 81))
    # of a kernel estimate: variance p / (2 sqrt(pi) width n), twice that at an end
    error = np.sqrt(0.5 / (2 * np.sqrt(np.pi) * bandwidth(t) * 20000))
    np.testing.assert_allclose(estimate, 0.5, atol=4.5 * np.sqrt(2) * error)
    assert 4.5 * np.sqrt(2) * error < 0.08  # far from the 1/4 of kernels that lose their mass


def test_density_mirrors_with_the_sample():
    t = von_mises_fisher(3.0, 3).sample_t(np.random.default_rng(0), 500)
    at = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(density(-t, -at), density(t, at), rtol=1e-8)


@pytest.mark.parametrize("dim", [3, 64, 3072])
def test_uniform_directions_have_a_flat_psi(dim):
    t = uniform_sample(dim, 40000)
    at = np.linspace(-1.5, 1.5, 31) / np.sqrt(dim)
    found = log_psi(t, at, dim)
    width = bandwidth(t)
    variance = 1 / (2 * np.sqrt(np.pi) * width * 40000 * sphere.uniform_pdf(at, dim))  # of log p
    bias = 2 * width**2 * dim  # width^2 / 2 times p'' / p, of a density with the variance 1 / dim
    np.testing.assert_array_less(np.abs(found), bias + 4.5 * np.sqrt(variance))
    assert bias < 0.06


@pytest.mark.parametrize("dim", [3, 64, 3072])
def test_log_psi_of_von_mises_fisher_directions_rises_by_kappa(dim):
    kappa = 0.5 * dim
    saw = von_mises_fisher(kappa, dim)
    t = saw.sample_t(np.random.default_rng(0), 40000)
    at = np.quantile(t, np.linspace(0.05, 0.95, 25))
    slope = np.polyfit(at, log_psi(t, at, dim), 1, w=np.sqrt(saw.pdf(at)))[0]
    # The kernel widens p, of variance v, to v + width^2: log p is flatter by that share, in d = 3 by reflection too.
    assert slope == pytest.approx(kappa, rel=0.06)


def test_psi_is_one_on_average_over_uniform_directions():
    at = np.linspace(-1, 1, 2001)
    t = von_mises_fisher(1.0, 3).sample_t(np.random.default_rng(0), 2000)
    psi = np.exp(log_psi(t, at, 3, coverage=1.0))
    assert np.nansum(psi * sphere.uniform_pdf(at, 3)) * (at[1] - at[0]) == pytest.approx(1, abs=0.03)


def test_log_psi_is_evaluated_in_the_range_of_the_central_mass_alone():
    t = np.linspace(-0.5, 0.5, 1001)
    at = np.linspace(-1, 1, 2000)  # never at a quantile of t, where rounding would decide
    for coverage in (0.99, 0.5, 1.0):
        inside = np.isfinite(log_psi(t, at, 64, coverage=coverage))
        assert inside.mean() == pytest.approx(coverage / 2, abs=2e-3)
        np.testing.assert_array_equal(inside, inside[::-1])


def test_log_psi_is_not_evaluated_in_a_gap():
    t = np.concatenate([np.linspace(-0.5, -0.4999, 99), np.linspace(0.5, 0.5001, 101)])
    t = np.append(t, np.full(800, 0.50005) + np.linspace(-1e-6, 1e-6, 800))  # a bandwidth far below the gap
    found = log_psi(t, np.array([-0.49995, 0.0, 0.50005]), 64)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])


def test_nan_is_left_out():
    t = uniform_sample(5, 200)
    with_nan = np.append(t, np.nan)
    np.testing.assert_array_equal(log_psi(with_nan, [0.1, 0.2], 5), log_psi(t, [0.1, 0.2], 5))
    np.testing.assert_array_equal(density(with_nan, [0.1, 0.2]), density(t, [0.1, 0.2]))


@pytest.mark.parametrize("call", [bandwidth, lambda t: density(t, [0.0]), lambda t: log_psi(t, [0.0], 3)])
@pytest.mark.parametrize(("t", "message"), [
    ([0.1], "at least 2 cosines that are not NaN, not 1"),
    ([0.1, np.nan], "at least 2 cosines that are not NaN, not 1"),
    ([0.1, -1.5], "between -1 and 1, not at -1.5"),
    ([0.0, 0.0], "all the same"),
])
def test_what_is_no_sample_is_refused(call, t, message):
    with pytest.raises(ValueError, match=message):
        call(t)


def test_points_and_coverages_that_leave_nothing_are_refused():
    t = uniform_sample(64, 100)
    with pytest.raises(ValueError, match="no point lies between .* where 99% of the cosines are"):
        log_psi(t, [0.9], 64)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        log_psi(t, [0.0], 1)
    for coverage in (0, -0.5, 1.5, np.nan):
        with pytest.raises(ValueError, match="coverage is above 0 and at most 1"):
            log_psi(t, [0.0], 64, coverage=coverage)
