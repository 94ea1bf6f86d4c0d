"""Predictions from narrow networks against populations that follow the law, and against the directions themselves."""

import numpy as np
import pytest

from lib.similarity import rank_one
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import mean_directions, planted_population
from lib.similarity.rank_one import resultants
from lib.sphere.saw import von_mises_fisher

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
    np.testing.assert_array_equal(rank_one.predicted_similarity(other, WIDTHS),
                                  rank_one.predicted_similarity(RHO, WIDTHS))


def test_many_matrices_at_once_are_each_of_them():
    many = np.stack([RHO, RHO**1.1, RHO**0.9])
    for function in (lambda m: rank_one.predicted_resultant(m, WIDTHS),
                     lambda m: rank_one.predicted_similarity(m, WIDTHS),
                     lambda m: rank_one.direction_cosine(m, (3, 4, 5, 6))):
        np.testing.assert_allclose(function(many)[1], function(many[1]))


def test_the_cosine_of_the_narrow_mean_is_that_of_the_directions():
    """One planted mu, so that the cosine of the plain mean with it is known exactly."""
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 32), count, 400, rng)
                   for kappa, count in ((8, 4), (15, 6), (40, 12))]
    matrix = similarity_matrix(populations, rng, draws=2)
    pooled = np.concatenate(populations[:-1]).mean(0)
    direct = pooled[:, 0].mean() / np.sqrt((pooled**2).sum(1).mean())
    assert rank_one.direction_cosine(matrix.values, matrix.networks) == pytest.approx(direct, abs=0.01)
    # A single wide network keeps R of it, an endless population all of it.
    assert resultants(matrix.values)[-1] == pytest.approx(populations[-1][..., 0].mean(), abs=0.01)
    assert rank_one.direction_cosine(matrix.values, (10**9, 10**9, 12)) == pytest.approx(1, abs=0.02)
    assert np.abs(mean_directions(pooled[None].repeat(2, 0))[:, 0].mean() - direct) < 0.02
