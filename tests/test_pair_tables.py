"""Tables of pairs refuse what is no table, and intervals over networks are those of a jackknife done by hand."""

import numpy as np
import pytest

from lib.statistics.pairs import PairTable, jackknife


def mean_of_first_view(table):
    return table.of_pairs(table.views).mean(1)[0]


def test_the_interval_of_a_mean_of_sums_is_that_of_the_networks():
    """Where a pair's number is the sum of two networks' own, the mean over pairs is twice theirs: leaving networks out of
    all pairs must give the variance 4 s^2 / n of independent draws."""
    rng = np.random.default_rng(1)
    own = rng.standard_normal(9)
    matrix = own[:, None] + own
    table = PairTable(np.full(9, 4), {}, {"rho": matrix}, {})
    estimate, low, high = jackknife(table, mean_of_first_view).interval()
    half = 2.306004 * 2 * own.std(ddof=1) / 3  # Student's quantile for 8 degrees of freedom
    np.testing.assert_allclose(
        [estimate, low, high], [2 * own.mean(), 2 * own.mean() - half, 2 * own.mean() + half], rtol=1e-6
    )


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"widths": np.array([2, 2, 2, 4, 4])}, "at least 4 networks of each width, not 2 of k = 4"),
        (
            {"views": {"rho": np.zeros((4, 4))}},
            r"rho needs a number for every two of 5 networks, not the shape \(4, 4\)",
        ),
        (
            {"outcomes": {"transfer": np.where(np.eye(5)[::-1], np.nan, 0)}},
            "transfer has no finite number for 2 of 10 pairs of networks",
        ),
    ],
)
def test_what_is_no_table_is_refused(change, sentence):
    usual = {"widths": np.full(5, 2), "alone": {}, "views": {"rho": np.zeros((5, 5))}, "outcomes": {}}
    with pytest.raises(ValueError, match=sentence):
        PairTable(**usual | change)


def test_too_few_networks_for_an_interval_are_refused():
    table = PairTable(np.full(3, 2), {}, {"rho": np.eye(3)}, {})
    with pytest.raises(ValueError, match="intervals over networks need at least 4 of each width"):
        jackknife(table, mean_of_first_view)
