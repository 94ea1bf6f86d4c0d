"""The kernel estimate of psi on [-1, 1], and parametric shapes: planted parameters come back."""

import numpy as np
import pytest
from scipy.integrate import quad, simpson
from scipy.stats import beta, chi2, norm

from lib import sphere
from lib.sphere.fits import SHAPES, bandwidth, density, fit_shape, log_psi
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


PLANTED = {  # name -> log psi of the parameters and t, written once more; the parameters of dim
    "exponential": (lambda p, t: p[0] * t, lambda dim: {"kappa": 0.6 * dim}),
    "quadratic exponential": (lambda p, t: p[0] * t + p[1] * t**2, lambda dim: {"a": 0.3 * dim, "b": 0.25 * dim}),
    "power": (lambda p, t: -p[0] / p[1] * np.log(1 - p[1] * t), lambda dim: {"slope": 0.6 * dim, "lambda": 0.7}),
}


def planted(name, dim):
    log_psi, parameters = PLANTED[name]
    values = np.array(list(parameters(dim).values()))
    return Saw(lambda t: log_psi(values, t), dim), parameters(dim)


def standard_errors(name, dim, t):
    """Of the likeliest parameters for the sample t: from the mean square of the score, by differences."""
    log_psi, parameters = PLANTED[name]
    values = np.array(list(parameters(dim).values()))
    scores = []
    for step in np.diag(1e-4 * values):
        up, down = (Saw(lambda t, v=values + sign * step: log_psi(v, t), dim).logpdf(t) for sign in (1, -1))
        scores.append((up - down) / (2 * step.max()))
    return np.sqrt(np.diag(np.linalg.inv(np.array(scores) @ np.array(scores).T)))


@pytest.mark.parametrize("dim", [3, 64, 192, 3072])
@pytest.mark.parametrize("name", PLANTED)
def test_fit_recovers_planted_parameters(name, dim):
    saw, parameters = planted(name, dim)
    t = saw.sample_t(np.random.default_rng(dim), 20000)
    fitted = fit_shape(name, t, dim)
    assert list(fitted.parameters) == list(parameters)
    z = (np.array(list(fitted.parameters.values())) - list(parameters.values())) / standard_errors(name, dim, t)
    assert np.abs(z).max() < 4, fitted.parameters
    gain = 2 * np.sum(fitted.log_likelihood(t) - saw.logpdf(t))
    assert 0 <= gain < chi2(len(parameters)).ppf(1 - 1e-4)


@pytest.mark.parametrize("dim", [3, 192, 3072])
@pytest.mark.parametrize("name", SHAPES)
def test_fitted_density_integrates_to_one(name, dim):
    t = planted("power", dim)[0].sample_t(np.random.default_rng(0), 500)
    saw = fit_shape(name, t, dim).saw
    points = np.arcsin(saw.sample_t(np.random.default_rng(1), 20))
    mass = quad(lambda a: saw.pdf(np.sin(a)) * np.cos(a), -np.pi / 2, np.pi / 2, points=points, limit=400)[0]
    assert mass == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("dim", [3, 64, 3072])
@pytest.mark.parametrize("name", ["quadratic exponential", "power"])
def test_richer_shapes_gain_on_von_mises_fisher_data_no_more_than_chance(name, dim):
    for seed in range(5):
        t = von_mises_fisher(0.5 * dim, dim).sample_t(np.random.default_rng(seed), 3000)
        plain = fit_shape("exponential", t, dim)
        gain = 2 * np.sum(fit_shape(name, t, dim).log_likelihood(t) - plain.log_likelihood(t))
        assert -1e-5 < gain < chi2(1).ppf(1 - 1e-4)
        assert plain.parameters["kappa"] == pytest.approx(sphere.vmf_concentration(t.mean(), dim))


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_holds_the_uniform(name):
    t = 2 * np.random.default_rng(0).random(3000) - 1  # of a uniform direction in 3 dimensions
    fitted = fit_shape(name, t, 3)
    gain = 2 * np.sum(fitted.log_likelihood(t) - np.log(0.5))
    assert -1e-9 < gain < chi2(2).ppf(1 - 1e-4)


def test_power_holds_the_spherical_cauchy():
    """Kato and McCullagh's map of the ball onto itself carries uniform directions to spherical Cauchy ones."""
    dim, rho = 10, 0.6
    mu = np.eye(dim)[0]
    x = sphere.uniform_directions(np.random.default_rng(0), 20000, dim) + rho * mu
    u = (1 - rho**2) * x / np.sum(x**2, axis=1, keepdims=True) + rho * mu
    np.testing.assert_allclose(np.linalg.norm(u, axis=1), 1)
    fitted = fit_shape("power", u @ mu, dim)
    lam = 2 * rho / (1 + rho**2)
    assert fitted.parameters["lambda"] == pytest.approx(lam, abs=0.01)
    assert fitted.parameters["slope"] == pytest.approx((dim - 1) * lam, rel=0.02)
    exact = Saw(lambda t: -(dim - 1) * np.log(1 - lam * t), dim)
    assert exact.log_normaliser == pytest.approx((dim - 1) * np.log((1 + rho**2) / (1 - rho**2)), abs=1e-10)


def test_power_holds_the_power_spherical():
    dim, kappa = 10, 8.0
    t = 2 * beta((dim - 1) / 2 + kappa, (dim - 1) / 2).rvs(20000, random_state=0) - 1
    fitted = fit_shape("power", t, dim)
    assert fitted.parameters["lambda"] < -0.9
    assert fitted.parameters["slope"] == pytest.approx(kappa, rel=0.05)


def test_a_sample_that_leans_away_has_a_falling_exponential():
    t = von_mises_fisher(5.0, 4).sample_t(np.random.default_rng(0), 1000)
    for name in SHAPES:
        there, back = fit_shape(name, t, 4), fit_shape(name, -t, 4)
        assert back.log_likelihood(-t).sum() == pytest.approx(there.log_likelihood(t).sum(), abs=1e-3)
    assert fit_shape("exponential", -t, 4).parameters["kappa"] == -fit_shape("exponential", t, 4).parameters["kappa"]


CALLS = {
    "bandwidth": bandwidth,
    "density": lambda t: density(t, [0.1, 0.2]),
    "log psi": lambda t: log_psi(t, [0.1, 0.2], 5),
    **{name: lambda t, name=name: list(fit_shape(name, t, 5).parameters.values()) for name in SHAPES},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nan_is_left_out_and_rounding_beyond_one_forgiven(call):
    t = uniform_sample(5, 202)
    t[:2] = 1, -1
    with_nan = np.append(t, [np.nan, np.nan]).reshape(4, 51)
    np.testing.assert_array_equal(call(with_nan), call(t))
    with_nan[0, :2] *= 1 + 1e-9
    np.testing.assert_array_equal(call(with_nan), call(t))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("t", "message"),
    [
        ([0.1], "at least 2 cosines that are not NaN, not 1"),
        ([0.1, np.nan], "at least 2 cosines that are not NaN, not 1"),
        ([0.1, -1.5], "between -1 and 1, not at -1.5"),
        ([0.1, 0.1], "all the same"),
    ],
)
def test_what_is_no_sample_is_refused(call, t, message):
    with pytest.raises(ValueError, match=message):
        call(t)


def test_points_coverages_dimensions_and_names_that_leave_nothing_are_refused():
    t = uniform_sample(64, 100)
    with pytest.raises(ValueError, match="no point lies between .* where 99% of the cosines are"):
        log_psi(t, [0.9], 64)
    for call in (lambda: log_psi(t, [0.0], 1), lambda: fit_shape("uniform", t, 1)):
        with pytest.raises(ValueError, match="at least 2 dimensions"):
            call()
    for coverage in (0, -0.5, 1.5, np.nan):
        with pytest.raises(ValueError, match="coverage is above 0 and at most 1"):
            log_psi(t, [0.0], 64, coverage=coverage)
    with pytest.raises(ValueError, match="no shape is called 'cubic'; there are uniform, exponential"):
        fit_shape("cubic", t, 3)
