"""Intervals over networks, and the statistics of ensembles: networks as samples, planted truths, numbers by hand."""

import numpy as np
from planted_ensembles import uneven

from lib.ensembles import measure
from lib.ensembles.comparisons import equal_size_pairs, inside, interval, over_affordable, over_single, over_wide

WIDTHS = (2, 4, 8, 16)


def rows_of(**measures):
    """Measures [widths, sizes] as the rows that statistics take."""
    return [{name: values[row] for name, values in measures.items()} for row in range(len(measures["t"]))]


def test_intervals_of_ensembles_hold_the_truth_as_often_as_they_say():
    """The loss of ensembles that share members, on fixed images; 10,000 pairs stand for all."""
    rng = np.random.default_rng(7)
    truth = np.eye(2)[np.zeros(20, int)]

    def networks(count):
        return rng.standard_normal((count, 20, 2)) + rng.normal(1, 0.7, (count, 1, 1)) * truth

    pairs = networks(20_000).reshape(2, -1, 20, 2).mean(0)
    expected = np.logaddexp(0, pairs[..., 1] - pairs[..., 0]).mean()
    directions = uneven(6, 20, rng)
    held = []
    for _ in range(200):
        found = measure(directions, networks(6), np.zeros(20, int), rng)
        _, low, high = interval([found], lambda rows: rows[0]["loss logits"][1])
        held.append(low <= expected <= high)
    assert 0.89 < np.mean(held) < 0.99


def test_the_comparison_at_equal_cosine_interpolates_log_loss_and_knows_its_ends():
    def loss_of(t):
        return 0.5 * np.exp(-3 * t)

    x = np.array([[0.4, 0.5, 0.9], [0.2, 0.3, 0.39], [0.6, 0.7, 0.1]])  # not in order
    np.testing.assert_allclose(over_single(x, loss_of(x))[inside(x)], 1)
    np.testing.assert_array_equal(inside(x), [[True, False], [True, True], [False, False]])
    # Beyond the ends single networks count with the loss of the last one.
    np.testing.assert_allclose(over_single(x, loss_of(x))[0, 1], loss_of(0.9) / loss_of(0.6))


def test_ensembles_stand_beside_one_network_of_as_many_parameters():
    assert equal_size_pairs(WIDTHS, (1, 2, 4, 8, 16)) == [(0, 2, 1), (0, 4, 2), (1, 2, 2), (1, 4, 3), (2, 2, 3)]
    assert equal_size_pairs((4, 6, 9), (1, 2)) == []
    values = np.array([[8.0, 7.0, 6.0], [3.0, 2.5, 2.0]])
    np.testing.assert_allclose(over_wide(rows_of(t=values), "t", [(0, 2, 1)]), [6 / 3])


def test_the_best_network_that_costs_no_more_is_found_where_cost_does_not_rise_with_width():
    cost = np.outer([1.0, 3.0, 2.0], [1, 2, 4])
    loss = np.array([[8.0, 7.0, 6.0], [4.0, 3.5, 3.0], [2.0, 1.8, 1.5]])
    # 2 of the first cost as much as one of the third; 4 of it, and 2 or 4 of the others, more than any single network.
    np.testing.assert_allclose(over_affordable(cost, loss), [[7 / 2, np.nan], [np.nan] * 2, [np.nan] * 2])
    slow = np.outer([1.0, 5.0, 9.0], [1, 2, 4])  # 2 of the first buy nothing better than one of their own
    np.testing.assert_allclose(over_affordable(slow, loss), [[np.nan] * 2, [np.nan] * 2, [np.nan] * 2])
    np.testing.assert_allclose(over_affordable(np.outer([1.0, 4.0, 9.0], [1, 2, 4]), loss)[0], [np.nan, 6 / 4])
