"""Steps deeper and wider: gains of accuracy, and what they differ by from image to image."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from lib.effects.accuracy_steps import first_over_last, ladders, network_difference, steps
from lib.training.wide_and_deep import Architecture

LADDER = [Architecture(14), Architecture(26), Architecture(38), Architecture(56)]


def planted(rates, networks=8, images=50):
    rng = np.random.default_rng(0)
    return {one: (rng.random((networks, images)) < rate).astype(float) for one, rate in zip(LADDER, rates)}


def test_ladders_change_one_thing_and_rise():
    assert ladders([26, 14], [4, 1, 2], 20) == {
        "deeper": [Architecture(14), Architecture(26)],
        "wider": [Architecture(20), Architecture(20, 2), Architecture(20, 4)]}


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
        tables = {one: mean + sd * rng.standard_normal((6, 1)) for one, mean, sd in zip(
            LADDER, (0.5, 0.7, 0.75, 0.77), (0.03, 0.01, 0.02, 0.02))}
        _, low, high = first_over_last(tables, LADDER)
        inside += low <= 0.2 - 0.02 <= high
    assert 0.92 <= inside / 500 <= 0.98


def test_one_step_has_no_first_and_last():
    with pytest.raises(ValueError, match="^a first and a last step need at least 3 architectures, not 2$"):
        first_over_last(planted([0.5, 0.7]), LADDER[:2])
