"""Stochastic order: intervals that hold the truth, tests at single images that do not find what is not there."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu, permutation_test, special_ortho_group

from lib.similarity.mean_directions import leave_one_out_cosines
from lib.similarity.stochastic_order import (
    bulk,
    cosines,
    discoveries,
    exchange_test,
    fewest_discoveries,
    pseudo_values,
    rise,
    rise_over_uniform,
    smallest_p,
)

DIM = 16


def population(rng, networks, images, shift, spread=0.0, dim=DIM):
    """Gaussian directions about the first axis; `spread`: how much the networks differ in their concentration."""
    drawn = rng.standard_normal((networks, images, dim)) * np.exp(spread * rng.standard_normal((networks, 1, 1)))
    drawn[:, :, 0] += shift
    return drawn / np.linalg.norm(drawn, axis=2, keepdims=True)


def test_pseudo_values_of_a_mean_are_the_values():
    values = np.random.default_rng(0).standard_normal((7, 3))
    without = np.stack([np.delete(values, i, axis=0).mean(0) for i in range(7)])
    np.testing.assert_allclose(pseudo_values(values.mean(0), without), values, atol=1e-12)


def test_leaving_a_network_out_leaves_it_out_of_the_mean_directions():
    directions = population(np.random.default_rng(0), 5, 4, 2.0)
    found = cosines(directions)
    np.testing.assert_allclose(found.without[2], leave_one_out_cosines(directions[[0, 1, 3, 4]]))
    assert found.dim == DIM and found.t.shape == (5, 4) and found.without.shape == (5, 4, 4)


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


def test_unrelated_directions_do_not_lie_right_of_the_uniform_law():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(40):
        found = cosines(population(rng, 6, 60, 0.0))
        estimate, low, high = rise_over_uniform(found, bulk(found.t))
        held.append((low <= 0) & (high >= 0))
    assert np.mean(held) > 0.88
    assert (rise_over_uniform(cosines(population(rng, 6, 60, 3.0)), np.array([0.0, 0.3]))[1] > 0).all()


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


@pytest.mark.parametrize(
    "networks, shift", [(4, 1.0), (6, 0.3), (6, 3.0), pytest.param(20, 1.0, marks=pytest.mark.slow)]
)
def test_the_test_of_single_images_is_not_liberal_where_a_rank_test_is(networks, shift):
    rng = np.random.default_rng(5)
    count = 1200 if networks < 10 else 600
    narrow, wide = (population(rng, networks, count, shift, dim=32) for _ in range(2))
    error = np.sqrt(0.05 * 0.95 / count)
    for p in exchange_test(narrow, wide, rng, draws=400):
        assert np.mean(p <= 0.05) < 0.05 + 3 * error
    ranks = mannwhitneyu(leave_one_out_cosines(wide), leave_one_out_cosines(narrow), alternative="greater").pvalue
    assert np.mean(ranks <= 0.05) > 0.05 + 3 * error


def test_the_test_of_single_images_is_not_liberal_when_only_the_mean_directions_differ():
    rng = np.random.default_rng(6)
    narrow, wide = population(rng, 6, 1000, 2.0), np.roll(population(rng, 6, 1000, 2.0), 1, axis=2)
    for p in exchange_test(narrow, wide, rng):
        assert np.mean(p <= 0.05) < 0.07


def test_a_rise_is_found_at_single_images_and_its_reverse_is_a_fall():
    rng = np.random.default_rng(7)
    narrow, wide = population(rng, 8, 50, 1.0), population(rng, 8, 50, 12.0)
    rises, falls = exchange_test(narrow, wide, rng)
    assert discoveries(rises) == 50 and discoveries(falls) == 0
    back = exchange_test(wide, narrow, rng)
    assert discoveries(back[1]) == 50 and discoveries(back[0]) == 0


def test_images_on_which_a_network_has_no_direction_are_not_tested():
    rng = np.random.default_rng(8)
    narrow, wide = population(rng, 4, 6, 1.0), population(rng, 4, 6, 4.0)
    narrow[0, 2] = 0
    rises, falls = exchange_test(narrow, wide, rng)
    assert np.flatnonzero(np.isnan(rises)).tolist() == np.flatnonzero(np.isnan(falls)).tolist() == [2]
    rest = exchange_test(np.delete(narrow, 2, 1), np.delete(wide, 2, 1), rng)[0]
    np.testing.assert_allclose(np.delete(rises, 2), rest)
    assert np.isnan(exchange_test(narrow[:, 2:3], wide[:, 2:3], rng)[0]).all()


def test_rotating_everything_changes_nothing():
    rng = np.random.default_rng(9)
    turn = special_ortho_group.rvs(DIM, random_state=rng)
    narrow, wide = population(rng, 5, 20, 1.0), population(rng, 5, 20, 2.0)
    q = bulk(cosines(narrow).t)
    turned = rise(cosines(narrow @ turn), cosines(wide @ turn), q)
    for one, other in zip(rise(cosines(narrow), cosines(wide), q), turned):
        np.testing.assert_allclose(one, other, atol=1e-10)
    for one, other in zip(exchange_test(narrow, wide, rng), exchange_test(narrow @ turn, wide @ turn, rng)):
        np.testing.assert_allclose(one, other)


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
