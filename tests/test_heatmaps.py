"""The released heatmaps: what was read off them agrees with readings by hand, stands beside numbers made alike, and grows."""

import numpy as np
import pytest

from lib.chapters.scale import growth_claims
from lib.released.heatmaps import (
    ATTACK,
    SIMILARITY,
    TOP,
    WIDTHS,
    at_width,
    comparable,
    compared_growth,
    neighbours,
    own_similarity,
    read,
)
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.statistics.sample import Sample

# Read off the released pictures by hand through the colour map: neighbouring widths, rho(k, 128), rho(8,
# 10 and 128), and the row means of alpha.
NEIGHBOURS = [0.04, 0.06, 0.06, 0.08, 0.10, 0.11, 0.13, 0.15, 0.18, 0.22, 0.25, 0.26, 0.30, 0.34, 0.37, 0.43]
WIDEST = [0.13, 0.13, 0.15, 0.18, 0.17, 0.22, 0.24, 0.25, 0.28, 0.31, 0.33, 0.35, 0.35, 0.41, 0.39, 0.43]
SOURCES = [0.96, 0.95, 0.92, 0.90, 0.88, 0.85, 0.82, 0.79, 0.76, 0.74, 0.71, 0.69, 0.69, 0.64, 0.64, 0.61, 0.56]


def test_the_numbers_are_those_read_off_by_hand():
    similarity = read(SIMILARITY)
    np.testing.assert_array_equal(similarity.values, similarity.values.T)
    np.testing.assert_allclose(np.diagonal(similarity.values, 1), NEIGHBOURS, atol=0.015)
    np.testing.assert_allclose(similarity.values[:-1, -1], WIDEST, atol=0.015)
    np.testing.assert_allclose(similarity.values[0, [1, -1]], [0.04, 0.13], atol=0.015)
    assert np.nanmedian(similarity.resolution) < 0.003 and np.nanmax(similarity.resolution) < 0.006
    for width, t in {8: 0.20, 16: 0.29, 20: 0.33, 32: 0.41, 64: 0.51, 128: 0.68}.items():
        assert at_width(similarity.values, width) == pytest.approx(t**2, abs=0.015)
    attack = read(ATTACK)
    np.testing.assert_array_equal(np.isnan(attack.values), np.eye(17, dtype=bool))
    np.testing.assert_allclose(np.nanmean(attack.values, axis=1), SOURCES, atol=0.015)
    targets = np.nanmean(attack.values, axis=0)
    assert targets[1] == pytest.approx(0.94, abs=0.015) and 0.705 < np.delete(targets, 1).min() < targets[0] < 0.855
    assert np.nanmax(attack.values) == pytest.approx(TOP, abs=0.003)


def test_widths_are_selected_by_name_and_those_not_shown_are_empty():
    similarity = read(SIMILARITY)
    chosen = similarity.select([128, 8, 9])
    assert chosen.values[0, 1] == chosen.values[1, 0] == similarity.values[0, -1]
    assert chosen.resolution[0, 1] == similarity.resolution[0, -1] and np.isnan(chosen.values[2]).all()


FITTING = {
    SIMILARITY: {"family": "cnn-small", "output": "logit", "grid": 8},
    ATTACK: {"family": "cnn-small", "eps": 0.05},
}


@pytest.mark.parametrize(
    "name, other, words",
    [
        (
            SIMILARITY,
            {"output": "probability", "grid": 4},
            "made with output = logit, grid = 8, and this run has output = probability, grid = 4.",
        ),
        (SIMILARITY, {"grid": None}, "made with grid = 8, and this run has grid = None."),
        (ATTACK, {"family": "cnn-large"}, "made with family = cnn-small, and this run has family = cnn-large."),
        (ATTACK, {"eps": 0.25}, "made with eps = 0.05, and this run has eps = 0.25."),
        (ATTACK, {"widths": [8, 9, 11]}, "shows no two of the widths 8, 9, 11."),
    ],
)
def test_a_picture_is_compared_with_numbers_made_alike_alone(tmp_path, name, other, words):
    found, sentence = comparable(name, tmp_path, [8, 12], **FITTING[name])
    assert found is None and sentence == f"{name} is not compared: it does not lie beside the networks."
    (tmp_path / name).touch()
    found, sentence = comparable(name, tmp_path, [8, 12], **FITTING[name])
    np.testing.assert_array_equal(found.values, read(name).values)
    assert sentence.startswith(f"{name} is compared; each of its numbers is read to ±0.00")
    found, sentence = comparable(name, tmp_path, **{"widths": [8, 12]} | FITTING[name] | other)
    assert found is None and sentence.startswith(f"{name} is not compared: it") and sentence.endswith(words)


def power_law(widths, exponent, factor=0.08):
    """rho = E[t_i] E[t_j] with E[t] = factor k^exponent, and nothing on the diagonal."""
    t = factor * np.asarray(widths, dtype=float) ** exponent
    return np.where(np.eye(len(t), dtype=bool), np.nan, np.outer(t, t))


PICTURE = power_law(WIDTHS, 0.44)


def test_the_reading_of_a_picture_of_one_mean_direction_is_the_similarity_within_a_width():
    np.testing.assert_allclose(own_similarity(PICTURE), (0.08 * np.array(WIDTHS) ** 0.44) ** 2)
    assert at_width(PICTURE, 16) == pytest.approx((0.08 * 16**0.44) ** 2)
    assert at_width(PICTURE, 18) == pytest.approx((0.08 * 18**0.44) ** 2)  # between two of its widths
    assert np.isnan(at_width(PICTURE, 7)) and np.isnan(at_width(PICTURE, 129))


def test_neighbouring_widths_stand_for_their_geometric_mean():
    widths, values = neighbours(PICTURE, WIDTHS)
    assert widths[0] == pytest.approx(80**0.5) and len(widths) == len(values) == 16
    np.testing.assert_allclose(values, (0.08 * widths**0.44) ** 2)


def matrix_of(exponent, widths, spread, networks=6):
    """A similarity matrix whose networks each have an exponent of their own, of this spread."""
    rng = np.random.default_rng(0)
    values = power_law(widths, exponent)
    without = np.stack([power_law(widths, b) for b in exponent + spread * rng.standard_normal(networks * len(widths))])
    return Sample(values, without, np.stack([values] * 20), np.stack([without] * 3), (networks,) * len(widths), 100)


@pytest.mark.parametrize(
    "exponent, spread, verdict",
    [
        (0.44, 0.001, SUPPORTED),
        (0.30, 0.001, SUPPORTED),
        (0.80, 0.001, SUPPORTED),
        (0.15, 0.001, CONTRADICTED),
        (1.0, 0.001, CONTRADICTED),
        (-0.44, 0.001, CONTRADICTED),
        (0.22, 0.01, UNDECIDED),
        (0.44, 0.5, UNDECIDED),
    ],
)
def test_growth_is_as_in_the_picture_within_a_factor_of_two(exponent, spread, verdict):
    growth = compared_growth(matrix_of(exponent, (2, 8, 16, 32), spread), (2, 8, 16, 32), PICTURE)
    assert growth.here[0] == pytest.approx(exponent) and growth.picture == pytest.approx(0.44)
    assert growth.ratio[0] == pytest.approx(exponent / 0.44)
    (claim,) = growth_claims("cnn-small", growth, [])
    assert claim.name == "A2-growth-as-picture-cnn-small" and claim.verdict == verdict
    assert claim.networks == 18 and claim.images == 100 and "widths 8 to 32" in claim.statistic


def test_only_widths_in_the_span_of_both_are_fitted():
    growth = compared_growth(matrix_of(0.3, (2, 4, 8, 11, 32, 200), 0.01), (2, 4, 8, 11, 32, 200), PICTURE)
    assert growth.widths == (8, 11, 32)  # the picture ends at 128


@pytest.mark.parametrize("widths", [(2, 4, 8), (2, 8, 16), (2, 4, 8, 16), (150, 200, 250)])
def test_fewer_than_three_widths_in_the_span_have_no_exponent(widths):
    assert compared_growth(matrix_of(0.3, widths, 0.01), widths, PICTURE) is None


def test_where_similarity_is_not_positive_nothing_is_decided():
    matrix = matrix_of(0.44, (8, 16, 32), 0.001)
    matrix.values[0, 1] = matrix.values[1, 0] = -0.01
    (claim,) = growth_claims("cnn-small", compared_growth(matrix, (8, 16, 32), PICTURE), [])
    assert claim.verdict == UNDECIDED


def test_planted_populations_with_one_mean_direction_are_read_as_they_are():
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), 20, 200, rng) for kappa in (4, 8, 16, 32)]
    matrix = similarity_matrix(populations, rng, 60)
    np.testing.assert_allclose(own_similarity(matrix.values), np.diagonal(matrix.values), rtol=0.05)
