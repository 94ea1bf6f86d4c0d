"""Whatever a reader brings to `lib.own`: numbers that plain arrays give too, or a refusal in a sentence; nothing is changed."""

import numpy as np
import torch
from fuzzing import anything, bounded, forms, lawful, numbers, plain, rarely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special
from torch import nn

from lib import own

CLASSES, SHAPE = 3, (2, 3, 3)


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 4, 1), nn.Flatten(), nn.Linear(36, CLASSES)).eval()


MODELS = {"a": network(0), "b": network(1)}
ODD = anything() | st.sampled_from([True, 0, -1, 2.5, 10**9, "first", ("first", "last"), np.nan, {"a": 1}])


def layer(model, images):
    """What the convolution puts out, [n, 36], and the scores."""
    weight, bias = (part.detach().double().numpy() for part in (model[0].weight[:, :, 0, 0], model[0].bias))
    maps = np.einsum("oc,nchw->nohw", weight, plain(images)) + bias[:, None, None]
    return maps, maps.reshape(len(maps), -1) @ model[2].weight.detach().double().numpy().T + plain(model[2].bias)


def gradients(model, images, labels):
    """Of the logits and of the probabilities of the true class."""
    weights = np.einsum(
        "khij,hc->kcij", plain(model[2].weight).reshape(CLASSES, 4, 3, 3), plain(model[0].weight)[:, :, 0, 0]
    )
    p = special.softmax(layer(model, images)[1], axis=1)
    mean = np.einsum("nk,kcij->ncij", p, weights)
    return weights[labels], p[np.arange(len(labels)), labels][:, None, None, None] * (weights[labels] - mean)


@st.composite
def brought(draw, least):
    """Images and labels, mostly such that they fit, and one setting that may not."""
    count = draw(st.integers(least, least + 4))
    images = draw(rarely(numbers(count, *SHAPE, kinds=("f4", "f8", ">f8")), ODD))
    labels = draw(
        arrays.arrays(np.dtype(draw(st.sampled_from(["u1", "i8"]))), count, elements=st.integers(0, CLASSES - 1))
    )
    return images, draw(rarely(forms(labels), ODD))


def whole(table):
    assert np.isfinite(table.to_numpy(float)).any()


@bounded(20)
@given(
    brought(2),
    rarely(st.sampled_from([None, 1, 3]), ODD),
    rarely(st.just("logit"), ODD),
    rarely(st.just(5), ODD),
    rarely(st.just(0), ODD),
)
def test_comparisons(pair, grid, output, draws, seed):
    def oracle(found, images, labels):
        labels = plain(labels).astype(int)
        if grid is None:
            for name, model in MODELS.items():
                flat = gradients(model, images, labels)[0].reshape(len(labels), -1)
                expected = flat / np.linalg.norm(flat, axis=1, keepdims=True)
                np.testing.assert_allclose(found.directions[name][0], expected, atol=1e-4)
        whole(found.to_frame())

    def compared(images, labels):
        return own.compare(MODELS, images, labels, grid=grid, output=output, draws=draws, seed=seed, device="cpu")

    lawful(compared, pair, oracle)


@bounded(20)
@given(brought(2), rarely(st.sampled_from([0, 0.1, 3]), ODD), rarely(st.just(0), ODD))
def test_attacks(pair, eps, seed):
    def oracle(found, images, labels):
        x, labels = plain(images), plain(labels).astype(int)
        places = np.arange(len(x)), labels
        slope = gradients(MODELS["a"], x, labels)[1]
        if np.abs(slope).min() < 1e-6:  # where rounding decides a sign
            return
        after = np.clip(x - eps * np.sign(slope), x.min(), x.max())
        logs = [special.log_softmax(layer(MODELS["b"], shown)[1], axis=1)[places] for shown in (x, after)]
        expected = np.exp(logs[1] - logs[0]).mean()
        np.testing.assert_allclose(found.loc[("a", "b"), ("decay ratio", "estimate")], expected, rtol=1e-3)

    lawful(lambda *given: own.attack_transfer(MODELS, *given, eps=eps, draws=5, seed=seed), pair, oracle)


POINTS = st.sampled_from([["0"], ["0", "2"], ["1"]])


@bounded(20)
@given(brought(4), rarely(POINTS, ODD), rarely(st.sampled_from([4, 64]), ODD), rarely(st.just(1), ODD))
def test_cka_of_layers(pair, points, batch_size, passes):
    def oracle(found, images):
        assert list(found.index) == [(name, point) for name in MODELS for point in points]
        np.testing.assert_allclose(np.diag(found), 1, atol=1e-6)
        np.testing.assert_allclose(found, found.T, atol=1e-6)

    def cka(images):
        settings = {"batch_size": batch_size, "passes": passes, "device": "cpu"}
        return own.layer_cka(MODELS, images, dict.fromkeys(MODELS, points), **settings)

    lawful(cka, pair[:1], oracle)


@bounded(20)
@given(
    brought(6),
    rarely(st.tuples(POINTS, POINTS), ODD),
    rarely(st.sampled_from([(None, None), ("first", None)]), ODD),
    rarely(st.sampled_from(["direct", "task loss"]), ODD),
    rarely(st.just(3), ODD),
)
def test_stitches(pair, points, channels, matching, fit_images):
    def oracle(found, images, labels):
        x, labels = plain(images), plain(labels).astype(int)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0)).numpy()
        rest = order[fit_images:]
        right = (layer(MODELS["b"], x)[1].argmax(1) == labels)[rest].mean()
        np.testing.assert_allclose(found["accuracy of the end"], right, atol=1 / len(rest))
        assert found["residual"].ge(0).all() and found["accuracy"].between(0, 1).all()

    def stitched(images, labels):
        settings = {"channels": channels, "matching": matching, "fit_images": fit_images, "epochs": 1, "device": "cpu"}
        return own.stitch(MODELS["a"], MODELS["b"], images, labels, points, **settings)

    lawful(stitched, pair, oracle)
