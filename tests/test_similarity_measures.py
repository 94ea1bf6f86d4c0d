"""Measures keep what their rows promise, and have the values of ReSi's reference implementation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from small_networks import network, random_images
from torch import nn

from lib.cka import linear_cka
from lib.stitching import cca, procrustes_distance
from lib.stitching.layers import Layer
from lib.stitching.similarity_indices import GROUPS
from lib.views import six_tests
from lib.views.seen import Seen, look
from lib.views.similarity_measures import MEASURES, STITCHES, layer_matrix, matrix, own

CHANNELS, COUNT = 6, 40


def stored(rng, size):
    """Maps of fitting images and of others."""
    return Layer(*(torch.from_numpy(rng.standard_normal((COUNT, CHANNELS, size, size))) for _ in range(2)))


def seen(seed):
    """A network of which everything is noise; two blocks, the last with a linear map behind it."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((COUNT, 9))
    torch.manual_seed(seed)
    end = nn.Sequential(nn.Flatten(), nn.LazyLinear(3).double())
    end(torch.zeros(1, CHANNELS, 2, 2, dtype=torch.float64))
    labels = torch.from_numpy(rng.integers(0, 3, COUNT))
    layers, ends = (stored(rng, 2), stored(rng, 1)), (end, nn.Flatten())
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Seen(
        nn.Identity(), torch.zeros(COUNT, 1, 2, 2), unit, rng.integers(0, 3, COUNT), layers, ends, Layer(labels, labels)
    )


@pytest.fixture(params=MEASURES)
def measure(request):
    return MEASURES[request.param]


def at_place(measure, *networks):
    return [one.at(measure.place) for one in networks]


def mapped(one, linear, shift):
    """The channels of every block through one linear map."""
    linear = torch.from_numpy(np.ascontiguousarray(linear))
    layers = tuple(
        Layer(*(torch.einsum("ncij,cd->ndij", part, linear) + shift for part in layer)) for layer in one.layers
    )
    return replace(one, layers=layers)


@pytest.mark.parametrize("seed", range(3))
def test_values_lie_in_the_range_and_the_same_network_is_as_alike_as_can_be(measure, seed):
    a, b = at_place(measure, seen(seed), seen(seed + 10))
    assert measure.least - 1e-12 <= measure.of(a, b) <= measure.most + 1e-12
    if measure is not MEASURES["task loss matching"]:  # whose stitch is trained, and need not be the identity
        assert measure.of(a, a) == pytest.approx(measure.most if measure.larger else measure.least, abs=1e-6)
        assert measure.alike(a, a) >= measure.alike(a, b)


def test_a_symmetric_measure_is_and_another_is_not_until_it_is_averaged(measure):
    a, b = at_place(measure, seen(0), seen(1))
    assert (abs(measure.of(a, b) - measure.of(b, a)) < 1e-12) is measure.symmetric
    assert measure.once or measure.alike(a, b) == pytest.approx(measure.alike(b, a), abs=1e-12)


PROMISES = [(name, side) for name, one in MEASURES.items() for side in ("first", "second") if getattr(one, side)]


@pytest.mark.parametrize("name, side", PROMISES)
@pytest.mark.parametrize("place", range(3))
def test_a_measure_feels_no_map_of_channels_but_those_beyond_what_it_promises(name, side, place):
    measure = MEASURES[name]
    linear = (
        np.eye(CHANNELS)[::-1],
        ortho_group.rvs(CHANNELS, random_state=0),
        np.random.default_rng(5).standard_normal((CHANNELS,) * 2),
    )[place]
    pair = {"first": seen(0), "second": seen(1)}
    before = measure.of(*at_place(measure, *pair.values()))
    free = side == "first" or measure.shifts
    pair[side] = mapped(pair[side], 3 * linear, 2.0 if free else 0.0)
    change = abs(measure.of(*at_place(measure, *pair.values())) - before)
    assert change < 1e-8 if place <= GROUPS.index(getattr(measure, side)) else change > 1e-4


def test_a_measure_that_sees_no_layers_does_not_feel_them(measure):
    a, b = at_place(measure, seen(0), seen(1))
    others = replace(a, layers=seen(7).layers)
    assert (measure.of(a, b) == measure.of(others, b)) is not measure.layered


def test_values_are_those_of_the_reference_implementation():
    """ReSi's own functions on the same matrices, 2026-11-27, commit 24ab9e5; its Procrustes is the root of ours."""
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    y = rng.randn(100, 10) + x
    correlations = [
        0.8851112030886231, 0.8619608538751001, 0.8333018472847245, 0.7644020354357337, 0.7450757753065809,
        0.7244742838201998, 0.67903288537076, 0.6650389709104484, 0.609371802278584, 0.5423699304658363,
    ]  # fmt: skip
    found = {
        "CKA": linear_cka(x, y, unbiased=False),
        "CKA of 8 images": linear_cka(x[:8], y[:8], unbiased=False),
        "Procrustes": procrustes_distance(x, y) ** 0.5,
        "Procrustes of 7 and 10 features": procrustes_distance(x[:, :7], y) ** 0.5,
    }
    expected = 0.5576132566117586, 0.8555519388818019, 0.7262846403362415, 0.8637847658013476
    np.testing.assert_allclose(list(found.values()), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(cca(x, y), correlations, rtol=0, atol=1e-10)
    found = six_tests.outcomes(np.stack([3 * x[:, :4], 3 * y[:, :4]]), np.zeros(100))
    assert -found[six_tests.OUTPUTS][0, 1] == pytest.approx(0.23223883628668293, abs=1e-10)
    assert found[six_tests.DISAGREEMENT][0, 1] == pytest.approx(1 - 0.39, abs=1e-10)


@pytest.fixture(scope="module")
def networks():
    images, labels = random_images(30)
    models = [network(seed, "resnet-small", 2) for seed in range(3)]
    return look(models, images, labels, random_images(40, seed=3))


def test_networks_are_seen_as_they_are(networks):
    """The end of each block makes of its maps what the network predicts."""
    for one in networks:
        assert one.directions.shape == (30, 64) and len(one.layers) == len(one.ends)
        for layer, end in zip(one.layers, one.ends):
            assert (end(layer.test).argmax(1).numpy() == one.predicted).all()


def test_every_measure_compares_networks_and_the_blocks_of_one(networks, measure):
    found = matrix(measure, networks)
    assert np.isnan(found.diagonal()).all() and (found == found.T)[~np.eye(3, dtype=bool)].all()
    if measure.layered:
        blocks = len(networks[0].layers)
        assert np.isfinite(layer_matrix(measure, networks[0])).sum() == blocks * (blocks - 1)
        assert measure.place == (-2 if measure.sees == STITCHES else -1)


def same_size(first, second, images):
    """A reader's measure."""
    return -abs(float(first(images).detach().std() - second(images).detach().std()))


def test_a_reader_s_function_of_two_networks_and_images_is_a_measure_by_itself_or_by_its_path(networks):
    found = [matrix(own(function), networks) for function in (same_size, f"{__name__}:same_size")]
    np.testing.assert_array_equal(*found)
    assert found[0][0, 1] == same_size(networks[0].model, networks[1].model, networks[0].images)
    with pytest.raises(ValueError, match="there is no function 'nowhere:alike': No module named 'nowhere'"):
        own("nowhere:alike")
