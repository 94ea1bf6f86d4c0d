"""The rank-one law against matrices that obey it, and against a least squares solver."""

from functools import partial

import numpy as np
import pytest

from lib.similarity import by_image, expected, mean_direction_cosine, rank_one
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import mean_directions, planted_population
from lib.sphere.saw import von_mises_fisher

A = np.log([0.3, 0.5, 0.6, 0.8])


def noisy(size=4, draws=(), seed=0):
    noise = 0.2 * np.random.default_rng(seed).standard_normal((*draws, size, size))
    return np.exp(A[:, None] + A + noise + np.swapaxes(noise, -1, -2))


def test_a_matrix_of_rank_one_is_explained_without_residual():
    rho = np.exp(A[:, None] + A)
    np.testing.assert_allclose(rank_one.coefficients(rho), A)
    np.testing.assert_allclose(rank_one.residuals(rho), 0, atol=1e-12)
    assert rank_one.explained(rho) == pytest.approx(1) and rank_one.residual_size(rho) < 1e-12
    np.testing.assert_allclose(rank_one.resultants(rho), np.exp(A))
    np.testing.assert_allclose(rank_one.cosines(rho), 1)


def test_a_matrix_of_rank_one_gives_back_its_factors_whatever_its_diagonal():
    rho = np.exp(A[:, None] + A)
    rho[range(4), range(4)] = -1, 0, np.nan, 7
    np.testing.assert_allclose(rank_one.coefficients(rho, diagonal=False), A)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(rank_one.predicted(rho, diagonal=False)[off], rho[off])
    np.testing.assert_allclose(rank_one.residuals(rho, diagonal=False), np.where(off, 0, np.nan), atol=1e-12)
    assert rank_one.explained(rho, diagonal=False) == pytest.approx(1)


@pytest.mark.parametrize("diagonal", [True, False])
def test_a_power_law_of_the_width_has_its_exponent(diagonal):
    power = np.array([2, 4, 8, 16]) ** 0.4
    rho = 0.01 * np.outer(power, power)
    assert rank_one.growth_exponent(rho, [2, 4, 8, 16], diagonal=diagonal) == pytest.approx(0.4)


@pytest.mark.parametrize("diagonal", [True, False])
def test_the_fit_is_numpy_s_least_squares_over_pairs_once_each(diagonal):
    rho = noisy()
    i, j = np.triu_indices(4, 0 if diagonal else 1)
    design = np.zeros((len(i), 4))
    for row, pair in enumerate(zip(i, j)):
        for place in pair:
            design[row, place] += 1
    solution, left, _, _ = np.linalg.lstsq(design, np.log(rho[i, j]), rcond=None)
    np.testing.assert_allclose(rank_one.coefficients(rho, diagonal=diagonal), solution)
    np.testing.assert_allclose(rank_one.predicted(rho, diagonal=diagonal)[i, j], np.exp(design @ solution))
    assert rank_one.explained(rho, diagonal=diagonal) == pytest.approx(
        1 - left[0] / (len(i) * np.var(np.log(rho[i, j])))
    )
    if diagonal:
        assert rank_one.residual_size(rho) == pytest.approx(np.sqrt(left[0] / 10))


def test_without_the_diagonal_two_widths_are_too_few():
    with pytest.raises(ValueError, match="at least 3 widths, not 2"):
        rank_one.coefficients(np.full((2, 2), 0.5), diagonal=False)


def test_many_matrices_at_once_are_each_of_them():
    many = noisy(draws=(3, 2))
    without = [partial(function, diagonal=False) for function in (rank_one.coefficients, rank_one.explained)]
    foretold = [
        partial(rank_one.predicted_resultant, widths=(2, 4, 8, 32)),
        partial(rank_one.predicted_similarity, widths=(2, 4, 8, 32)),
        partial(rank_one.direction_cosine, networks=(3, 4, 5, 6)),
    ]
    plain = [
        getattr(rank_one, name)
        for name in ("coefficients", "residuals", "explained", "cosines", "resultants", "residual_size")
    ]
    for function in (*plain, *without, *foretold):
        np.testing.assert_allclose(function(many)[2, 1], function(many[2, 1]), rtol=1e-12)


def test_other_units_change_the_coefficients_alone():
    rho = noisy()
    np.testing.assert_allclose(rank_one.residuals(0.1 * rho), rank_one.residuals(rho), atol=1e-12)
    np.testing.assert_allclose(rank_one.cosines(0.1 * rho), rank_one.cosines(rho))


def test_a_similarity_that_is_not_positive_has_no_logarithm():
    rho = np.stack([noisy(), noisy()])
    rho[1, 2, 2] = -0.04
    assert np.isfinite(rank_one.explained(rho[0])) and np.isnan(rank_one.explained(rho)[1])
    assert rank_one.resultants(rho)[1, 2] == pytest.approx(-0.2)
    assert np.isfinite(rank_one.explained(rho, diagonal=False)).all()  # it is not read
    rho[1, 0, 3] = rho[1, 3, 0] = -0.1
    assert np.isnan(rank_one.coefficients(rho, diagonal=False)).all(axis=1).tolist() == [False, True]
    assert np.isnan(rank_one.cosines(rho)[1, 2]).all() and np.isfinite(rank_one.cosines(rho)[1, :2, :2]).all()


@pytest.fixture(scope="module")
def populations():
    rng = np.random.default_rng(0)
    return [
        planted_population(von_mises_fisher(kappa, 32), count, 80, rng) for kappa, count in ((12, 8), (25, 6), (60, 5))
    ]


def test_similarities_by_image_average_to_those_of_all_images(populations):
    rho = by_image(populations).mean(0)
    for i, a in enumerate(populations):
        for j, b in enumerate(populations):
            assert rho[i, j] == pytest.approx(expected(a, None if i == j else b))
    assert rank_one.cosines(rho)[0, 2] == pytest.approx(mean_direction_cosine(populations[0], populations[2]))


def test_an_image_without_pairs_has_no_similarity(populations):
    some = [population.copy() for population in populations]
    some[0][1:, 4] = 0
    rho = by_image(some)
    assert np.isnan(rho[4, 0, 0]) and np.isfinite(rho[4, 0, 1]) and np.isnan(rho).sum() == 1
    assert rho[4, 0, 1] == pytest.approx(expected(some[0][:1, 4:5], some[1][:, 4:5]))


def test_residuals_repeat_where_they_belong_to_the_image_and_not_where_they_are_chance():
    rng = np.random.default_rng(1)
    first, second, third = (planted_population(von_mises_fisher(kappa, 32), 24, 80, rng) for kappa in (25, 40, 60))
    chance = rank_one.repeated_residuals([first, second, third], rng)
    # Now the second mean direction is apart from the others by an angle of the image's own.
    angle, (x, y) = np.linspace(0, 1.2, 80), np.moveaxis(second[..., :2].copy(), -1, 0)
    second[..., 0], second[..., 1] = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    assert abs(chance) < 0.2 and rank_one.repeated_residuals([first, second, third], rng) > 0.6


WIDTHS = (2, 4, 8, 32)
R = 0.2 * np.array(WIDTHS, dtype=float) ** 0.4
RHO = R[:, None] * R


def test_a_power_law_is_continued():
    np.testing.assert_allclose(rank_one.power_law(R[:3], WIDTHS[:3], [16, 32]), 0.2 * np.array([16, 32]) ** 0.4)
    assert rank_one.predicted_resultant(RHO, WIDTHS) == pytest.approx(R[-1])
    np.testing.assert_allclose(rank_one.predicted_similarity(RHO, WIDTHS), RHO[-1])


def test_the_line_is_that_of_polyfit():
    r = np.array([0.3, 0.35, 0.6])
    slope, offset = np.polyfit(np.log([2, 3, 7]), np.log(r), 1)
    assert rank_one.power_law(r, [2, 3, 7], [9])[0] == pytest.approx(np.exp(offset + slope * np.log(9)))


def test_no_cosine_exceeds_1_and_no_negative_similarity_is_continued():
    assert rank_one.power_law(np.array([0.5, 0.9]), [2, 4], [64])[0] == 1
    broken = RHO.copy()
    broken[0, 0] = -0.1
    assert np.isnan(rank_one.predicted_resultant(broken, WIDTHS))
    assert np.isnan(rank_one.ratio(0.5, -0.1)) and rank_one.ratio(0.5, 0.25) == 2


def test_one_width_makes_no_line():
    with pytest.raises(ValueError, match="at least 2 widths, not 1"):
        rank_one.power_law(R[:1], WIDTHS[:1], [4])


def test_predictions_use_the_last_width_for_nothing():
    """What is measured there may be anything."""
    other = RHO.copy()
    other[-1], other[:, -1] = 0.77, 0.77
    assert rank_one.predicted_resultant(other, WIDTHS) == rank_one.predicted_resultant(RHO, WIDTHS)
    np.testing.assert_array_equal(
        rank_one.predicted_similarity(other, WIDTHS), rank_one.predicted_similarity(RHO, WIDTHS)
    )


def test_the_cosine_of_the_narrow_mean_is_that_of_the_directions():
    """One planted mu, so that the cosine of the plain mean with it is known exactly."""
    rng = np.random.default_rng(0)
    populations = [
        planted_population(von_mises_fisher(kappa, 32), count, 400, rng) for kappa, count in ((8, 4), (15, 6), (40, 12))
    ]
    matrix = similarity_matrix(populations, rng, draws=2)
    pooled = np.concatenate(populations[:-1]).mean(0)
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    direct = pooled[:, 0].mean() / np.sqrt((pooled**2).sum(1).mean())
    assert rank_one.direction_cosine(matrix.values, matrix.networks) == pytest.approx(direct, abs=0.01)
    # A single wide network keeps R of it, an endless population all of it.
    assert rank_one.resultants(matrix.values)[-1] == pytest.approx(populations[-1][..., 0].mean(), abs=0.01)
    assert rank_one.direction_cosine(matrix.values, (10**9, 10**9, 12)) == pytest.approx(1, abs=0.02)
    assert np.abs(mean_directions(unit[None].repeat(2, 0))[:, 0].mean() - direct) < 0.02
