"""Classes compared one by one: Welch's test against scipy, and how many differ by chance."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kstest, ttest_ind

from lib.effects.class_differences import class_accuracy, class_differences, welch_p
from lib.statistics.group_contrast import dealt_again, of_group


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
