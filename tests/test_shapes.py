"""Laws of the parametric shapes: planted parameters come back, and the planted shape wins on held-out data."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, chi2, ortho_group

from lib import sphere
from lib.similarity.shapes import held_out
from lib.sphere.fits import SHAPES, fit_shape
from lib.sphere.saw import Saw, von_mises_fisher
from lib.statistics.intervals import crossed_interval

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


def test_nan_is_left_out_of_a_fit():
    t = von_mises_fisher(5.0, 4).sample_t(np.random.default_rng(0), 50)
    with_nan = np.concatenate([t, [np.nan]]).reshape(3, 17)
    for name in SHAPES:
        assert fit_shape(name, with_nan, 4).parameters == fit_shape(name, t, 4).parameters


@pytest.mark.parametrize("name", SHAPES)
def test_fit_refuses_what_is_no_sample(name):
    for t, message in [([0.1], "at least 2 cosines"), ([0.1, np.nan], "at least 2 cosines"),
                       ([0.1, 1.2], "between -1 and 1, not at 1.2"), ([0.3, 0.3], "all the same")]:
        with pytest.raises(ValueError, match=message):
            fit_shape(name, t, 3)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        fit_shape("uniform", [0.1, 0.2], 1)


def test_an_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="no shape is called 'cubic'; there are uniform, exponential"):
        fit_shape("cubic", [0.1, 0.2], 3)
    with pytest.raises(ValueError, match="no shape is called 'cubic'"):
        held_out(population(von_mises_fisher(5.0, 3), 4, 4), np.random.default_rng(0), shapes=["cubic"])


def population(saw, networks, images, seed=0):
    """[networks, images, dim] directions about a mean direction of each image's own."""
    rng = np.random.default_rng(seed)
    means = sphere.uniform_directions(rng, images, saw.dim)
    return np.stack([saw.sample(rng, mu, networks) for mu in means], axis=1)


def gain(scores, winner, loser):
    return crossed_interval(scores[winner] - scores[loser])


NARROW = Saw(lambda t: 60 * t - 40 * t**2, 20)  # falls beyond t = 0.75: t spreads less than von Mises-Fisher's
CAUCHY = Saw(lambda t: -19 * np.log(1 - 0.95 * t), 20)


@pytest.mark.parametrize(("saw", "winner", "losers"), [
    (von_mises_fisher(30.0, 20), "exponential", ["uniform"]),
    (NARROW, "quadratic exponential", ["uniform", "exponential"]),
    (CAUCHY, "power", ["uniform", "exponential", "quadratic exponential"]),
])
def test_the_planted_shape_wins_on_held_out_data(saw, winner, losers):
    scores = held_out(population(saw, 12, 100), np.random.default_rng(0), folds=3)
    for loser in losers:
        assert gain(scores, winner, loser)[1] > 0, loser
        assert gain(scores, loser, winner)[2] < 0, loser


@pytest.mark.parametrize(("saw", "plain"), [(Saw(np.zeros_like, 20), "uniform"),
                                            (von_mises_fisher(200.0, 20), "exponential")])
def test_parameters_that_are_not_needed_gain_nothing_on_held_out_data(saw, plain):
    scores = held_out(population(saw, 12, 100), np.random.default_rng(0), folds=3)
    for richer in list(SHAPES)[list(SHAPES).index(plain) + 1:]:
        mean, low, _ = gain(scores, richer, plain)
        assert low <= 0 and abs(mean) < 0.01, richer


def test_held_out_scores_are_those_of_shapes_fitted_without_network_and_image():
    """With as many folds as networks and images each cell can be recomputed by hand."""
    u = population(von_mises_fisher(10.0, 5), 4, 3)
    scores = held_out(u, np.random.default_rng(0), shapes=["exponential"], folds=9)["exponential"]
    for network in range(4):
        others = np.delete(u, network, axis=0)
        for image in range(3):
            t = [others[k, i] @ (total := np.delete(others, k, axis=0)[:, i].sum(0)) / np.linalg.norm(total)
                 for k in range(3) for i in range(3) if i != image]
            mu = others[:, image].sum(0) / np.linalg.norm(others[:, image].sum(0))
            expected = von_mises_fisher(sphere.vmf_concentration(np.mean(t), 5), 5).logpdf(u[network, image] @ mu)
            assert scores[network, image] == pytest.approx(expected, abs=1e-8)


def test_held_out_scores_turn_with_the_directions():
    u = population(CAUCHY, 6, 15)
    turn = ortho_group(20, seed=0).rvs()
    before, after = (held_out(x, np.random.default_rng(0), folds=2) for x in (u, u @ turn.T))
    for name in SHAPES:
        assert before[name].shape == (6, 15) and np.isfinite(before[name]).all()
        np.testing.assert_allclose(after[name], before[name], atol=1e-5)


def test_only_a_network_or_an_image_without_direction_has_no_score():
    u = population(von_mises_fisher(10.0, 5), 6, 8)
    u[2, 3] = 0
    u[:, 5] = 0
    for scores in held_out(u, np.random.default_rng(0)).values():
        missing = np.zeros((6, 8), dtype=bool)
        missing[2, 3] = missing[:, 5] = True
        np.testing.assert_array_equal(np.isnan(scores), missing)


@pytest.mark.parametrize(("networks", "images", "folds"), [(2, 5, 5), (3, 5, 2), (6, 1, 5), (6, 5, 1), (6, 5, 0)])
def test_too_few_networks_images_or_folds_are_refused(networks, images, folds):
    with pytest.raises(ValueError, match=f"{folds} folds of {networks} networks and {images} images leave too few"):
        held_out(population(von_mises_fisher(5.0, 3), networks, images), np.random.default_rng(0), folds=folds)
