"""Intervals over networks, and the statistics of ensembles: networks as samples, planted truths, numbers by hand."""

import numpy as np
import pytest
from planted_ensembles import scored, uneven

from lib.ensembles import Ensembles, evaluate, measure
from lib.ensembles.comparisons import (
    averaging_gain,
    common_sizes,
    equal_size_pairs,
    estimates,
    inside,
    interval,
    loss_slopes,
    over_affordable,
    over_single,
    over_wide,
    ratio_interval,
    saved,
    table,
)
from lib.statistics.intervals import difference_interval, mean_interval

WIDTHS = (2, 4, 8, 16)


SIZES = (1, 2, 4)


def rows_of(**measures):
    """Measures [widths, sizes] as the rows that statistics take."""
    return [{name: values[row] for name, values in measures.items()} for row in range(len(measures["t"]))]


def test_single_networks_have_the_intervals_of_any_mean():
    rng = np.random.default_rng(6)
    populations, losses = [], []
    for networks in (5, 8):
        scores, labels = scored(networks, 50, rng)
        populations.append(measure(uneven(networks, 50, rng), scores, labels, rng))
        losses.append(evaluate(np.eye(networks), scores, labels)["loss logits"])
    one = interval(populations[:1], lambda rows: rows[0]["loss logits"][0])
    np.testing.assert_allclose(one, mean_interval(losses[0]))
    two = interval(populations, lambda rows: rows[0]["loss logits"][0] - rows[1]["loss logits"][0], 0.9)
    np.testing.assert_allclose(two, difference_interval(*losses, 0.9))


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


@pytest.mark.parametrize("networks", [6, pytest.param(9, marks=pytest.mark.slow)])
def test_intervals_of_the_cosine_over_its_law_hold_what_pairs_of_uneven_networks_have(networks):
    """R is 0.5 at all images; 10,000 pairs stand for all, and are a little below the law of equal networks."""
    rng = np.random.default_rng(8)
    pairs = uneven(20_000, 20, rng).reshape(2, -1, 20, 32).mean(0)
    truth = (pairs[..., 0] / np.linalg.norm(pairs, axis=2)).mean() / (0.5 / np.sqrt(0.25 + 0.75 / 2))
    assert 0.97 < truth < 0.995
    held = []
    for _ in range(150):
        found = measure(uneven(networks, 20, rng), np.zeros((networks, 20, 2)), np.zeros(20, int), rng)
        _, low, high = ratio_interval([found], lambda rows: (rows[0]["t"] / rows[0]["law"])[1])
        held.append(low <= truth <= high)
    assert 0.87 < np.mean(held) <= 1


def test_intervals_of_ratios_are_symmetric_in_logarithms():
    rng = np.random.default_rng(9)
    scores, labels = scored(6, 30, rng)
    found = measure(uneven(6, 30, rng), scores, labels, rng)
    estimate, low, high = ratio_interval([found], lambda rows: rows[0]["loss logits"])
    np.testing.assert_allclose(estimate, found.values["loss logits"][0])
    np.testing.assert_allclose(low * high, estimate**2)
    assert (low < estimate).all()


def test_widths_with_fewer_networks_shorten_the_table():
    long, short = (Ensembles(SIZES[:size], {"t": np.ones((3, size))}, 2, 10) for size in (3, 2))
    assert table(estimates([long, short]), "t").shape == (2, 2) and common_sizes([long, short]) == (1, 2)


def test_slopes_are_least_squares_at_each_number_of_members():
    rng = np.random.default_rng(10)
    t, noise = rng.uniform(0.2, 0.9, (2, 4, 3))
    rows = rows_of(t=t, loss=np.exp(1 - 2 * t * [1, 2, -3] + noise))
    expected = [np.polyfit(t[:, size], np.log(table(rows, "loss"))[:, size], 1)[0] for size in range(3)]
    np.testing.assert_allclose(loss_slopes(rows, "loss"), expected)


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


def test_gains_and_savings_by_hand():
    loss = np.array([[1.0, 0.8, 0.4], [2.0, 1.0, 0.5]])
    rows = rows_of(t=loss, **{"loss probabilities": loss, "loss logits": loss * [5.0, 0.5, 2.0]})
    assert averaging_gain(rows) == pytest.approx(1)  # halves and doubles; single networks do not count
    np.testing.assert_allclose(saved(rows, "loss probabilities"), [0.6, 1.5])
