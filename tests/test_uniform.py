"""Laws of directions on the sphere, against numbers that were computed elsewhere.

The table of tails is that of the fact sheet (3.8); mpmath and the Beta distribution are the other oracles.
"""

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from lib import sphere

DIMENSIONS = [2, 3, 4, 5, 48, 192, 784, 3072, 20000]
TABLE = {  # p -> P(Z > p) at d = 3, 192, 3072, as printed
    0.02: ("0.490", "0.391", "0.134"),
    0.05: ("0.475", "0.245", "2.8e-3"),
    0.1: ("0.450", "0.0832", "1.4e-8"),
    0.2: ("0.400", "2.6e-3", "2.1e-29"),
    0.3: ("0.350", "1.1e-5", "3.1e-65"),
    0.4: ("0.300", "4.1e-9", "9.7e-119"),
}


def moment(dim: int, power: int) -> float:
    """E[t^power] of the uniform density, integrated over the angle so that the circle's poles do no harm."""
    width = 40 / np.sqrt(dim)  # beyond it nothing is left in high dimensions
    lowest, highest = max(0.0, np.pi / 2 - width), min(np.pi, np.pi / 2 + width)
    return quad(
        lambda a: np.cos(a) ** power * sphere.uniform_pdf(np.cos(a), dim) * np.sin(a),
        lowest,
        highest,
        points=[np.pi / 2],
        epsabs=1e-13,
        limit=400,
    )[0]


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_uniform_density_has_mass_one_mean_zero_and_variance_one_over_d(dim):
    assert moment(dim, 0) == pytest.approx(1, rel=1e-9)
    assert moment(dim, 1) == pytest.approx(0, abs=1e-12)
    assert moment(dim, 2) == pytest.approx(1 / dim, rel=1e-9)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_square_of_the_uniform_cosine_is_beta_distributed(dim):
    t = np.linspace(0.1, 3, 9) / np.sqrt(dim)
    t = t[t < 1]
    expected = beta(0.5, (dim - 1) / 2).pdf(t**2) * t  # density of |t| is 2 t beta(t^2), half of it on either side
    np.testing.assert_allclose(sphere.uniform_pdf(t, dim), expected, rtol=1e-9)
    np.testing.assert_array_equal(sphere.uniform_pdf(-t, dim), sphere.uniform_pdf(t, dim))


@pytest.mark.parametrize(("dim", "end"), [(2, np.inf), (3, 0.5), (4, 0.0), (192, 0.0)])
def test_uniform_density_takes_its_limit_at_the_ends_and_is_zero_beyond(dim, end):
    np.testing.assert_allclose(sphere.uniform_pdf([-1, 1], dim), end, rtol=1e-12)
    np.testing.assert_array_equal(sphere.uniform_pdf([-1.5, 1.0001, np.inf], dim), 0)


@pytest.mark.parametrize("p", TABLE)
@pytest.mark.parametrize(("column", "dim"), list(enumerate([3, 192, 3072])))
def test_tail_rounds_to_the_fact_sheets_table(p, column, dim):
    printed = TABLE[p][column]
    digits = len(printed.partition("e")[0].replace(".", "").lstrip("0"))
    # Half a unit of the last printed digit, and a little: 2.6e-3 stands for 2.649e-3, 4.1e-9 for 4.12e-9.
    unit = 10.0 ** (np.floor(np.log10(float(printed))) - digits + 1)
    assert abs(float(sphere.cosine_tail(p, dim)) - float(printed)) <= 0.5 * unit * (1 + 1e-9)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_tail_equals_mpmath_down_to_1e_120_and_beyond(dim):
    compared = 0
    for p in [1e-9, 1e-6, 1e-3, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.69, 0.71, 0.9, 0.99, 1 - 1e-9, 1 - 1e-15]:
        with mpmath.workdps(50):
            exact = mpmath.betainc(mpmath.mpf(dim - 1) / 2, 0.5, 0, 1 - mpmath.mpf(p) ** 2, regularized=True) / 2
            if exact < mpmath.mpf(10) ** -300:
                continue  # no float64 holds it at full precision
            error = abs(mpmath.mpf(float(sphere.cosine_tail(p, dim))) / exact - 1)
        assert error < 1e-9, (p, float(exact))
        compared += 1
    assert compared >= 6


def test_tail_in_three_dimensions_and_on_the_circle_has_its_closed_form():
    p = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(sphere.cosine_tail(p, 3), (1 - p) / 2, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(sphere.cosine_tail(p, 2), np.arccos(p) / np.pi, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dim", [2, 3, 192, 3072])
def test_tail_matches_sampled_gaussian_vectors(dim):
    count = 4000
    x, y = np.random.default_rng(dim).standard_normal((2, count, dim))
    cosines = (x * y).sum(1) / np.sqrt((x * x).sum(1) * (y * y).sum(1))
    p = np.array([-1.5, -0.5, 0, 0.5, 1.0, 1.5, 2.0]) / np.sqrt(dim)
    p = p[np.abs(p) < 1]
    chance = sphere.cosine_tail(p, dim)
    share = (cosines[:, None] > p).mean(0)
    z = (share - chance) / np.sqrt(chance * (1 - chance) / count)
    assert np.abs(z).max() < 4.5  # of at most 7 thresholds; about 5e-5 by chance for a fresh seed


@pytest.mark.parametrize("dim", [2, 3, 192, 3072])
def test_uniform_directions_are_unit_seeded_and_centred(dim):
    count = 2000
    u = sphere.uniform_directions(np.random.default_rng(7), count, dim)
    assert u.shape == (count, dim)
    np.testing.assert_allclose(np.linalg.norm(u, axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(u, sphere.uniform_directions(np.random.default_rng(7), count, dim))
    assert not np.array_equal(u, sphere.uniform_directions(np.random.default_rng(8), count, dim))
    # count |mean|^2 has mean 1 and, nearly, the variance 2 / dim of a chi-square over its dim degrees of freedom
    assert abs(count * np.sum(u.mean(0) ** 2) - 1) < 6 * np.sqrt(2 / dim)


@pytest.mark.parametrize("dim", [2, 3, 192, 3072])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_tangent_normal_gives_the_direction_back_from_two_orthogonal_parts(dim, kind):
    rng = np.random.default_rng(dim)
    u = sphere.uniform_directions(rng, 50, dim).astype(kind)
    mu = sphere.uniform_directions(rng, 1, dim)[0].astype(kind)
    t, across = sphere.tangent_normal(u, mu)
    tolerance = np.sqrt(4 * np.finfo(kind).eps)  # near t = 1, sqrt(1 - t^2) has half of the digits of t
    assert t.shape == (50,) and across.shape == u.shape
    np.testing.assert_allclose(t[:, None] * mu + np.sqrt(1 - t**2)[:, None] * across, u, atol=tolerance)
    np.testing.assert_allclose(np.linalg.norm(across, axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(across @ mu, 0, atol=1e-12)


@pytest.mark.parametrize(
    "u, mu, sentence",
    [
        (np.eye(3), np.ones(2), r"not of shapes \(3, 3\) and \(2,\)"),
        (np.ones(3), np.ones(3), "not of shapes"),
        (2 * np.eye(3), np.eye(3)[0], "must be of length 1"),
        (np.eye(3), np.full(3, np.nan), "must be of length 1"),
    ],
)
def test_what_is_no_direction_has_no_parts(u, mu, sentence):
    with pytest.raises(ValueError, match=sentence):
        sphere.tangent_normal(u, mu)


def test_tangent_normal_finds_a_part_that_is_tiny():
    mu = np.array([0.6, 0.0, 0.8])
    across = np.array([0.0, 1.0, 0.0])
    t, found = sphere.tangent_normal((mu + 1e-9 * across)[None], mu)
    assert t == pytest.approx(1)
    np.testing.assert_allclose(found[0], across, atol=1e-6)


@pytest.mark.parametrize("dim", [3, 192, 3072])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_tangent_normal_of_the_mean_direction_itself_has_no_part_across(dim, kind):
    for mu in sphere.uniform_directions(np.random.default_rng(dim), 20, dim).astype(kind):
        t, across = sphere.tangent_normal(np.stack([mu, -mu]), mu)
        np.testing.assert_allclose(t, [1, -1], atol=1e-6)
        np.testing.assert_array_equal(across, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda dim: sphere.uniform_pdf(0.1, dim),
        lambda dim: sphere.uniform_logpdf(0.1, dim),
        lambda dim: sphere.cosine_tail(0.1, dim),
        lambda dim: sphere.uniform_directions(np.random.default_rng(0), 3, dim),
    ],
    ids=["uniform_pdf", "uniform_logpdf", "cosine_tail", "uniform_directions"],
)
@pytest.mark.parametrize("dim", [1, 0, -3])
def test_fewer_than_two_dimensions_are_refused(call, dim):
    with pytest.raises(ValueError, match=f"at least 2 dimensions, not {dim}"):
        call(dim)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_tail_is_the_falling_integral_of_the_density_from_one_to_zero(dim):
    low, high = -0.5 / np.sqrt(dim), 1.1 / np.sqrt(dim)
    mass = quad(sphere.uniform_pdf, low, high, args=(dim,), epsabs=1e-13)[0]
    assert sphere.cosine_tail(low, dim) - sphere.cosine_tail(high, dim) == pytest.approx(mass, rel=1e-9)
    np.testing.assert_array_equal(sphere.cosine_tail([-2, -1, 0, 1, 2], dim), [1, 1, 0.5, 0, 0])
    tail = sphere.cosine_tail(np.linspace(-1, 1, 2001), dim)
    assert np.all(np.diff(tail) <= 0)
    np.testing.assert_allclose(tail + tail[::-1], 1, rtol=1e-14)


def test_log_of_the_uniform_density_goes_on_where_the_density_vanishes():
    assert sphere.uniform_pdf(0.99, 20000) == 0
    expected = mpmath.log(
        mpmath.gamma(10000) / mpmath.gamma(9999.5) / mpmath.sqrt(mpmath.pi) * (1 - mpmath.mpf(0.99) ** 2) ** 9998.5
    )
    assert sphere.uniform_logpdf(0.99, 20000) == pytest.approx(float(expected), rel=1e-13)
