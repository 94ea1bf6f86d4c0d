"""CKA against published values, the formulas of the fact sheet, a plain loop over pairs, and its laws."""

import itertools
import math

import numpy as np
import pytest
import torch
from small_networks import network
from torch import nn

from lib.cka import centred, estimators, gram, hsic, linear_cka, minibatch_cka, normalised
from lib.models.representations import block_points, representation

ESTIMATORS = ("biased", "unbiased")


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


def pictures(count, seed=0):
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def song(x, y):
    """HSIC_1 as Song et al. write it (fact sheet 3.1), of representations [n, p] and [n, q]."""
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


SLOW = {"biased": projections, "unbiased": song}


def torch_hsic(x, y, estimator):
    return hsic(gram(torch.as_tensor(x)), gram(torch.as_tensor(y)), estimator)


def rotation(p, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((p, p)))[0]


def slow_minibatch(models, images, points, estimator, batch_size, passes, rng):
    """The definition (fact sheet 3.2), a pair of layers and a batch at a time: averages over batches, one division."""
    layers = [values for model, chosen in zip(models, points)
              for values in representation(model, images, chosen).values()]
    batches = []
    for _ in range(passes):
        order = torch.randperm(len(images), generator=rng).numpy()
        batches += [order[start:start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size)]

    def mean_hsic(x, y):
        return np.mean([SLOW[estimator](x[batch].astype(float), y[batch].astype(float)) for batch in batches])

    return np.array([[mean_hsic(x, y) / math.sqrt(mean_hsic(x, x) * mean_hsic(y, y)) for y in layers] for x in layers])


def test_published_values_of_the_demo():
    x, y = demo()
    assert linear_cka(x, y, "biased") == pytest.approx(0.55761, abs=5e-6)
    assert linear_cka(x, y, "unbiased") == pytest.approx(0.51346, abs=5e-6)
    assert torch_hsic(x, y, "unbiased") == pytest.approx(9.895955788, abs=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n", [4, 5, 40])
def test_hsic_is_that_of_the_fact_sheet(estimator, n):
    x, y = related(n)
    for a, b in itertools.product((x, y), repeat=2):
        assert torch_hsic(a, b, estimator) == pytest.approx(SLOW[estimator](a, b), rel=1e-10)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_cka_is_hsic_over_the_root_of_both_with_themselves(estimator):
    x, y = related()
    slow = SLOW[estimator]
    expected = slow(x, y) / math.sqrt(slow(x, x) * slow(y, y))
    assert linear_cka(x, y, estimator) == pytest.approx(expected, rel=1e-10)
    assert linear_cka(y, x, estimator) == pytest.approx(expected, rel=1e-10)
    assert linear_cka(x, x, estimator) == pytest.approx(1, rel=1e-12)


def test_feature_space_forms_agree():
    """Fact sheet 3.1: norms of p x q matrices instead of n x n ones, with the correction of the de-biased form."""
    x, y = (rows - rows.mean(0) for rows in related())
    n = len(x)

    def biased(a, b):
        return np.sum((a.T @ b) ** 2)

    def unbiased(a, b):
        rows_a, rows_b = (a**2).sum(1), (b**2).sum(1)
        return (biased(a, b) - n / (n - 2) * rows_a @ rows_b + rows_a.sum() * rows_b.sum() / ((n - 1) * (n - 2)))

    for estimator, form, factor in (("biased", biased, (n - 1) ** 2), ("unbiased", unbiased, n * (n - 3))):
        assert torch_hsic(x, y, estimator) == pytest.approx(form(x, y) / factor, rel=1e-10)
        expected = form(x, y) / math.sqrt(form(x, x) * form(y, y))
        assert linear_cka(x, y, estimator) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_centring_is_a_projection_with_empty_rows(estimator):
    k = gram(torch.as_tensor(related()[0])).expand(3, 40, 40)
    once = centred(k, estimator)
    torch.testing.assert_close(once.sum(-1), torch.zeros(3, 40, dtype=torch.float64), rtol=0, atol=1e-10)
    torch.testing.assert_close(centred(once, estimator), once, rtol=0, atol=1e-10)
    torch.testing.assert_close(once, once.transpose(1, 2), rtol=0, atol=1e-10)
    if estimator == "unbiased":
        assert not once.diagonal(dim1=1, dim2=2).any()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rotation_scale_and_shift_of_the_features_change_nothing_and_other_linear_maps_do(estimator):
    x, y = related()
    value = linear_cka(x, y, estimator)
    same = [x @ rotation(6), 1e-3 * x, -7 * x, x + 100 * np.arange(6), x[:, [3, 0, 1, 2, 5, 4]],
            np.hstack([x, np.ones((40, 3))])]
    for changed in same:
        assert linear_cka(changed, y, estimator) == pytest.approx(value, rel=1e-9)
        assert linear_cka(x, changed, estimator) == pytest.approx(linear_cka(x, x, estimator), rel=1e-9)
    stretched = x @ rotation(6) @ np.diag([20, 5, 1, 1, 0.2, 0.05])
    assert abs(linear_cka(stretched, y, estimator) - value) > 0.1
    assert linear_cka(stretched, x, estimator) < 0.8
    assert linear_cka(x[::-1].copy(), y, estimator) < value - 0.2, "the images must correspond"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_order_of_the_images_and_the_shape_of_the_features_do_not_matter(estimator):
    x, y = related(q=12)
    order = np.random.default_rng(0).permutation(40)
    value = linear_cka(x, y, estimator)
    assert linear_cka(x[order], y[order], estimator) == pytest.approx(value, rel=1e-10)
    assert linear_cka(x, y.reshape(40, 2, 3, 2), estimator) == pytest.approx(value, rel=1e-12)


def test_labels_are_representations_too():
    labels = np.arange(40) % 3
    one_hot = np.eye(3)[labels]
    value = linear_cka(one_hot, related()[0], "unbiased")
    for same in (one_hot.astype(int), one_hot.astype(bool)):
        assert linear_cka(same, related()[0], "unbiased") == pytest.approx(value, rel=1e-12)
    assert linear_cka(labels, labels[:, None].astype(float), "biased") == pytest.approx(1)


def test_of_independent_data_the_unbiased_value_is_about_zero_and_the_biased_one_is_not():
    """30 images, 100 independent features: HSIC_0 sees the chance overlap, which HSIC_1 takes away on average."""
    values = {estimator: np.array([linear_cka(*np.random.default_rng(seed).standard_normal((2, 30, 100)), estimator)
                                   for seed in range(300)]) for estimator in ESTIMATORS}
    error = values["unbiased"].std() / math.sqrt(300)
    assert abs(values["unbiased"].mean()) < 4 * error < 0.02
    assert values["biased"].min() > 0.5 and (values["unbiased"] < 0).any()


def test_unbiased_hsic_of_samples_is_on_average_that_of_the_population():
    """Of 5 drawn from 2,000, without replacement; biased HSIC is too large."""
    x, y = related(2000)
    rng = np.random.default_rng(1)
    draws = [rng.choice(2000, 5, replace=False) for _ in range(6000)]
    for estimator, slow in SLOW.items():
        samples = np.array([slow(x[draw], y[draw]) for draw in draws])
        error = samples.std() / math.sqrt(len(samples))
        deviation = samples.mean() - torch_hsic(x, y, estimator)
        assert abs(deviation) < 4 * error if estimator == "unbiased" else deviation > 10 * error


@pytest.fixture(scope="module")
def pair():
    """Two networks of different depth and kind, and their points."""
    models = [network(0, "resnet-8", 1), network(1, "plain-14", 1)]
    return models, [block_points(model) for model in models]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("count, batch_size, passes", [(40, 40, 1), (40, 8, 2), (43, 10, 3), (9, 4, 1)])
def test_minibatch_cka_is_the_plain_loop_over_pairs(pair, estimator, count, batch_size, passes):
    models, points = pair
    images = pictures(count)
    fast = minibatch_cka(models, images, points, estimator=estimator, batch_size=batch_size, passes=passes,
                         generator=generator(3))
    slow = slow_minibatch(models, images, points, estimator, batch_size, passes, generator(3))
    np.testing.assert_allclose(fast.values, slow, rtol=0, atol=2e-5)
    assert fast.values.shape == (5 + 8, 5 + 8) and fast.values.dtype == np.float64
    np.testing.assert_allclose(fast.values, fast.values.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(fast.values), 1, rtol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_batches_cut_out_of_the_matrices_of_all_images_give_the_same(pair, estimator, monkeypatch):
    """Where they are larger than the memory allows, every batch is computed by itself; so are few batches."""
    models, points = pair
    sizes, original = [], estimators._grams

    def grams(models, images, points, device):
        sizes.append(len(images))
        return original(models, images, points, device)

    monkeypatch.setattr(estimators, "_grams", grams)

    def found(passes):
        return minibatch_cka(models, pictures(23), points, estimator=estimator, batch_size=10, passes=passes,
                             generator=generator(1)).values

    whole, asked = found(3), list(sizes)
    monkeypatch.setattr(estimators, "MEMORY", 8 * 23**2 * 13 - 1)
    sizes.clear()
    np.testing.assert_allclose(found(3), whole, rtol=0, atol=1e-5)
    assert (asked, sizes) == ([23], [10] * 6)
    monkeypatch.undo()
    monkeypatch.setattr(estimators, "_grams", grams)
    sizes.clear()
    found(2)
    assert sizes == [10] * 4


def test_the_sums_are_divided_once_and_not_batch_by_batch(pair):
    models, points = pair
    images = torch.cat([0.1 * pictures(8), 10 * pictures(8, seed=1)])  # batches of very different HSIC
    found = minibatch_cka(models, images, points, batch_size=4, passes=1, generator=generator()).values
    parts = [minibatch_cka(models, images[batch], points, batch_size=4, passes=1, generator=generator()).values
             for batch in torch.randperm(16, generator=generator()).split(4)]
    assert np.abs(found - np.mean(parts, 0)).max() > 0.05


def test_one_batch_of_all_images_is_cka_of_all_images(pair):
    models, points = pair
    images = pictures(30)
    rows = [values for model, chosen in zip(models, points)
            for values in representation(model, images, chosen).values()]
    for estimator in ESTIMATORS:
        whole = minibatch_cka(models, images, points, estimator=estimator, batch_size=30, passes=2,
                              generator=generator()).values
        for (i, x), (j, y) in itertools.product(enumerate(rows), repeat=2):
            assert whole[i, j] == pytest.approx(linear_cka(x, y, estimator), abs=2e-5)


def test_the_unbiased_value_does_not_depend_on_the_batch_size_and_the_biased_one_does(pair):
    """600 images, of which none of the batch sizes takes all in a pass, against all of them at once; 8 orders each."""
    models, points = [pair[0][0]], [pair[1][0]]
    images, above = pictures(600), np.triu_indices(5, 1)

    def values(estimator, batch_size, orders=8):
        """[orders, pairs of layers]"""
        return np.stack([minibatch_cka(models, images, points, estimator=estimator, batch_size=batch_size, passes=1,
                                       generator=generator(seed)).values[above] for seed in range(orders)])

    (truth,) = values("unbiased", 600, 1)
    for batch_size in (64, 128, 256):
        found = values("unbiased", batch_size)
        error = found.std(0, ddof=1) / math.sqrt(8)
        assert (np.abs(found.mean(0) - truth) < 6 * error).all() and error.max() < 0.005
    assert (values("biased", 64).mean(0) - values("biased", 600, 1)).max() > 0.05


def test_the_generator_decides_and_the_orders_are_the_same_whatever_the_networks(pair):
    models, points = pair
    images = pictures(43)
    options = {"batch_size": 10, "passes": 2}
    both = minibatch_cka(models, images, points, generator=generator(5), **options)
    again = minibatch_cka(models, images, points, generator=generator(5), **options)
    other = minibatch_cka(models, images, points, generator=generator(6), **options)
    assert np.array_equal(both.values, again.values) and not np.allclose(both.values, other.values, atol=1e-3)
    state = torch.get_rng_state()
    for place in (0, 1):
        alone = minibatch_cka([models[place]], images, [points[place]], generator=generator(5), **options)
        np.testing.assert_allclose(both.between(place, place), alone.values, rtol=0, atol=1e-12)
    assert torch.equal(state, torch.get_rng_state())
    used = generator(5)
    minibatch_cka(models, images, points, generator=used, **options)
    minibatch_cka([models[0]], images, [points[0][:1]], generator=(fresh := generator(5)), **options)
    assert torch.equal(used.get_state(), fresh.get_state())


def test_the_result_says_what_it_is(pair):
    models, points = pair
    for estimator in ESTIMATORS:
        found = minibatch_cka(models, pictures(13), points, estimator=estimator, batch_size=6, passes=2,
                              generator=generator())
        assert (found.estimator, found.batch_size, found.passes, found.images) == (estimator, 6, 2, 13)
        assert found.layers == tuple(points)
        assert np.array_equal(found.between(0, 1), found.values[:5, 5:])
        assert np.array_equal(found.between(1, 0), found.values[5:, :5])
        assert np.array_equal(found.between(-1, -1), found.values[5:, 5:])
        with pytest.raises(IndexError):
            found.between(0, 2)
    default = minibatch_cka(models, pictures(13), points, batch_size=6, generator=generator())
    assert (default.estimator, default.passes) == ("unbiased", 10)


def test_networks_are_left_as_they_were():
    model = network(2, "resnet-8", 1).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    minibatch_cka([model, model], pictures(12), [["stem"], ["fc"]], batch_size=6, passes=1, generator=generator())
    assert all(module.training and not module._forward_hooks for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("scale, shift", [(1, 0), (1e6, 0), (1e-6, 0), (1, 1e3), (1e4, 1e7)])
def test_float32_keeps_the_digits_that_the_values_have(scale, shift):
    """Large, small and nearly constant features, with one image far from all others, against exact products."""
    rng = np.random.default_rng(0)
    x, y = ((scale * rng.standard_normal((64, 3000)) @ np.diag(rng.random(3000)) + shift).astype(np.float32)
            for _ in range(2))
    y[:, :1500] = x[:, :1500]
    x[0] += 50 * scale * rng.standard_normal(3000).astype(np.float32)
    for estimator in ESTIMATORS:
        exact = linear_cka(x.astype(float), y.astype(float), estimator)
        assert linear_cka(x, y, estimator) == pytest.approx(exact, abs=1e-5)
        assert 0.01 < exact < 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
@pytest.mark.parametrize("value", [0, 0.1, 7e5])
def test_a_constant_representation_has_no_cka(dtype, value):
    constant = np.full((30, 5), value, dtype=dtype)
    for estimator in ESTIMATORS:
        with pytest.raises(ValueError, match="^layer y is the same for all images: it has no CKA$"):
            linear_cka(related(30)[0], constant, estimator)


def test_a_layer_that_is_the_same_for_all_images_is_named(pair):
    dead = network(3, "plain-8", 1)
    nn.init.zeros_(dead.stage2[0].bn2.weight)
    nn.init.constant_(dead.stage2[0].bn2.bias, -1)
    with pytest.raises(ValueError, match="^layer stage2.0 of network 1 is the same for all images: it has no CKA$"):
        minibatch_cka([pair[0][0], dead], pictures(12), [pair[1][0], ["stem", "stage2.0"]], batch_size=6,
                      generator=generator())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_values_that_are_not_finite_are_refused(value):
    x = np.float32(related()[0])
    x[3, 2] = value
    with pytest.raises(ValueError, match="^layer x has values that are not finite, or too large to multiply$"):
        linear_cka(x, related()[1], "unbiased")
    with pytest.raises(ValueError, match="^layer 1 has values that are not finite"):
        normalised(np.array([[1.0, 0.0], [0.0, math.nan]]))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_images_are_refused(n, pair):
    x, y = related(n)
    for estimator in ESTIMATORS:
        with pytest.raises(ValueError, match=f"^HSIC needs at least 4 samples, not {n}$"):
            linear_cka(x, y, estimator)
        with pytest.raises(ValueError, match=f"^HSIC needs at least 4 samples, not {n}$"):
            torch_hsic(x, y, estimator)
    with pytest.raises(ValueError, match=f"^batch_size must be a whole number of at least 4, not {n}$"):
        minibatch_cka(pair[0], pictures(12), pair[1], batch_size=n, generator=generator())


@pytest.mark.parametrize("change, message", [
    ({"estimator": "debiased"}, "^unknown estimator 'debiased'; the estimators are biased, unbiased$"),
    ({"batch_size": 13}, "^batches of 13 need as many images, and there are 12$"),
    ({"batch_size": 6.0}, "^batch_size must be a whole number of at least 4, not 6.0$"),
    ({"passes": 0}, "^passes must be a whole number of at least 1, not 0$"),
    ({"points": [["stem"]]}, "^every network needs its list of points, not 1 lists for 2 networks$"),
    ({"points": [["stem"], ["stam"]]}, "^CifarResNet has no layer 'stam'; did you mean 'stem'"),
    ({"models": [], "points": []}, "^every network needs its list of points, not 0 lists for 0 networks$"),
])
def test_what_cannot_be_is_refused_before_any_work(pair, change, message):
    models, points = pair
    rng = generator()
    arguments = {"models": models, "images": pictures(12), "points": points, "batch_size": 6, "generator": rng}
    with pytest.raises(ValueError, match=message):
        minibatch_cka(**arguments | change)
    assert torch.equal(rng.get_state(), generator().get_state())


def test_representations_of_different_images_and_other_estimators_are_refused():
    x, y = related()
    with pytest.raises(ValueError, match="^both representations need the same images, not 40 and 39$"):
        linear_cka(x, y[1:], "biased")
    for call in (lambda: linear_cka(x, y, "HSIC"), lambda: torch_hsic(x, y, ["biased"])):
        with pytest.raises(ValueError, match="^unknown estimator .*; the estimators are biased, unbiased$"):
            call()
