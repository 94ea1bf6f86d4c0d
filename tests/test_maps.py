"""Maps of networks are the plain loop over pairs of layers, however the Gram matrices are made."""

import itertools
import math

import numpy as np
import pytest
import torch
from planted_blocks import Untrained
from small_networks import network, random_images
from test_cka import SLOW, both_estimators
from torch import nn

from lib.cka import hidden_points, largest_block, linear_cka, maps, network_cka
from lib.cka.maps import PARTS, all_maps, cka_maps, maps_between, part_maps
from lib.models.representations import block_points, representation
from lib.runtime import room

pytestmark = pytest.mark.usefixtures("artifacts")

SAMPLING = {"batch_size": 10, "passes": 1}


def pictures(count, seed=0):
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(models, images, points):
    """The layers of all networks behind one another, [images, features] each."""
    return [x for model, chosen in zip(models, points) for x in representation(model, images, chosen).values()]


def slow_minibatch(models, images, points, unbiased, batch_size, passes, rng):
    """The definition, a pair of layers and a batch at a time: averages over batches, one division."""
    layers, batches = rows(models, images, points), []
    for _ in range(passes):
        order = torch.randperm(len(images), generator=rng).numpy()
        batches += [order[start : start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size)]

    def mean_hsic(x, y):
        return np.mean([SLOW[unbiased](x[batch].astype(float), y[batch].astype(float)) for batch in batches])

    return np.array([[mean_hsic(x, y) / math.sqrt(mean_hsic(x, x) * mean_hsic(y, y)) for y in layers] for x in layers])


@pytest.fixture(scope="module")
def pair():
    """Two networks of different depth and kind, and their points."""
    models = [network(0, "resnet-8", 1), network(1, "plain-14", 1)]
    return models, [block_points(model) for model in models]


@both_estimators
@pytest.mark.parametrize("count, batch_size, passes", [(40, 40, 1), (40, 8, 2), (43, 10, 3), (9, 4, 1)])
def test_network_cka_is_the_plain_loop_over_pairs(pair, unbiased, count, batch_size, passes):
    models, points = pair
    options = {"unbiased": unbiased, "batch_size": batch_size, "passes": passes}
    fast = network_cka(models, pictures(count), points, generator=generator(3), **options)
    slow = slow_minibatch(models, pictures(count), points, **options, rng=generator(3))
    np.testing.assert_allclose(fast, slow, rtol=0, atol=2e-5)
    assert fast.shape == (5 + 8, 5 + 8) and fast.dtype == np.float64
    np.testing.assert_allclose(fast, fast.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(fast), 1, rtol=1e-12)


@both_estimators
def test_batches_cut_out_of_the_matrices_of_all_images_give_the_same(pair, unbiased, monkeypatch):
    """Where they are larger than the memory allows, every batch is computed by itself; so are few batches."""
    models, points = pair
    sizes, original = [], maps._grams

    def grams(models, images, points, device):
        sizes.append(len(images))
        return original(models, images, points, device)

    def found(passes):
        sizes.clear()
        options = {"unbiased": unbiased, "batch_size": 10, "passes": passes, "generator": generator(1)}
        return network_cka(models, pictures(23), points, **options), list(sizes)

    monkeypatch.setattr(maps, "_grams", grams)
    whole, asked = found(3)
    assert asked == [23] and found(2)[1] == [10] * 4
    monkeypatch.setattr(maps, "MEMORY", 8 * 23**2 * 13 - 1)
    parts, asked = found(3)
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-5)
    assert asked == [10] * 6


@both_estimators
def test_one_batch_of_all_images_is_cka_of_all_images(pair, unbiased):
    models, points = pair
    options = {"unbiased": unbiased, "batch_size": 30, "passes": 2, "generator": generator()}
    whole = network_cka(models, pictures(30), points, **options)
    for (i, x), (j, y) in itertools.product(enumerate(rows(models, pictures(30), points)), repeat=2):
        assert whole[i, j] == pytest.approx(linear_cka(x, y, unbiased=unbiased), abs=2e-5)


def test_the_unbiased_value_does_not_depend_on_the_batch_size_and_the_biased_one_does(pair):
    """600 images, of which none of the batch sizes takes all in a pass, against all of them at once; 8 orders each."""
    models, points = [pair[0][0]], [pair[1][0]]
    images, above = pictures(600), np.triu_indices(5, 1)

    def values(unbiased, batch_size, orders=8):
        """[orders, pairs of layers]"""
        options = {"unbiased": unbiased, "batch_size": batch_size, "passes": 1}
        found = [network_cka(models, images, points, generator=generator(seed), **options) for seed in range(orders)]
        return np.stack([one[above] for one in found])

    (truth,) = values(True, 600, 1)
    for batch_size in (64, 128, 256):
        found = values(True, batch_size)
        error = found.std(0, ddof=1) / math.sqrt(8)
        assert (np.abs(found.mean(0) - truth) < 6 * error).all() and error.max() < 0.005
    assert (values(False, 64).mean(0) - values(False, 600, 1)).max() > 0.05


def test_the_generator_decides_and_the_orders_are_the_same_whatever_the_networks(pair):
    models, points = pair
    options, state = {"batch_size": 10, "passes": 2}, torch.get_rng_state()

    def found(places, rng):
        return network_cka(
            [models[i] for i in places], pictures(43), [points[i] for i in places], generator=rng, **options
        )

    used, fresh = generator(5), generator(5)
    both, first = found((0, 1), used), found((0,), fresh)
    assert np.array_equal(both, found((0, 1), generator(5)))
    assert not np.allclose(both, found((0, 1), generator(6)), atol=1e-3)
    np.testing.assert_allclose(both[:5, :5], first, rtol=0, atol=1e-12)
    np.testing.assert_allclose(both[5:, 5:], found((1,), generator(5)), rtol=0, atol=1e-12)
    assert torch.equal(state, torch.get_rng_state()) and torch.equal(used.get_state(), fresh.get_state())


def test_a_layer_that_is_the_same_for_all_images_is_named(pair):
    dead = network(3, "plain-8", 1)
    nn.init.zeros_(dead.stage2[0].bn2.weight)
    nn.init.constant_(dead.stage2[0].bn2.bias, -1)
    points = [pair[1][0], ["stem", "stage2.0"]]
    with pytest.raises(ValueError, match="^layer stage2.0 of network 1 is the same for all images, or for all but"):
        network_cka([pair[0][0], dead], pictures(12), points, batch_size=6, generator=generator())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 13}, "^batches of 13 need as many images, and there are 12$"),
        ({"batch_size": 6.0}, "^batch_size must be a whole number of at least 4, not 6.0$"),
        ({"batch_size": 3}, "^batch_size must be a whole number of at least 4, not 3$"),
        ({"passes": 0}, "^passes must be a whole number of at least 1, not 0$"),
        ({"points": [["stem"]]}, "^every network needs its list of points, not 1 lists for 2 networks$"),
        ({"points": [["stem"], ["stam"]]}, "^CifarResNet has no layer 'stam'; did you mean 'stem'"),
        ({"models": [], "points": []}, "^every network needs its list of points, not 0 lists for 0 networks$"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(pair, change, message):
    rng = generator()
    arguments = {"models": pair[0], "images": pictures(12), "points": pair[1], "batch_size": 6, "generator": rng}
    with pytest.raises(ValueError, match=message):
        network_cka(**arguments | change)
    assert torch.equal(rng.get_state(), generator().get_state())


def test_batches_larger_than_memory_are_refused_before_any_work(pair, monkeypatch):
    models, points = pair
    count = sum(map(len, points))
    monkeypatch.setattr(room, "available_memory", lambda: 16 * 40**2 * count - 1)
    sentence = f"^{count} Gram matrices of batches of 40 images take .*; take fewer of them, {count - 1} at most$"
    with pytest.raises(ValueError, match=sentence):
        network_cka(models, pictures(40), points, batch_size=40, passes=1)


def test_maps_of_a_population_are_those_of_its_networks():
    images, population = random_images(40)[0], Untrained("resnet-14", (0, 1, 2))
    whole = cka_maps(population, images, generator(3), batch_size=40, passes=1)
    assert whole.shape == (3, 7, 7)
    for cka, model in zip(whole, population.models()):
        layers = rows([model], images, [hidden_points(model)])
        np.testing.assert_allclose(cka, [[linear_cka(x, y) for y in layers] for x in layers], atol=1e-5)
    found = cka_maps(population, images, generator(3), batch_size=10, passes=2)
    first = next(iter(population.models()))
    expected = network_cka([first], images, [hidden_points(first)], batch_size=10, passes=2, generator=generator(3))
    np.testing.assert_allclose(found[0], expected)


def test_a_network_whose_blocks_change_nothing_is_one_block():
    """Branches of weight zero: every stage hands on what it was given."""
    model = next(Untrained("resnet-20", (0,)).models())
    for name, module in model.named_modules():
        if name.endswith("bn2"):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    images, points = random_images(40)[0], hidden_points(model)
    cka = network_cka([model], images, [points], batch_size=20, passes=1, generator=generator())
    for start, stop in ((0, 4), (4, 7), (7, 10)):  # the first block of a later stage has a new shortcut
        np.testing.assert_allclose(cka[start:stop, start:stop], 1, atol=1e-4)
    assert len(largest_block(cka, 0.9999)) >= 3


def test_all_populations_are_seen_in_the_same_orders():
    images = random_images(40)[0]
    populations = {"a": Untrained("resnet-8"), "b": Untrained("resnet-14"), "c": Untrained("resnet-8")}
    found = all_maps(populations, images, 5, **SAMPLING)
    assert {name: one.shape for name, one in found.items()} == {"a": (2, 4, 4), "b": (2, 7, 7), "c": (2, 4, 4)}
    np.testing.assert_array_equal(found["a"], found["c"])
    one = {"a": populations["a"]}
    np.testing.assert_array_equal(found["a"], all_maps(one, images, 5, **SAMPLING)["a"])
    assert not np.array_equal(found["a"], all_maps(one, images, 6, **SAMPLING)["a"])


def test_parts_share_no_image_and_are_one_batch_where_they_are_small(monkeypatch):
    images, seen = torch.arange(42.0)[:, None], []

    def look(population, part, generator, *, batch_size, passes):
        seen.append((part[:, 0].tolist(), batch_size, passes))
        return np.zeros((len(population), 4, 4))

    monkeypatch.setattr(maps, "cka_maps", look)
    assert part_maps(Untrained(), images, 0, batch_size=256, passes=3).shape == (2, PARTS, 4, 4)
    assert [(len(part), size, passes) for part, size, passes in seen] == [(10, 10, 3)] * PARTS
    assert len({image for part, *_ in seen for image in part}) == 10 * PARTS
    part_maps(Untrained(), images, 0, batch_size=8, passes=3)
    assert [size for _, size, _ in seen[PARTS:]] == [8] * PARTS
    assert [part for part, *_ in seen[PARTS:]] == [part for part, *_ in seen[:PARTS]]


def test_maps_between_are_those_of_every_two_networks_and_the_same_from_either_side():
    images = random_images(12)[0]
    populations = {"short": Untrained("resnet-8", (0, 1)), "long": Untrained("resnet-14", (0, 1, 2))}
    between = maps_between(populations, images, generator(), batch_size=12, passes=1).between
    found = between("short", "long")
    assert found.shape == (2, 3, 4, 7)
    np.testing.assert_allclose(found, between("long", "short").transpose(1, 0, 3, 2))
    np.testing.assert_allclose(np.einsum("iill->il", between("long", "long")), 1)
    short, long = (list(populations[name].models())[place] for name, place in (("short", 1), ("long", 2)))
    x, y = (rows([model], images, [hidden_points(model)]) for model in (short, long))
    np.testing.assert_allclose(found[1, 2], [[linear_cka(a, b) for b in y] for a in x], atol=1e-5)


class Signals(nn.Module):
    """A layer for each row of weights [layers, signals]: the signals of the input, each scaled to that variance."""

    def __init__(self, weights, dims):
        super().__init__()
        self.names = [f"layer{place}" for place in range(len(weights))]
        for name, row in zip(self.names, weights):
            layer = nn.Linear(len(row) * dims, len(row) * dims, bias=False)
            layer.weight.data = torch.diag(torch.as_tensor(np.repeat(np.sqrt(row), dims), dtype=torch.float32))
            self.add_module(name, layer)

    def forward(self, x):
        return [self.get_submodule(name)(x) for name in self.names]


def test_cka_of_shared_signals_and_private_noise_is_the_share_they_have_in_common():
    """What `planted_layers` rests on: CKA is the cosine of the weights of independent signals."""
    weights = np.array([[1, 0.7, 0, 0], [1, 0, 0.7, 0], [0, 1, 1, 2]])
    images, model = torch.randn(600, 4 * 20, generator=generator()), Signals(weights, 20)
    found = network_cka([model], images, [model.names], batch_size=200, passes=4, generator=generator(1))
    unit = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    np.testing.assert_allclose(found, unit @ unit.T, atol=0.02)
