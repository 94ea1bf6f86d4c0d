"""Tables of pairs refuse what is no table, and intervals over networks are those of a jackknife done by hand."""

import numpy as np
import pytest
from planted_pairs import WIDTHS, planted

from lib.statistics.pairs import PairTable, jackknife


def mean_of_first_view(table):
    return table.of_pairs(table.views).mean(1)[0]


def test_pairs_are_those_of_different_networks_each_once():
    table = planted(0)
    rows = table.of_pairs(table.views)
    count = len(WIDTHS)
    assert len(table) == count and rows.shape == (3, count * (count - 1) // 2)
    assert (table.first < table.second).all()
    np.testing.assert_array_equal(
        rows[0], [table.views["rho"][i, j] for i in range(count) for j in range(i + 1, count)]
    )


def test_without_a_network_all_its_pairs_are_gone():
    table = planted(0)
    left = table.without(2)
    kept = [i for i in range(len(table)) if i != 2]
    np.testing.assert_array_equal(left.widths, table.widths[kept])
    np.testing.assert_array_equal(left.alone["accuracy"], table.alone["accuracy"][kept])
    for name in table.outcomes:
        np.testing.assert_array_equal(left.outcomes[name], table.outcomes[name][np.ix_(kept, kept)])


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


def test_variances_of_the_widths_add_as_by_hand():
    table = planted(3)
    found = jackknife(table, mean_of_first_view)
    matrix, count = table.views["rho"], len(table)
    without = np.array(
        [np.mean([matrix[i, j] for i in range(count) for j in range(i) if out not in (i, j)]) for out in range(count)]
    )
    parts = [without[WIDTHS == width] for width in np.unique(WIDTHS)]
    variance = sum((len(part) - 1) / len(part) * np.sum((part - part.mean()) ** 2) for part in parts)
    estimate, low, high = found.interval()
    assert estimate == pytest.approx((low + high) / 2)
    ratios = [
        (high - low) / np.sqrt(variance) for _, low, high in (found.interval(level=level) for level in (0.5, 0.95))
    ]
    # Student's quantiles between those of the fewest degrees of freedom, 3, and of all 9 together.
    assert 2 * 0.7027 <= ratios[0] <= 2 * 0.7649 and 2 * 2.2622 <= ratios[1] <= 2 * 3.1825


def test_the_interval_of_a_function_is_that_of_the_function():
    table = planted(4)
    direct = jackknife(table, lambda part: np.exp(mean_of_first_view(part))).interval()
    later = jackknife(table, mean_of_first_view).interval(np.exp)
    np.testing.assert_allclose(direct, later)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"widths": np.array([2, 2, 2, 4, 4])}, "at least 4 networks of each width, not 2 of k = 4"),
        ({"views": {"rho": np.zeros((4, 4))}}, r"rho needs a number for every two of 5 networks, not the shape \(4"),
        ({"outcomes": {"transfer": np.where(np.eye(5)[::-1], np.nan, 0)}}, "transfer has no finite number for 2 of 10"),
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
