"""CKA of arrays against published values, the formulas of the papers, and its laws."""

import itertools
import math

import numpy as np
import pytest
import torch

from lib.cka import MinibatchCKA, estimators, hsic, linear_cka
from lib.cka.estimators import batches, centred, gram

both_estimators = pytest.mark.parametrize("unbiased", [False, True], ids=["biased", "unbiased"])


def demo():
    """The pair of representations of the published demo: numpy's legacy generator, seed 1337."""
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    return x, rng.randn(100, 10) + x


def related(n=40, p=6, q=9, seed=0):
    """Two representations that share some of what they say."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p))
    return x, x @ rng.standard_normal((p, q)) + 2 * rng.standard_normal((n, q)) + 3


def song(x, y):
    """HSIC_1 as Song et al. write it, of representations [n, p] and [n, q]."""
    k, l, n = x @ x.T, y @ y.T, len(x)
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    both = np.trace(k @ l) + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k @ l).sum()
    return both / (n * (n - 3))


def projections(x, y):
    """HSIC_0 as vec(HKH) . vec(HLH) / (n - 1)^2, with H written out."""
    n = len(x)
    h = np.eye(n) - 1 / n
    return np.sum((h @ x @ x.T @ h) * (h @ y @ y.T @ h)) / (n - 1) ** 2


SLOW = {False: projections, True: song}


def gram_hsic(x, y, unbiased):
    return hsic(gram(x), gram(y), unbiased=unbiased)


def minibatch(pairs, unbiased=True):
    """CKA of pairs (layers a, layers b or None), a minibatch each."""
    cka = MinibatchCKA(unbiased=unbiased)
    for pair in pairs:
        cka.update(*pair)
    return cka.result()


def rotation(p, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((p, p)))[0]


def test_published_values_of_the_demo():
    x, y = demo()
    assert linear_cka(x, y, unbiased=False) == pytest.approx(0.55761, abs=5e-6)
    assert linear_cka(x, y) == pytest.approx(0.51346, abs=5e-6)
    assert hsic(x @ x.T, y @ y.T) == pytest.approx(9.895955788, abs=1e-9)


@both_estimators
@pytest.mark.parametrize("n", [4, 5, 40])
def test_hsic_and_cka_are_those_of_the_formulas(unbiased, n):
    x, y = related(n)
    slow = SLOW[unbiased]
    for a, b in itertools.product((x, y), repeat=2):
        for found in (gram_hsic(a, b, unbiased), hsic(a @ a.T, torch.as_tensor(b @ b.T), unbiased=unbiased)):
            assert found == pytest.approx(slow(a, b), rel=1e-10)
    if n == 40:
        expected = slow(x, y) / math.sqrt(slow(x, x) * slow(y, y))
        assert linear_cka(x, y, unbiased=unbiased) == pytest.approx(expected, rel=1e-10)
        assert linear_cka(y, x, unbiased=unbiased) == pytest.approx(expected, rel=1e-10)
        assert linear_cka(x, x, unbiased=unbiased) == pytest.approx(1, rel=1e-12)


def test_feature_space_forms_agree():
    """Norms of p x q matrices instead of n x n ones, with the correction of the de-biased form (Kornblith et al.)."""
    x, y = (rows - rows.mean(0) for rows in related())
    n = len(x)

    def biased(a, b):
        return np.sum((a.T @ b) ** 2)

    def unbiased(a, b):
        rows_a, rows_b = (a**2).sum(1), (b**2).sum(1)
        return biased(a, b) - n / (n - 2) * rows_a @ rows_b + rows_a.sum() * rows_b.sum() / ((n - 1) * (n - 2))

    for which, form, factor in ((False, biased, (n - 1) ** 2), (True, unbiased, n * (n - 3))):
        assert gram_hsic(x, y, which) == pytest.approx(form(x, y) / factor, rel=1e-10)
        expected = form(x, y) / math.sqrt(form(x, x) * form(y, y))
        assert linear_cka(x, y, unbiased=which) == pytest.approx(expected, rel=1e-10)


@both_estimators
def test_centring_is_a_projection_with_empty_rows(unbiased):
    k = gram(related()[0]).expand(3, 40, 40)
    once = centred(k, unbiased=unbiased)
    torch.testing.assert_close(once.sum(-1), torch.zeros(3, 40, dtype=torch.float64), rtol=0, atol=1e-10)
    torch.testing.assert_close(centred(once, unbiased=unbiased), once, rtol=0, atol=1e-10)
    torch.testing.assert_close(once, once.transpose(1, 2), rtol=0, atol=1e-10)
    assert not unbiased or not once.diagonal(dim1=1, dim2=2).any()


@both_estimators
def test_rotation_scale_and_shift_of_the_features_change_nothing_and_other_linear_maps_do(unbiased):
    x, y = related(q=12)

    def cka(a, b):
        return linear_cka(a, b, unbiased=unbiased)

    value, order = cka(x, y), np.random.default_rng(0).permutation(40)
    swapped, padded = x[:, [3, 0, 1, 2, 5, 4]], np.hstack([x, np.ones((40, 3))])
    for changed in [x @ rotation(6), 1e-3 * x, -7 * x, x + 100 * np.arange(6), swapped, padded]:
        assert cka(changed, y) == pytest.approx(value, rel=1e-9)
        assert cka(x, changed) == pytest.approx(cka(x, x), rel=1e-9)
    stretched = x @ rotation(6) @ np.diag([20, 5, 1, 1, 0.2, 0.05])
    assert abs(cka(stretched, y) - value) > 0.1 and cka(stretched, x) < 0.8
    assert cka(x[::-1].copy(), y) < value - 0.2, "the images must correspond"
    assert cka(x[order], y[order]) == pytest.approx(value, rel=1e-10)
    assert cka(x, y.reshape(40, 2, 3, 2)) == pytest.approx(value, rel=1e-12)


def test_labels_are_representations_too():
    labels = np.arange(40) % 3
    one_hot = np.eye(3)[labels]
    value = linear_cka(one_hot, related()[0])
    for same in (one_hot.astype(int), one_hot.astype(bool), torch.tensor(one_hot, requires_grad=True)):
        assert linear_cka(same, related()[0]) == pytest.approx(value, rel=1e-12)
    assert linear_cka(labels, labels[:, None].astype(float), unbiased=False) == pytest.approx(1)


def test_of_independent_data_the_unbiased_value_is_about_zero_and_the_biased_one_is_not():
    """30 images, 100 independent features: HSIC_0 sees the chance overlap, which HSIC_1 takes away on average."""
    draws = [np.random.default_rng(seed).standard_normal((2, 30, 100)) for seed in range(300)]
    biased, unbiased = (np.array([linear_cka(*draw, unbiased=one) for draw in draws]) for one in (False, True))
    error = unbiased.std() / math.sqrt(300)
    assert abs(unbiased.mean()) < 4 * error < 0.02
    assert biased.min() > 0.5 and (unbiased < 0).any()


@both_estimators
@pytest.mark.parametrize("features", [3, 80])
def test_many_images_have_the_cka_of_their_gram_matrices_which_are_not_held(monkeypatch, features, unbiased):
    x, y = related(60)[0], np.random.default_rng(1).standard_normal((60, features)) + 3
    pairs = [([x, x**2], [y, x[:, :1]]), ([y, x], [x, y[:, :2]])]
    slow = minibatch(pairs, unbiased)
    monkeypatch.setattr(estimators, "WHOLE", 50)
    monkeypatch.setattr(estimators, "BLOCK", 7 * 60 * 4)
    monkeypatch.setattr(estimators, "gram", None)
    np.testing.assert_allclose(minibatch(pairs, unbiased), slow, rtol=1e-10)
    with pytest.raises(ValueError, match="^layer y is the same for all images, or for all but one: it has no CKA$"):
        linear_cka(x, np.ones((60, 2)), unbiased=unbiased)


def test_unbiased_hsic_of_samples_is_on_average_that_of_the_population():
    """Of 5 drawn from 2,000, without replacement; biased HSIC is too large."""
    x, y = related(2000)
    rng = np.random.default_rng(1)
    draws = [rng.choice(2000, 5, replace=False) for _ in range(6000)]
    for unbiased, slow in SLOW.items():
        samples = np.array([slow(x[draw], y[draw]) for draw in draws])
        error = samples.std() / math.sqrt(len(samples))
        deviation = samples.mean() - gram_hsic(x, y, unbiased)
        assert abs(deviation) < 4 * error if unbiased else deviation > 10 * error


@both_estimators
def test_minibatches_average_hsic_and_divide_once(unbiased):
    """Batches of very different size and HSIC, a pair of layers and a batch at a time."""
    layers = [
        10 * related(30, p=p, q=q, seed=seed)[side] for p, q, seed, side in ((5, 7, 0, 0), (5, 7, 0, 1), (3, 3, 1, 0))
    ]
    layers = [np.concatenate([0.1 * layer[:10], layer[10:]]) for layer in layers]
    parts = [[layer[chosen] for layer in layers] for chosen in (slice(10), slice(10, 14), slice(14, 30))]

    def mean_hsic(i, j):
        return np.mean([SLOW[unbiased](part[i], part[j]) for part in parts])

    expected = [[mean_hsic(i, j) / math.sqrt(mean_hsic(i, i) * mean_hsic(j, j)) for j in range(3)] for i in range(3)]
    found = minibatch([(part,) for part in parts], unbiased)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found.dtype == np.float64 and np.abs(found - found.T).max() == 0
    np.testing.assert_allclose(minibatch([(part[:1], part[1:]) for part in parts], unbiased), found[:1, 1:])
    by_name = [(dict(zip("abc", map(torch.as_tensor, part))), dict(zip("ab", part))) for part in parts]
    np.testing.assert_allclose(minibatch(by_name, unbiased), found[:, :2])
    singly = np.mean([minibatch([(part,)], unbiased) for part in parts], 0)
    assert np.abs(found - singly).max() > 0.05
    np.testing.assert_allclose(minibatch([(layers,)], unbiased)[0, 1], linear_cka(*layers[:2], unbiased=unbiased))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([],), "every minibatch needs the same layers, one at least"),
        (([np.eye(5)] * 2,), "every minibatch needs the same layers, one at least"),
        (([np.eye(5)], [np.eye(5)]), "every minibatch needs the same layers, one at least"),
        (([np.eye(5)], [np.eye(6)]), "^all layers need the same images, not 5 and 6$"),
        ((np.eye(5),), "^layers are a list or a mapping of activations"),
    ],
)
def test_minibatches_that_do_not_go_together_are_refused(arguments, message):
    cka = MinibatchCKA()
    with pytest.raises(ValueError, match="^CKA needs a minibatch: call update first$"):
        cka.result()
    cka.update([related()[0]])
    with pytest.raises(ValueError, match=message):
        cka.update(*arguments)


def test_batches_are_new_orders_without_what_is_left_over():
    found = list(batches(11, 4, 3, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in found] == [4] * 6
    passes = [torch.cat(found[place : place + 2]) for place in (0, 2, 4)]
    assert all(len(set(one.tolist())) == 8 for one in passes) and not torch.equal(passes[0], passes[1])
    assert torch.equal(passes[0], torch.randperm(11, generator=torch.Generator().manual_seed(0))[:8])


@pytest.mark.parametrize("scale, shift", [(1, 0), (1e6, 0), (1e-6, 0), (1, 1e3), (1e4, 1e7)])
def test_float32_keeps_the_digits_that_the_values_have(scale, shift):
    """Large, small and nearly constant features, with one image far from all others, against exact products."""
    rng = np.random.default_rng(0)
    spread = np.diag(rng.random(3000)), np.diag(rng.random(3000))
    x, y = ((scale * rng.standard_normal((64, 3000)) @ one + shift).astype(np.float32) for one in spread)
    y[:, :1500] = x[:, :1500]
    x[0] += 50 * scale * rng.standard_normal(3000).astype(np.float32)
    for unbiased in (False, True):
        exact = linear_cka(x.astype(float), y.astype(float), unbiased=unbiased)
        assert linear_cka(x, y, unbiased=unbiased) == pytest.approx(exact, abs=1e-5)
        assert 0.01 < exact < 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
@pytest.mark.parametrize("value", [0, 0.1, 7e5])
@both_estimators
def test_a_constant_representation_has_no_cka(dtype, value, unbiased):
    with pytest.raises(ValueError, match="^layer y is the same for all images, or for all but one: it has no CKA$"):
        linear_cka(related(30)[0], np.full((30, 5), value, dtype=dtype), unbiased=unbiased)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
@pytest.mark.parametrize("whole", [4, 2000])
def test_a_representation_that_tells_one_image_from_all_others_has_no_unbiased_cka(monkeypatch, dtype, whole):
    """What its numbers leave is rounding, and two of them would have a CKA of 1."""
    monkeypatch.setattr(estimators, "WHOLE", whole)
    one = np.zeros((9, 3), dtype)
    one[4] = 1, 2, 7
    with pytest.raises(ValueError, match="^layer x is the same .* for all but one: it has no CKA$"):
        linear_cka(one, one)
    assert linear_cka(one, one, unbiased=False) == pytest.approx(1)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_values_that_are_not_finite_are_refused(value):
    x = np.float32(related()[0])
    x[3, 2] = value
    with pytest.raises(ValueError, match="^layer x has values that are not finite, or too large to multiply$"):
        linear_cka(x, related()[1])


@both_estimators
@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_images_are_refused(n, unbiased):
    for call in (lambda x, y: linear_cka(x, y, unbiased=unbiased), lambda x, y: gram_hsic(x, y, unbiased)):
        with pytest.raises(ValueError, match=f"^HSIC needs at least 4 samples, not {n}$"):
            call(*related(n))


def test_representations_of_different_images_are_refused():
    x, y = related()
    with pytest.raises(ValueError, match="^all layers need the same images, not 40 and 39$"):
        linear_cka(x, y[1:])
    for wrong in (np.eye(39), x):
        with pytest.raises(ValueError, match=r"^HSIC needs two Gram matrices \[n, n\], not \[40, 40\] and "):
            hsic(np.eye(40), wrong)
