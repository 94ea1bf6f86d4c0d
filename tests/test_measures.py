"""What is asked of three views, against scipy and plain formulas, and intervals that hold what they promise."""

import numpy as np
import pytest
from planted_pairs import WIDTHS, planted, symmetric
from scipy.stats import spearmanr

from lib.statistics.pairs import PairTable
from lib.views.measures import Measures, measure, rank_correlations, rank_correlations_within
from lib.views.outcomes import OUTCOMES
from lib.views.three_views import VIEWS


@pytest.fixture(scope="module")
def found():
    return measure(planted(0))


DOUBLINGS = np.log2(WIDTHS)[:, None] + np.log2(WIDTHS)  # of both widths of a pair


def test_rank_correlations_are_those_of_every_two_views_and_of_views_with_outcomes(found):
    table = found.table
    views, outcomes = table.of_pairs(table.views), table.of_pairs(table.outcomes)
    expected = [spearmanr(views[a], views[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(found.between_views(False)[0], expected)
    expected = [[spearmanr(view, outcome).statistic for outcome in outcomes] for view in views]
    np.testing.assert_allclose(found.with_outcomes(False)[0], expected)
    assert found.with_outcomes(True)[0].shape == (len(VIEWS), len(OUTCOMES))
    assert np.abs(found.with_outcomes(True)[0] - expected).max() > 0.01


def test_nothing_depends_on_the_order_of_the_networks(found):
    order = np.random.default_rng(1).permutation(len(WIDTHS))
    table = found.table
    turned = measure(
        PairTable(
            table.widths[order],
            {name: of[order] for name, of in table.alone.items()},
            *(
                {name: matrix[np.ix_(order, order)] for name, matrix in matrices.items()}
                for matrices in (table.views, table.outcomes)
            ),
        )
    )
    for of in (Measures.growth, Measures.skill, Measures.gain, lambda m: m.between_views(True)):
        np.testing.assert_allclose(of(turned), of(found), rtol=1e-6, atol=1e-9)


def test_views_that_follow_each_other_agree_and_those_that_oppose_disagree_everywhere():
    rng = np.random.default_rng(1)
    rho = symmetric(rng, len(WIDTHS))
    table = planted(1, rho=rho, CKA=np.exp(rho), matching=-rho)
    for found in (rank_correlations(table), rank_correlations_within(table)):
        np.testing.assert_allclose(found[:3, :3], [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_combinations_in_which_a_number_is_constant_are_left_out():
    rng = np.random.default_rng(4)
    rho = symmetric(rng, len(WIDTHS))
    flat = np.where(DOUBLINGS == 2, 0.5, rho)  # two networks of k = 2
    assert rank_correlations_within(planted(4, rho=rho, CKA=flat))[0, 1] == 1
    constant = rank_correlations_within(planted(4, rho=np.ones_like(rho)))
    assert np.isnan(constant[0]).all() and np.isfinite(constant[1:, 1:]).all()
