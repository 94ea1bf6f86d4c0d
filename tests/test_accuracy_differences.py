"""Steps deeper and wider, all images and class by class: gains are Welch's, and how many classes differ by chance."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kstest, ttest_ind

from lib.effects.accuracy_differences import (
    class_accuracy,
    class_differences,
    first_over_last,
    ladders,
    network_difference,
    steps,
    welch_p,
)
from lib.statistics.contrasts import dealt_again, of_group
from lib.training.wide_and_deep import Architecture

LADDER = [Architecture(14), Architecture(26), Architecture(38), Architecture(56)]


def planted(rates, networks=8, images=50):
    rng = np.random.default_rng(0)
    return {one: (rng.random((networks, images)) < rate).astype(float) for one, rate in zip(LADDER, rates)}


def test_ladders_change_one_thing_and_rise():
    assert ladders([26, 14], [4, 1, 2], 20) == {
        "deeper": [Architecture(14), Architecture(26)],
        "wider": [Architecture(20), Architecture(20, 2), Architecture(20, 4)],
    }


def test_a_step_is_the_larger_less_the_smaller():
    tables = planted([0.5, 0.6, 0.9, 0.9])
    found = steps(tables, LADDER, np.random.default_rng(0), 100)
    assert [(step.small, step.large) for step in found] == list(zip(LADDER, LADDER[1:]))
    for step in found:
        assert step.gain[0] == pytest.approx(tables[step.large].mean() - tables[step.small].mean())
        assert 0 < step.spread.p <= 1
    assert found[1].gain[1] > 0


def test_the_interval_of_a_gain_is_welch_s_over_networks():
    tables = planted([0.5, 0.7])
    large, small = tables[LADDER[1]], tables[LADDER[0]]
    low, high = ttest_ind(large.mean(1), small.mean(1), equal_var=False).confidence_interval(0.9)
    assert network_difference(large, small, 0.9)[1:] == pytest.approx((low, high))


def test_the_first_step_over_the_last_counts_a_shared_architecture_twice():
    tables = planted([0.5, 0.7, 0.8])
    means = [tables[one].mean(1) for one in LADDER[:3]]
    estimate, low, high = first_over_last(tables, LADDER[:3])
    assert estimate == pytest.approx(2 * means[1].mean() - means[0].mean() - means[2].mean())
    # Networks of different architectures are independent: the margin is that of this sum of means.
    variance = sum(weight**2 * values.var(ddof=1) / len(values) for weight, values in zip((1, 2, 1), means))
    assert 1.96 * np.sqrt(variance) < (high - low) / 2 < 2.5 * np.sqrt(variance)


def test_intervals_hold_the_truth_in_nineteen_of_twenty():
    inside = 0
    rng = np.random.default_rng(0)
    for _ in range(500):
        tables = {
            one: mean + sd * rng.standard_normal((6, 1))
            for one, mean, sd in zip(LADDER, (0.5, 0.7, 0.75, 0.77), (0.03, 0.01, 0.02, 0.02))
        }
        _, low, high = first_over_last(tables, LADDER)
        inside += low <= 0.2 - 0.02 <= high
    assert 0.92 <= inside / 500 <= 0.98


def test_one_step_has_no_first_and_last():
    with pytest.raises(ValueError, match="^a first and a last step need at least 3 architectures, not 2$"):
        first_over_last(planted([0.5, 0.7]), LADDER[:2])


def test_the_accuracy_of_a_class_is_the_mean_over_its_images():
    hits = np.array([[1.0, 0, 1, 1, 0], [0, 0, 1, 0, 1]])
    np.testing.assert_allclose(class_accuracy(hits, np.array([0, 0, 2, 1, 1]), 3), [[0.5, 0.5, 1], [0, 0.5, 1]])
    with pytest.raises(ValueError, match="^class 3 has no test image; take more test images$"):
        class_accuracy(hits, np.array([0, 1, 2, 4, 4]), 5)


def test_welch_is_scipy_s_for_every_grouping():
    rng = np.random.default_rng(0)
    table = 5 + rng.standard_normal((11, 6)) * np.linspace(0.01, 3, 6)
    groups = dealt_again(of_group(4, 7), rng, 5)
    for found, group in zip(welch_p(table, groups), groups):
        np.testing.assert_allclose(found, ttest_ind(table[group], table[~group], equal_var=False).pvalue, rtol=1e-6)


def test_constant_classes_differ_or_do_not():
    table = np.array([[0.3, 0.7, 0.0, 0.5]] * 4 + [[0.3, 0.8, 0.0, 0.5]] * 4)
    table[:4, 2] += [0.1, 0.2, 0.3, 0.4]  # one group alone is constant
    first = of_group(4, 4)
    expected = ttest_ind(table[:4, 2], table[4:, 2], equal_var=False).pvalue
    np.testing.assert_allclose(welch_p(table, first), [1, 0, expected, 1])


def test_discoveries_and_the_share_follow_from_the_p_values():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.5, 0.05, (2, 10, 30))
    first[:, :8] += 0.08
    found = class_differences(first, second, rng, 200)
    p = ttest_ind(first, second, equal_var=False).pvalue
    np.testing.assert_allclose(found.p, p)
    assert found.share == (p < 0.05).mean() and found.change[:8].min() > 0
    np.testing.assert_array_equal(found.discovered, false_discovery_control(p) < 0.05)
    assert found.chance.shape == (200,) and found.chance.mean() < found.share and found.share_p < 0.05


def test_classes_that_go_together_do_not_make_chance_rare():
    """A network's skill moves all its classes: many differ at once by chance, and the deals know it."""
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        table = rng.standard_normal((16, 1)) + 0.3 * rng.standard_normal((16, 8))
        shares.append(class_differences(table[:8], table[8:], rng, 99).share_p)
    assert np.mean(np.array(shares) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_p_of_a_class_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(0)
    p = welch_p(rng.standard_normal((12, 2000)), of_group(6, 6))
    assert kstest(p, "uniform").pvalue > 0.01
