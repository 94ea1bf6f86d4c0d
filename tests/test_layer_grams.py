"""Gram matrices of the layers are those of their activations, however few are held at a time; CKA follows from them."""

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib.cka import batches, minibatch_cka
from lib.cka import layer_grams as module
from lib.cka.block_structure import hidden_points
from lib.cka.layer_grams import gram_cka, layer_grams
from lib.cka.principal_components import without_first
from lib.models.representations import representation

IMAGES = random_images(40)[0]
MODEL = network(family="resnet-14", width=1)
POINTS = hidden_points(MODEL)


def chosen(passes=2, batch=16):
    return batches(len(IMAGES), batch, passes, torch.Generator().manual_seed(3))


def test_gram_matrices_and_lengths_are_those_of_the_activations():
    found = layer_grams(MODEL, IMAGES, POINTS)
    assert found.points == POINTS and found.grams.dtype == torch.float64
    for point, gram, squares in zip(POINTS, found.grams, found.squares):
        x = representation(MODEL, IMAGES, [point])[point].astype(float)
        np.testing.assert_allclose(squares, (x**2).sum(1), rtol=1e-5)
        x -= x.mean(0)
        np.testing.assert_allclose(gram, x @ x.T, atol=1e-5 * (x**2).sum(1).max())


def test_layers_together_are_their_features_behind_one_another():
    layers = np.array([False, True, False, False, True, False, True])
    gram, lengths = layer_grams(MODEL, IMAGES, POINTS).together(layers)
    found = representation(MODEL, IMAGES, POINTS)
    x = np.concatenate([found[POINTS[place]] for place in np.flatnonzero(layers)], axis=1).astype(float)
    np.testing.assert_allclose(lengths, np.linalg.norm(x, axis=1), rtol=1e-5)
    x -= x.mean(0)
    np.testing.assert_allclose(gram, x @ x.T, atol=1e-5 * (x**2).sum(1).max())


def test_the_same_however_few_activations_are_held(monkeypatch):
    whole, calls = layer_grams(MODEL, IMAGES, POINTS), []
    original = module.activations
    monkeypatch.setattr(module, "activations", lambda model, images, points, **options: (
        calls.append(list(points)), original(model, images, points, **options))[1])
    for floats, groups in ((1, [[point] for point in POINTS]), (2 * 16 * 64 * 40, None)):
        calls.clear()
        monkeypatch.setattr(module, "FLOATS", floats)
        parts = layer_grams(MODEL, IMAGES, POINTS)
        np.testing.assert_array_equal(parts.grams, whole.grams)
        np.testing.assert_array_equal(parts.squares, whole.squares)
        assert sum(calls[1:], []) == list(POINTS) and (groups is None or calls[1:] == groups)
    assert 1 < len(calls) - 1 < len(POINTS)


def test_cka_from_gram_matrices_is_minibatch_cka():
    grams = layer_grams(MODEL, IMAGES, POINTS).grams
    direct = minibatch_cka([MODEL], IMAGES, [POINTS], batch_size=16, passes=2,
                           generator=torch.Generator().manual_seed(3)).values
    np.testing.assert_allclose(gram_cka(grams, chosen()), direct, atol=1e-5)


def test_removal_happens_in_every_batch_on_activations_centred_there():
    layers = representation(MODEL, IMAGES, POINTS[-2:])
    grams = layer_grams(MODEL, IMAGES, POINTS[-2:]).grams
    sums = np.zeros((2, 2))
    for places in chosen():
        kernels = []
        for x in layers.values():
            x = x[places].astype(float)
            x -= x.mean(0)
            u, s, v = np.linalg.svd(x, full_matrices=False)
            x -= s[0] * np.outer(u[:, 0], v[0])
            k = x @ x.T
            np.fill_diagonal(k, 0)
            kernels.append(k)
        n = len(places)
        for i, k in enumerate(kernels):
            for j, l in enumerate(kernels):  # HSIC_1 as Song et al. write it (fact sheet 3.1)
                sums[i, j] += ((k * l).sum() + k.sum() * l.sum() / ((n - 1) * (n - 2))
                               - 2 / (n - 2) * (k @ l).sum()) / (n * (n - 3))
    expected = sums / np.sqrt(np.outer(np.diagonal(sums), np.diagonal(sums)))
    np.testing.assert_allclose(gram_cka(grams, chosen(), without_first), expected, atol=1e-4)


def test_what_only_a_shared_component_makes_alike_is_unlike_without_it():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(200)
    layers = [10 * np.outer(shared, rng.standard_normal(50)) + rng.standard_normal((200, 50)) for _ in range(3)]
    grams = torch.from_numpy(np.stack([x @ x.T for x in layers]))
    off = ~np.eye(3, dtype=bool)
    places = list(batches(200, 50, 4, torch.Generator().manual_seed(0)))
    assert gram_cka(grams, places)[off].min() > 0.95
    assert np.abs(gram_cka(grams, places, without_first)[off]).max() < 0.1


def test_a_constant_layer_is_refused():
    grams = torch.stack([torch.eye(40, dtype=torch.float64), torch.zeros(40, 40, dtype=torch.float64)])
    grams[0, 0, 1] = grams[0, 1, 0] = 0.5
    with pytest.raises(ValueError, match="layer 1 is the same for all images"):
        gram_cka(grams, chosen())
