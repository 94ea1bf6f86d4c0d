"""How few images carry a component, whether they are the longest, and what CKA is without them."""

import numpy as np
import pytest
import torch

from lib.cka.dominant_images import (
    TOP,
    carried,
    dominant,
    dropped_cka,
    excess_carried,
    mean_shared,
    norm_rank,
    normal_carried,
    one_percent,
    shared,
)

N = 600


def coefficients(seed=0):
    return np.random.default_rng(seed).standard_normal(N)


def test_the_dominant_images_have_the_largest_coefficients_of_either_sign():
    vector = coefficients()
    vector[[5, 17, 300]] = 9, -11, 10
    assert dominant(vector, 3).tolist() == [17, 300, 5]
    assert len(dominant(vector)) == TOP and len(dominant(vector[:4])) == 4


def test_what_images_carry_adds_up():
    found = carried(np.array([1.0, -3.0, 0.0, 2.0]))
    np.testing.assert_allclose(found, [9 / 14, 13 / 14, 1, 1])
    np.testing.assert_allclose(carried(np.full(10, -0.1)), np.arange(1, 11) / 10)
    np.testing.assert_allclose(carried(5 * coefficients()), carried(coefficients()))


def test_under_a_normal_law_the_quantiles_tell_what_few_images_carry():
    drawn = np.mean([carried(coefficients(seed)) for seed in range(300)], axis=0)
    np.testing.assert_allclose(normal_carried(N), drawn, atol=0.002)
    # E[z^2; z > q] of the largest 1 % in the limit: 0.01 + 2 q phi(q), q the 99.5 % quantile
    assert normal_carried(10**6)[10**4 - 1] == pytest.approx(0.0845, abs=2e-4)


def test_excess_over_a_normal_law_is_none_for_one_and_large_for_one_outlier():
    assert abs(np.mean([excess_carried(coefficients(seed)) for seed in range(100)])) < 0.005
    vector = coefficients()
    vector[3] = 100
    assert excess_carried(vector) > 0.85
    assert excess_carried(np.sign(coefficients())) == pytest.approx(6 / N - normal_carried(N)[5])
    assert [one_percent(count) for count in (20, 597, 2000)] == [1, 6, 20]


def test_the_rank_of_lengths_is_one_half_by_chance_and_one_for_the_longest():
    vector = coefficients()
    assert norm_rank(vector, np.abs(vector)) == pytest.approx(1 - TOP / 2 / N)
    assert norm_rank(vector, -np.abs(vector)) == pytest.approx(TOP / 2 / N)
    rng = np.random.default_rng(1)
    assert np.mean([norm_rank(vector, rng.random(N)) for _ in range(400)]) == pytest.approx(0.5, abs=0.02)
    assert norm_rank(vector, np.ones(N)) == 0.5


def test_unrelated_orders_share_what_chance_gives():
    assert shared(coefficients(), -coefficients()) == 1
    rng = np.random.default_rng(1)
    found = [shared(rng.standard_normal(100), rng.standard_normal(100)) for _ in range(400)]
    assert np.mean(found) == pytest.approx(TOP / 100, abs=0.015)


def test_sharing_is_a_mean_over_pairs():
    a, b = coefficients(0), coefficients(1)
    half = b.copy()
    half[dominant(a)[:5]] = 100
    assert mean_shared([a, half]) == shared(a, half) and shared(a, half) >= 0.5
    assert mean_shared([a, a, half]) == pytest.approx((1 + 2 * shared(a, half)) / 3)
    with pytest.raises(ValueError, match="compared in pairs, and there are 1"):
        mean_shared([a])


def planted(n=120, large=3, layers=4):
    """Layers of noise of their own that agree about a few images alone; and the coefficients of these."""
    rng = np.random.default_rng(0)
    shared_part = np.zeros(n)
    shared_part[:large] = 60, -50, 55
    found = [rng.standard_normal((n, 40)) + np.outer(shared_part, rng.standard_normal(40)) for _ in range(layers)]
    return torch.from_numpy(np.stack([x @ x.T for x in found])), shared_part / np.linalg.norm(shared_part)


def test_layers_that_agree_about_few_images_are_unlike_without_them():
    grams, vector = planted()
    found = dropped_cka(grams, vector, 3, 5, 29, 4, torch.Generator().manual_seed(0))
    assert found.none > 0.9 and found.dominant < 0.1 and found.random > 0.8


def test_images_like_all_others_do_not_matter():
    rng = np.random.default_rng(0)
    common = rng.standard_normal((120, 40))
    grams = torch.from_numpy(np.stack([x @ x.T for x in (common + rng.standard_normal((120, 40)) for _ in range(3))]))
    found = dropped_cka(grams, rng.standard_normal(120), 3, 5, 29, 4, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(found, found.none, atol=0.03)


def test_the_same_generator_drops_the_same_images():
    grams, vector = planted()
    first, second = (dropped_cka(grams, vector, 2, 2, 30, 1, torch.Generator().manual_seed(4)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("batch, layers", [(119, 4), (3, 4), (30, 1)])
def test_too_few_images_or_layers_are_refused(batch, layers):
    grams, vector = planted(layers=layers)
    with pytest.raises(ValueError, match=f"batches of 4 to 118 images, what is left of 120; not {layers} and {batch}"):
        dropped_cka(grams, vector, 2, 2, batch, 1, torch.Generator())
