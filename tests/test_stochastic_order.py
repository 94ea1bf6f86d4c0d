"""Stochastic order: intervals that hold the truth, tests at single images that do not find what is not there."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu, permutation_test

from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.stochastic_order import (
    bulk,
    cosines,
    discoveries,
    exchange_test,
    fewest_discoveries,
    rise,
    smallest_p,
)

DIM = 16


def population(rng, networks, images, shift, spread=0.0, dim=DIM):
    """Gaussian directions about the first axis; `spread`: how much the networks differ in their concentration."""
    drawn = rng.standard_normal((networks, images, dim)) * np.exp(spread * rng.standard_normal((networks, 1, 1)))
    drawn[:, :, 0] += shift
    return drawn / np.linalg.norm(drawn, axis=2, keepdims=True)


def test_a_rise_is_the_difference_of_the_shares_above_each_threshold():
    rng = np.random.default_rng(1)
    narrow, wide = (cosines(population(rng, 6, 30, shift)) for shift in (1.0, 3.0))
    q = bulk(narrow.t, wide.t)
    np.testing.assert_allclose(
        rise(narrow, wide, q)[0], [(wide.t > one).mean() - (narrow.t > one).mean() for one in q], atol=1e-12
    )
    estimate, low, high = rise(wide, narrow, q)
    np.testing.assert_allclose(estimate, -rise(narrow, wide, q)[0], atol=1e-12)
    np.testing.assert_allclose(low, -rise(narrow, wide, q)[2], atol=1e-12)


@pytest.mark.parametrize("networks, shift", [(5, 1.0), (6, 6.0), pytest.param(20, 3.0, marks=pytest.mark.slow)])
def test_the_interval_of_a_rise_holds_zero_nearly_always_when_both_have_one_law(networks, shift):
    rng = np.random.default_rng(2)
    held = []
    for _ in range(200):
        a, b = (cosines(population(rng, networks, 25, shift, spread=0.15)) for _ in range(2))
        _, low, high = rise(a, b, bulk(a.t, b.t))
        held.append((low <= 0) & (high >= 0))
    # 400 draws gave 0.90 to 0.96 for networks that differ as much as these; the standard error here is 0.02.
    assert np.mean(held) > 0.86


def test_exchanges_give_the_p_value_of_an_exact_permutation_test():
    rng = np.random.default_rng(4)
    narrow, wide = population(rng, 4, 3, 1.0), population(rng, 5, 3, 2.5)
    rises, falls = exchange_test(narrow, wide, rng)
    for image in range(3):
        everyone = np.concatenate([wide, narrow])[:, image]

        def change(a, b):
            return np.mean(
                [
                    leave_one_out_cosines(everyone[part.astype(int)][:, None]).mean() * sign
                    for part, sign in ((a, 2), (b, -2))
                ]
            )

        for p, side in ((rises[image], "greater"), (falls[image], "less")):
            exact = permutation_test((np.arange(5.0), np.arange(5.0, 9.0)), change, vectorized=False, alternative=side)
            assert p == pytest.approx(exact.pvalue)
    assert smallest_p(4, 5) == pytest.approx(1 / 126)


@pytest.mark.parametrize("networks, shift", [(4, 1.0), (6, 0.3), (6, 3.0), (20, 1.0)])
def test_the_test_of_single_images_is_not_liberal_where_a_rank_test_is(networks, shift):
    rng = np.random.default_rng(5)
    count = 1200 if networks < 10 else 600
    narrow, wide = (population(rng, networks, count, shift, dim=32) for _ in range(2))
    error = np.sqrt(0.05 * 0.95 / count)
    for p in exchange_test(narrow, wide, rng, draws=400):
        assert np.mean(p <= 0.05) < 0.05 + 3 * error
    ranks = mannwhitneyu(leave_one_out_cosines(wide), leave_one_out_cosines(narrow), alternative="greater").pvalue
    assert np.mean(ranks <= 0.05) > 0.05 + 3 * error


def test_discoveries_are_those_of_benjamini_and_yekutieli():
    p = np.random.default_rng(10).random(40) ** 4
    assert discoveries([*p, np.nan]) == (false_discovery_control(p, method="by") <= 0.05).sum() > 0
    assert discoveries([np.nan]) == 0


@pytest.mark.parametrize("p, tests", [(1 / 924, 597), (0.003, 60)])
def test_no_fewer_images_than_said_can_be_discovered(p, tests):
    least = fewest_discoveries(p, tests)
    assert discoveries(np.repeat([p, 1.0], [least, tests - least])) == least
    assert discoveries(np.repeat([p, 1.0], [least - 1, tests - least + 1])) == 0


def test_validators_fire():
    rng = np.random.default_rng(11)
    with pytest.raises(ValueError, match="at least 3 networks, not 2"):
        cosines(population(rng, 2, 4, 1.0))
    with pytest.raises(ValueError, match="the same images"):
        rise(cosines(population(rng, 4, 4, 1.0)), cosines(population(rng, 4, 5, 1.0)), np.array([0.0]))
    with pytest.raises(ValueError, match="at least 2 networks, not 1"):
        exchange_test(population(rng, 1, 4, 1.0), population(rng, 4, 4, 1.0), rng)
    with pytest.raises(ValueError, match="the same images and dims"):
        exchange_test(population(rng, 4, 4, 1.0), population(rng, 4, 5, 1.0), rng)
