"""Gram matrices of layers are those of their activations, and minibatch CKA from them is that of the network."""

import numpy as np
import pytest
import torch
from planted_blocks import Untrained
from small_networks import network, random_images
from test_cka import song

from lib.cka import grams as module
from lib.cka import network_cka
from lib.cka.components import without_first
from lib.cka.estimators import batches
from lib.cka.grams import BatchSizes, batch_sizes, gram_cka, hidden_points, layer_grams, within_memory
from lib.models.representations import representation
from lib.statistics.intervals import mean_interval

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


@pytest.mark.parametrize("memory", [1, 4 * 2 * 16 * 64 * 40])
def test_the_same_however_few_activations_are_held(monkeypatch, memory):
    whole, calls, original = layer_grams(MODEL, IMAGES, POINTS), [], module.activations

    def watched(model, images, points, **options):
        calls.append(list(points))
        return original(model, images, points, **options)

    monkeypatch.setattr(module, "activations", watched)
    monkeypatch.setattr(module, "MEMORY", memory)
    parts = layer_grams(MODEL, IMAGES, POINTS)
    np.testing.assert_array_equal(parts.grams, whole.grams)
    np.testing.assert_array_equal(parts.squares, whole.squares)
    assert sum(calls[1:], []) == list(POINTS) and (len(calls) - 1 == len(POINTS)) == (memory == 1) and len(calls) > 2


def test_cka_from_gram_matrices_is_network_cka():
    grams = layer_grams(MODEL, IMAGES, POINTS).grams
    direct = network_cka([MODEL], IMAGES, [POINTS], batch_size=16, passes=2, generator=torch.Generator().manual_seed(3))
    np.testing.assert_allclose(gram_cka(grams, chosen()), direct, atol=1e-5)


def test_removal_happens_in_every_batch_on_activations_centred_there():
    layers = representation(MODEL, IMAGES, POINTS[-2:])
    sums = np.zeros((2, 2))
    for places in chosen():
        parts = []
        for x in layers.values():
            x = x[places].astype(float)
            x -= x.mean(0)
            u, s, v = np.linalg.svd(x, full_matrices=False)
            parts.append(x - s[0] * np.outer(u[:, 0], v[0]))
        sums += [[song(x, y) for y in parts] for x in parts]
    expected = sums / np.sqrt(np.outer(np.diagonal(sums), np.diagonal(sums)))
    grams = layer_grams(MODEL, IMAGES, POINTS[-2:]).grams
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


@pytest.fixture(scope="module")
def model():
    return next(Untrained("resnet-8", (0,)).models())


@pytest.fixture(scope="module")
def found(model):
    images, _ = random_images(96)
    both = [batch_sizes(model, images, [8, 32, 96], 6, 0, unbiased=unbiased) for unbiased in (True, False)]
    return {one.estimator: one for one in both}


def test_all_images_in_one_batch_are_the_full_value(found):
    for one in found.values():
        assert one.values.shape == (3, 6, 4, 4) and one.full.shape == (4, 4) and one.images == 96
        np.testing.assert_allclose(one.values[2], np.broadcast_to(one.full, (6, 4, 4)), atol=1e-6)
        np.testing.assert_allclose(one.deviations()[2], 0, atol=1e-6)
        assert one.largest()[2] < 1e-6


def test_small_batches_bias_the_biased_estimator_alone(found):
    """On noise of 96 images the biased CKA of 8 images at a time is far from that of all of them."""
    unbiased, biased = (abs(found[name].deviations()[0].mean()) for name in ("unbiased", "biased"))
    assert biased > 0.05 and unbiased < biased / 5
    by_size = np.abs(found["biased"].deviations().mean(1))
    assert by_size[0] > by_size[1] > by_size[2]


def test_every_pass_is_one_of_network_cka(model, found):
    images, _ = random_images(96)
    generator = torch.Generator().manual_seed(0)
    for place in range(2):
        expected = network_cka([model], images, [hidden_points(model)], batch_size=8, passes=1, generator=generator)
        np.testing.assert_allclose(found["unbiased"].values[0, place], expected, atol=1e-5)
    assert not np.allclose(found["unbiased"].values[0, 0], found["unbiased"].values[0, 1])


def planted(deviations, passes=3):
    """A deviation of every batch size, the same for all pairs of layers, with little scatter over passes."""
    full = np.array([[1, 0.5, 0.3], [0.5, 1, 0.7], [0.3, 0.7, 1]])
    scatter = 0.001 * np.arange(passes)[:, None, None]
    values = np.stack([full + deviation + scatter for deviation in deviations])
    return BatchSizes("unbiased", [16, 32, 64, 128][: len(deviations)], values, full, 500)


def test_deviations_are_means_over_pairs_with_their_interval_over_passes():
    found = planted([0.1, -0.2])
    np.testing.assert_allclose(found.deviations(), [[0.1, 0.101, 0.102], [-0.2, -0.199, -0.198]])
    np.testing.assert_allclose(found.interval(0.9), mean_interval(found.deviations().T, 0.9))
    np.testing.assert_allclose(found.largest(), [0.101, 0.199])
    assert found.full_mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    "size, sentence",
    [
        (3, "batch_size must be a whole number of at least 4, not 3"),
        (97, "batches of 97 need as many images, and there are 96"),
    ],
)
def test_batches_that_cannot_be_are_refused(model, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        batch_sizes(model, random_images(96)[0], [8, size], 1, 0)


def test_groups_fit_into_the_memory_or_are_one_alone():
    sizes = {"a": 3, "b": 4, "c": 9, "d": 1, "e": 6}
    assert list(within_memory(sizes, 7)) == [["a", "b"], ["c"], ["d", "e"]]
    assert list(within_memory(sizes, 99)) == [list("abcde")] and list(within_memory(sizes, 1)) == [
        [one] for one in "abcde"
    ]


def test_a_single_pass_has_no_interval():
    estimate, low, high = planted([0.1, -0.2], passes=1).interval()
    np.testing.assert_allclose(estimate, [0.1, -0.2])
    assert np.isnan(low).all() and np.isnan(high).all()
