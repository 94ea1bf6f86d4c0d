"""What is asked of three views, against scipy and plain formulas, and intervals that hold what they promise."""

import numpy as np
import pytest
from planted_pairs import WIDTHS, planted, symmetric
from scipy.stats import spearmanr

from lib.statistics.pairs import PairTable, jackknife
from lib.views.view_measures import Measures, measure
from lib.views.view_outcomes import OUTCOMES, TRANSFER
from lib.views.view_pairs import CKA, MATCHING, RHO, VIEWS
from lib.views.view_prediction import ALL, MEAN, MODELS, SOURCES, squared_errors


@pytest.fixture(scope="module")
def found():
    return measure(planted(0))


def test_rank_correlations_are_those_of_every_two_views_and_of_views_with_outcomes(found):
    table = found.table
    views, outcomes = table.of_pairs(table.views), table.of_pairs(table.outcomes)
    expected = [spearmanr(views[a], views[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(found.between_views(False)[0], expected)
    expected = [[spearmanr(view, outcome).statistic for outcome in outcomes] for view in views]
    np.testing.assert_allclose(found.with_outcomes(False)[0], expected)
    assert found.with_outcomes(True)[0].shape == (len(VIEWS), len(OUTCOMES))
    assert np.abs(found.with_outcomes(True)[0] - expected).max() > 0.01


def test_growth_is_the_slope_of_the_means_over_the_widths(found):
    means = found.means.values
    assert means.shape == (3, 3)
    np.testing.assert_allclose(found.growth()[0], np.polyfit([1, 2, 3], means.T, 1)[0])


def test_a_lead_is_the_difference_of_two_skills(found):
    column = OUTCOMES.index(TRANSFER)
    errors = squared_errors(found.table)
    estimate, low, high = found.lead(TRANSFER, CKA, (RHO, MATCHING))
    error = dict(zip(MODELS, errors[:, column]))
    np.testing.assert_allclose(estimate, [(error[other] - error[CKA]) / error[MEAN] for other in (RHO, MATCHING)])
    back = found.lead(TRANSFER, RHO, (CKA,))
    np.testing.assert_allclose([part[0] for part in back], [-estimate[0], -high[0], -low[0]])
    assert found.gain()[0].shape == (len(SOURCES), len(OUTCOMES)) and SOURCES[-1] == ALL


@pytest.mark.parametrize("of", [lambda m, level: m.growth(level), lambda m, level: m.skill(level),
                                lambda m, level: m.gain(level), lambda m, level: m.lead(TRANSFER, RHO, (CKA,), level),
                                lambda m, level: m.with_outcomes(True, level),
                                lambda m, level: m.between_views(False, level)])
def test_a_higher_level_has_wider_intervals_around_the_same_number(found, of):
    (middle, low, high), (same, lower, higher) = (of(found, level) for level in (0.9, 0.99))
    np.testing.assert_array_equal(middle, same)
    assert (lower < low).all() and (high < higher).all()


def test_nothing_depends_on_the_order_of_the_networks(found):
    order = np.random.default_rng(1).permutation(len(WIDTHS))
    table = found.table
    turned = measure(PairTable(table.widths[order], {name: of[order] for name, of in table.alone.items()}, *(
        {name: matrix[np.ix_(order, order)] for name, matrix in matrices.items()}
        for matrices in (table.views, table.outcomes))))
    for of in (Measures.growth, Measures.skill, Measures.gain, lambda m: m.between_views(True)):
        np.testing.assert_allclose(of(turned), of(found), rtol=1e-6, atol=1e-9)


def test_neither_of_two_views_that_are_equally_good_leads():
    """Three views see what decides the outcome, each with noise of its own: a lead is chance."""
    outside = []
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        truth = symmetric(rng, len(WIDTHS))
        views = {name: truth + 0.8 * symmetric(rng, len(WIDTHS)) for name in VIEWS}
        table = planted(seed, transfer=truth + 0.5 * symmetric(rng, len(WIDTHS)), **views)
        _, low, high = Measures(table, None, None, None, jackknife(table, squared_errors)).lead(
            TRANSFER, RHO, (CKA, MATCHING))
        outside.append((low > 0) | (high < 0))
    assert np.mean(outside) < 0.12  # 60 intervals of 95 %


def test_too_few_networks_are_refused():
    with pytest.raises(ValueError, match="intervals over networks need at least 4 of each width"):
        measure(planted(0, np.repeat([2, 4], 3)))
