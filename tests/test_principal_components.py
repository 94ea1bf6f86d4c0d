"""Components are numpy's singular vectors; CKA in their terms is CKA; removing the first leaves the others."""

import numpy as np
import pytest
import torch

from lib.cka import linear_cka
from lib.cka.principal_components import component_cka, components, first_component, squared_cosines, without_first

N = 40


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
    assert abs(component_cka(components(x), components(y)) - linear_cka(x, y, "biased")) < 1e-10
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
    weak, strong = (first_component(gram(representation(50, strength=strength, direction=direction)))
                    for strength in (1, 100))
    assert weak.share < 0.2 and strong.share > 0.95
    assert (strong.coefficients @ direction) ** 2 > 0.998


def test_a_rank_of_one_has_a_share_of_one():
    found = first_component(np.outer(unit(), unit()))
    assert found.share == pytest.approx(1, abs=1e-12)


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
    assert linear_cka(x, y, "biased") == pytest.approx(cosines[0, 1], abs=0.01)
    noise = [representation(60, seed) for seed in (3, 4)]
    vectors = np.stack([first_component(gram(layer)).coefficients for layer in noise])
    assert abs(linear_cka(*noise, "biased") - squared_cosines(vectors)[0, 1]) > 0.1  # and not where none does


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
