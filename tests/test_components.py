"""Components are numpy's singular vectors, CKA in their terms is CKA; few images may carry the first of them."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import t as student

from lib.cka import linear_cka
from lib.cka.block_components import Settings, dropped_cka
from lib.cka.components import (
    component_cka,
    components,
    dominant,
    first_component,
    shared,
    shared_interval,
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


@pytest.mark.parametrize("features", [7, 90])
def test_the_first_component_is_that_of_the_singular_values(features):
    x = representation(features)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    found = first_component(gram(x))
    assert found.variance == pytest.approx(s[0] ** 2, rel=1e-12)
    assert found.share == pytest.approx(s[0] ** 2 / (s**2).sum(), rel=1e-12)
    assert abs(found.coefficients @ u[:, 0]) == pytest.approx(1, abs=1e-10)
    assert found.coefficients[np.abs(found.coefficients).argmax()] > 0


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


def coefficients(seed=0):
    return np.random.default_rng(seed).standard_normal(IMAGES)


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


@pytest.mark.parametrize("batch, layers", [(119, 4), (3, 4), (30, 1)])
def test_too_few_images_or_layers_are_refused(batch, layers):
    grams, vector = planted(layers=layers)
    with pytest.raises(ValueError, match=f"batches of 4 to 118 images, what is left of 120; not {layers} and {batch}"):
        dropped_cka(grams, vector, Settings(batch, 1, 2, 2, 0), torch.Generator())
