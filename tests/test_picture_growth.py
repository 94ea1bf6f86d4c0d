"""The picture of one network a width: its readings for rho(k, k), and exponents over the widths that both have."""

import numpy as np
import pytest

from lib.chapters.scale_claims import growth_claim
from lib.released import released_pictures
from lib.released.picture_growth import at_width, compared_growth, neighbours, own_similarity
from lib.released.released_pictures import WIDTHS
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.statistics.sample import Sample
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED


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
    return Sample(values, without, np.stack([values] * 20), np.stack([without] * 3),
                            (networks,) * len(widths), 100)


@pytest.mark.parametrize("exponent, spread, verdict", [
    (0.44, 0.001, SUPPORTED), (0.30, 0.001, SUPPORTED), (0.80, 0.001, SUPPORTED), (0.15, 0.001, CONTRADICTED),
    (1.0, 0.001, CONTRADICTED), (-0.44, 0.001, CONTRADICTED), (0.22, 0.01, UNDECIDED), (0.44, 0.5, UNDECIDED)])
def test_growth_is_as_in_the_picture_within_a_factor_of_two(exponent, spread, verdict):
    growth = compared_growth(matrix_of(exponent, (2, 8, 16, 32), spread), (2, 8, 16, 32), PICTURE)
    assert growth.here[0] == pytest.approx(exponent) and growth.picture == pytest.approx(0.44)
    assert growth.ratio[0] == pytest.approx(exponent / 0.44)
    claim = growth_claim("cnn-small", growth)
    assert claim.name == "A2-growth-as-picture-cnn-small" and claim.verdict == verdict
    assert claim.networks == 18 and claim.images == 100 and "widths 8 to 32" in claim.statistic


def test_only_widths_in_the_span_of_both_are_fitted():
    growth = compared_growth(matrix_of(0.3, (2, 4, 8, 11, 32, 200), 0.01), (2, 4, 8, 11, 32, 200), PICTURE)
    assert growth.widths == (8, 11, 32) and growth.picture_widths == WIDTHS  # up to 128: 200 is beyond it
    growth = compared_growth(matrix_of(0.3, (2, 8, 16, 32), 0.01), (2, 8, 16, 32), PICTURE)
    assert growth.picture_widths == (8, 10, 12, 14, 16, 20, 24, 28, 32)


@pytest.mark.parametrize("widths", [(2, 4, 8), (2, 8, 16), (2, 4, 8, 16), (150, 200, 250)])
def test_fewer_than_three_widths_in_the_span_have_no_exponent(widths):
    assert compared_growth(matrix_of(0.3, widths, 0.01), widths, PICTURE) is None


def test_where_similarity_is_not_positive_nothing_is_decided():
    matrix = matrix_of(0.44, (8, 16, 32), 0.001)
    matrix.values[0, 1] = matrix.values[1, 0] = -0.01
    assert growth_claim("cnn-small", compared_growth(matrix, (8, 16, 32), PICTURE)).verdict == UNDECIDED


def test_planted_populations_with_one_mean_direction_are_read_as_they_are():
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), 20, 200, rng) for kappa in (4, 8, 16, 32)]
    matrix = similarity_matrix(populations, rng, 60)
    np.testing.assert_allclose(own_similarity(matrix.values), np.diagonal(matrix.values), rtol=0.05)


def test_the_released_picture_has_the_numbers_of_the_fact_sheet(released):
    picture = released_pictures.similarities(released[8].parent).values
    for width, t in {8: 0.20, 16: 0.29, 20: 0.33, 32: 0.41, 64: 0.51, 128: 0.68}.items():
        assert at_width(picture, width) == pytest.approx(t**2, abs=0.015)
    assert neighbours(picture, WIDTHS)[1][[0, -1]] == pytest.approx([0.04, 0.43], abs=0.01)
