"""Intervals over networks hold what they promise, and leave out what is not known."""

import numpy as np
import pytest
from made_components import made
from scipy.stats import linregress
from scipy.stats import t as student

from lib.cka.block_components import with_block
from lib.statistics.contrasts import known_interval, known_values, means, slope_within
from lib.statistics.intervals import mean_interval
from lib.training.wide_and_deep import Architecture

A, B, C = (Architecture(14, width) for width in (1, 2, 4))


def test_values_that_are_not_known_and_architectures_with_too_few_are_left_out():
    found = {
        A: [made(seed) for seed in range(4)],
        B: [made(0), made(1), made(2, start=4)],
        C: [made(seed) for seed in range(3)] + [made(9, start=5)],
    }
    known = known_values(found, lambda network: network.share_contrast())
    assert list(known) == [A, C] and [len(values) for values in known.values()] == [4, 3]
    assert [len(networks) for networks in with_block(found).values()] == [4, 2, 3]
    middle, low, high = means(known, 0.9)
    expected = known[C].mean() + student.ppf(0.95, 2) * known[C].std(ddof=1) / np.sqrt(3)
    assert middle.shape == low.shape == (2,) and high[1] == pytest.approx(expected)
    assert known_values(found, lambda network: np.nan) == {}


def test_few_networks_have_no_interval():
    values = np.array([0.1, np.nan, 0.3, 0.2])
    np.testing.assert_allclose(known_interval(values), mean_interval(values[[0, 2, 3]]))
    assert np.isnan(known_interval(values[:3])).all()


def test_a_slope_within_one_group_is_that_of_scipy():
    x, y = np.random.default_rng(0).standard_normal((2, 9))
    expected = linregress(x, y)
    margin = student.ppf(0.975, 7) * expected.stderr
    np.testing.assert_allclose(
        slope_within({"a": x}, {"a": y}), [expected.slope, expected.slope - margin, expected.slope + margin]
    )


def test_a_slope_within_groups_has_an_intercept_for_each_and_loses_a_degree_of_freedom_for_it():
    rng = np.random.default_rng(1)
    x, y = ({key: rng.standard_normal(4) for key in "abc"} for _ in range(2))
    columns = np.column_stack([np.concatenate(list(x.values())), np.repeat(np.eye(3), 4, axis=0)])
    values = np.concatenate(list(y.values()))
    weights, rest, *_ = np.linalg.lstsq(columns, values, rcond=None)
    error = np.sqrt(rest[0] / 8 * np.linalg.inv(columns.T @ columns)[0, 0])
    estimate, low, high = slope_within(x, {key: part + ord(key) for key, part in y.items()})
    assert estimate == pytest.approx(weights[0])
    assert [low, high] == pytest.approx(
        [weights[0] - student.ppf(0.975, 8) * error, weights[0] + student.ppf(0.975, 8) * error]
    )


def test_a_slope_that_nothing_can_tell_is_nan():
    y = np.array([1.0, 2, 4])
    assert np.isnan(slope_within({"a": np.full(3, 0.1)}, {"a": y})).all()
    assert np.isnan(slope_within({"a": y[:2]}, {"a": y[:2]})).all()
