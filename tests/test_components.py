"""Components are numpy's singular vectors, CKA in their terms is CKA; few images may carry the first of them."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import t as student

from lib.cka import linear_cka
from lib.cka.block_components import Settings, dropped_cka
from lib.cka.components import (
    TOP,
    carried,
    component_cka,
    components,
    dominant,
    excess_carried,
    first_component,
    norm_rank,
    normal_carried,
    one_percent,
    shared,
    shared_interval,
    squared_cosines,
    without_first,
)

N, IMAGES = 40, 600


def representation(features, seed=0, strength=0.0, direction=None, n=N):
    """Noise [n, features], plus a rank-one part of this strength whose coefficients are `direction` [n]."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features)) + 3
    if strength:
        x += strength * np.outer(direction, rng.standard_normal(features))
    return x


def unit(seed=0, n=N):
    vector = np.random.default_rng(seed).standard_normal(n)
    vector -= vector.mean()
    return vector / np.linalg.norm(vector)


def gram(x):
    x = x - x.mean(0)
    return x @ x.T


@pytest.mark.parametrize("features", [7, N, 90])
def test_components_are_singular_vectors(features):
    x = representation(features)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    found = components(x)
    kept = min(features, N - 1)  # centring takes one away
    assert found.variances.shape == (kept,) and found.vectors.shape == (N, kept)
    np.testing.assert_allclose(found.variances, s[:kept] ** 2, rtol=1e-9)
    np.testing.assert_allclose(np.abs((found.vectors * u[:, :kept]).sum(0)), 1, rtol=1e-8)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(kept), atol=1e-9)


@pytest.mark.parametrize("p, q", [(7, 5), (90, 7), (90, 120), (3, 1)])
def test_cka_in_terms_of_components_is_biased_linear_cka(p, q):
    x, y = representation(p), representation(q, seed=1)
    y[:, 0] += x[:, 0]
    assert abs(component_cka(components(x), components(y)) - linear_cka(x, y, unbiased=False)) < 1e-10
    assert component_cka(components(x), components(x)) == pytest.approx(1, abs=1e-12)


def test_activations_of_any_shape_are_flattened():
    x = representation(24)
    for a, b in zip(components(x), components(x.reshape(N, 2, 3, 4))):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("features", [7, 90])
def test_the_first_component_is_that_of_the_singular_values(features):
    x = representation(features)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    found = first_component(gram(x))
    assert found.variance == pytest.approx(s[0] ** 2, rel=1e-12)
    assert found.share == pytest.approx(s[0] ** 2 / (s**2).sum(), rel=1e-12)
    assert abs(found.coefficients @ u[:, 0]) == pytest.approx(1, abs=1e-10)
    assert found.coefficients[np.abs(found.coefficients).argmax()] > 0


def test_a_planted_component_is_found():
    direction = unit()
    weak, strong = (
        first_component(gram(representation(50, strength=strength, direction=direction))) for strength in (1, 100)
    )
    assert weak.share < 0.2 and strong.share > 0.95
    assert (strong.coefficients @ direction) ** 2 > 0.998


def test_features_may_be_turned_scaled_and_shifted():
    x = representation(30)
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((30, 30)))
    before, after = first_component(gram(x)), first_component(gram(-2.5 * x @ turn + 7))
    assert after.share == pytest.approx(before.share, rel=1e-10)
    np.testing.assert_allclose(after.coefficients, before.coefficients, atol=1e-8)


def test_images_may_come_in_another_order():
    x, order = representation(30), np.random.default_rng(5).permutation(N)
    before, after = first_component(gram(x)), first_component(gram(x[order]))
    np.testing.assert_allclose(after.coefficients, before.coefficients[order], atol=1e-8)


@pytest.mark.parametrize("features", [7, 90])
def test_removal_takes_the_first_component_and_leaves_the_rest(features):
    x = representation(features)
    centred = x - x.mean(0)
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    left = without_first(gram(x))
    removed = centred - s[0] * np.outer(u[:, 0], v[0])
    np.testing.assert_allclose(left, removed @ removed.T, atol=1e-9 * s[0] ** 2)
    np.testing.assert_allclose(np.linalg.eigvalsh(left)[::-1][:5], s[1:6] ** 2, rtol=1e-9)
    assert np.abs(left @ u[:, 0]).max() < 1e-9 * s[0] ** 2


def test_cka_is_the_squared_cosine_where_one_component_dominates_both():
    first, other = unit(1), unit(2)
    turned = 0.8 * first + 0.6 * (other - (other @ first) * first) / np.linalg.norm(other - (other @ first) * first)
    x, y = (representation(60, seed, 300, direction) for seed, direction in ((3, first), (4, turned)))
    vectors = np.stack([first_component(gram(layer)).coefficients for layer in (x, y)])
    cosines = squared_cosines(vectors)
    np.testing.assert_allclose(np.diagonal(cosines), 1)
    assert cosines[0, 1] == pytest.approx(0.64, abs=0.01)
    assert linear_cka(x, y, unbiased=False) == pytest.approx(cosines[0, 1], abs=0.01)
    noise = [representation(60, seed) for seed in (3, 4)]
    vectors = np.stack([first_component(gram(layer)).coefficients for layer in noise])
    assert abs(linear_cka(*noise, unbiased=False) - squared_cosines(vectors)[0, 1]) > 0.1  # and not where none does


def test_what_has_no_components_is_refused():
    with pytest.raises(ValueError, match="the same for all images has no components"):
        components(np.full((5, 3), 0.1))
    with pytest.raises(ValueError, match="finite features of at least 2 images"):
        components(np.ones((1, 3)))
    with pytest.raises(ValueError, match="finite features"):
        components(np.array([[1.0, np.nan], [0, 1]]))
    with pytest.raises(ValueError, match="the same for all images has no first component"):
        first_component(np.zeros((4, 4)))
    for wrong in (np.ones((4, 5)), np.eye(2), np.ones(4), np.full((4, 4), np.inf)):
        with pytest.raises(ValueError, match="a Gram matrix must be finite"):
            first_component(wrong)
    with pytest.raises(ValueError, match="both need the same images, not 40 and 39"):
        component_cka(components(representation(5)), components(representation(5)[1:]))


def test_a_tensor_is_taken_as_it_is():
    x = torch.from_numpy(representation(9)).float()
    np.testing.assert_allclose(components(x).variances, components(x.double().numpy()).variances)


def coefficients(seed=0):
    return np.random.default_rng(seed).standard_normal(IMAGES)


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
    np.testing.assert_allclose(normal_carried(IMAGES), drawn, atol=0.002)
    # E[z^2; z > q] of the largest 1 % in the limit: 0.01 + 2 q phi(q), q the 99.5 % quantile
    assert normal_carried(10**6)[10**4 - 1] == pytest.approx(0.0845, abs=2e-4)


def test_excess_over_a_normal_law_is_none_for_one_and_large_for_one_outlier():
    assert abs(np.mean([excess_carried(coefficients(seed)) for seed in range(100)])) < 0.005
    vector = coefficients()
    vector[3] = 100
    assert excess_carried(vector) > 0.85
    assert excess_carried(np.sign(coefficients())) == pytest.approx(6 / IMAGES - normal_carried(IMAGES)[5])
    assert [one_percent(count) for count in (20, 597, 2000)] == [1, 6, 20]


def test_the_rank_of_lengths_is_one_half_by_chance_and_one_for_the_longest():
    vector = coefficients()
    assert norm_rank(vector, np.abs(vector)) == pytest.approx(1 - TOP / 2 / IMAGES)
    assert norm_rank(vector, -np.abs(vector)) == pytest.approx(TOP / 2 / IMAGES)
    rng = np.random.default_rng(1)
    assert np.mean([norm_rank(vector, rng.random(IMAGES)) for _ in range(400)]) == pytest.approx(0.5, abs=0.02)
    assert norm_rank(vector, np.ones(IMAGES)) == 0.5


def test_unrelated_orders_share_what_chance_gives():
    assert shared(coefficients(), -coefficients()) == 1
    rng = np.random.default_rng(1)
    found = [shared(rng.standard_normal(100), rng.standard_normal(100)) for _ in range(400)]
    assert np.mean(found) == pytest.approx(TOP / 100, abs=0.015)


def test_what_seeds_share_is_a_mean_over_pairs_with_their_jackknife_interval():
    rows = [coefficients(seed) for seed in range(4)]
    rows[1][dominant(rows[0])[:6]] = rows[2][dominant(rows[0])[:3]] = 100

    def mean(chosen):
        return np.mean([shared(first, second) for first, second in combinations(chosen, 2)])

    estimate, low, high = shared_interval(rows, 0.9)
    assert estimate == pytest.approx(mean(rows)) == pytest.approx((low + high) / 2)
    pseudo = [4 * mean(rows) - 3 * mean(rows[:i] + rows[i + 1 :]) for i in range(4)]
    assert high - low == pytest.approx(2 * student.ppf(0.95, 3) * np.std(pseudo, ddof=1) / 2) and high > low
    assert shared_interval([rows[0]] * 3) == pytest.approx((1, 1, 1)) and np.isnan(shared_interval(rows[:2])).all()


def planted(n=120, large=3, layers=4):
    """Layers of noise of their own that agree about a few images alone; and the coefficients of these."""
    rng = np.random.default_rng(0)
    shared_part = np.zeros(n)
    shared_part[:large] = 60, -50, 55
    found = [rng.standard_normal((n, 40)) + np.outer(shared_part, rng.standard_normal(40)) for _ in range(layers)]
    return torch.from_numpy(np.stack([x @ x.T for x in found])), shared_part / np.linalg.norm(shared_part)


def test_layers_that_agree_about_few_images_are_unlike_without_them():
    grams, vector = planted()
    found = dropped_cka(grams, vector, Settings(29, 4, 3, 5, 0), torch.Generator().manual_seed(0))
    assert found.none > 0.9 and found.dominant < 0.1 and found.random > 0.8


def test_images_like_all_others_do_not_matter():
    rng = np.random.default_rng(0)
    common = rng.standard_normal((120, 40))
    grams = torch.from_numpy(np.stack([x @ x.T for x in (common + rng.standard_normal((120, 40)) for _ in range(3))]))
    found = dropped_cka(grams, rng.standard_normal(120), Settings(29, 4, 3, 5, 0), torch.Generator().manual_seed(0))
    np.testing.assert_allclose(found, found.none, atol=0.03)


def test_the_same_generator_drops_the_same_images():
    grams, vector = planted()
    first, second = (
        dropped_cka(grams, vector, Settings(30, 1, 2, 2, 0), torch.Generator().manual_seed(4)) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("batch, layers", [(119, 4), (3, 4), (30, 1)])
def test_too_few_images_or_layers_are_refused(batch, layers):
    grams, vector = planted(layers=layers)
    with pytest.raises(ValueError, match=f"batches of 4 to 118 images, what is left of 120; not {layers} and {batch}"):
        dropped_cka(grams, vector, Settings(batch, 1, 2, 2, 0), torch.Generator())
