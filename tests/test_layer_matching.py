"""The best match of a layer: planted correspondences are recovered, whichever network is looked up in which."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planted_layers import planted_maps
from scipy.stats import pearsonr
from small_networks import SIZES, random_images
from torch import nn

from lib import models
from lib.cka import linear_cka, minibatch_cka
from lib.cka.block_structure import hidden_points
from lib.cka.layer_matching import best_matches, map_correlations, maps_between, mean_where, relative_depths

RNG = np.random.default_rng(0)


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


class Untrained:
    """A population of residual networks that were not trained."""

    def __init__(self, family, seeds):
        self.family, self.seeds = family, seeds
        self.specification = SimpleNamespace(name=family)

    def __len__(self):
        return len(self.seeds)

    def models(self):
        for seed in self.seeds:
            model = models.build(self.family, 1, **SIZES)
            models.initialise(model, torch.Generator().manual_seed(seed))
            model.train()(random_images(seed=7)[0])
            yield model.eval()


def test_cka_of_shared_signals_and_private_noise_is_the_share_they_have_in_common():
    """What the planted maps of these tests rest on: CKA is the cosine of the weights of independent signals."""
    weights = np.array([[1, 0.7, 0, 0], [1, 0, 0.7, 0], [0, 1, 1, 2]])
    images = torch.randn(600, 4 * 20, generator=torch.Generator().manual_seed(0))
    model = Signals(weights, 20)
    found = minibatch_cka([model, model], images, [model.names] * 2, batch_size=200, passes=4,
                          generator=torch.Generator().manual_seed(1)).between(0, 1)
    rows = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    np.testing.assert_allclose(found, rows @ rows.T, atol=0.02)


def test_maps_are_those_of_every_two_networks_and_the_same_from_either_side():
    images = random_images(12)[0]
    populations = {"short": Untrained("resnet-8", [0, 1]), "long": Untrained("resnet-14", [0, 1, 2])}
    maps = maps_between(populations, images, torch.Generator().manual_seed(0), batch_size=12, passes=1)
    found = maps.between("short", "long")
    assert found.shape == (2, 3, 4, 7)
    np.testing.assert_allclose(found, maps.between("long", "short").transpose(1, 0, 3, 2))
    own = maps.between("long", "long")
    np.testing.assert_allclose(np.einsum("iill->il", own), 1)
    layers = {}
    for name, population in populations.items():
        for place, model in enumerate(population.models()):
            for point, layer in enumerate(hidden_points(model)):
                module = dict(model.named_modules())[layer]
                module.register_forward_hook(
                    lambda _, __, output, key=(name, place, point): layers.__setitem__(key, output.detach()))
            model(images)
    assert found[1, 2, 3, 5] == pytest.approx(linear_cka(layers["short", 1, 3], layers["long", 2, 5], "unbiased"),
                                              abs=1e-5)


def test_a_permutation_of_layers_is_recovered_from_either_side():
    order = np.array([3, 0, 5, 1, 6, 2, 4])
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.zeros((1, 7), bool)
    there = best_matches(across[..., order], inside)
    np.testing.assert_array_equal(order[there.place[0, 0]], np.arange(7))
    back = best_matches(across[..., order].transpose(1, 0, 3, 2), inside)
    np.testing.assert_array_equal(back.place[0, 0], order)
    np.testing.assert_allclose(there.cka, 1)


def test_a_stretched_network_matches_at_equal_relative_depth():
    maps = planted_maps({"short": (7, [None] * 2), "long": (13, [None] * 3)}, noise=0.5)
    for first, second, layers in (("short", "long", 7), ("long", "short", 13)):
        matching = best_matches(maps.between(first, second), np.zeros((len(maps.networks[first]), layers), bool))
        np.testing.assert_allclose(matching.beyond_nearest(), 0, atol=1e-12)
        np.testing.assert_array_less(0.99, matching.rank_correlation() + 0.03)  # ties where the other is shorter
        assert matching.chance().mean() > 0.25


def test_distance_is_counted_beyond_the_nearest_layer_there_is():
    """Layers at 0, 1/2 and 1 against layers at 0 and 1, all matched with the last one."""
    maps = np.zeros((1, 1, 3, 2))
    maps[..., 1] = 0.8
    matching = best_matches(maps, np.array([[False, True, True]]))
    np.testing.assert_allclose(matching.beyond_nearest(), [[[1, 0, 0]]])
    np.testing.assert_allclose(matching.chance(), [0.5, 0, 0.5])
    assert matching.average(matching.beyond_nearest())[0, 0] == pytest.approx(1 / 3)
    assert matching.average(matching.beyond_nearest(), False)[0, 0] == 1
    assert matching.average(matching.cka, True)[0, 0] == 0.8
    assert matching.rank_correlation()[0, 0] == 0  # all have one match


def test_chance_is_the_mean_over_all_orders_of_the_other_networks_layers():
    across = RNG.uniform(size=(1, 1, 6, 4))
    inside = np.zeros((1, 6), bool)
    shuffled = [best_matches(across[..., list(order)], inside).beyond_nearest() for order in permutations(range(4))]
    np.testing.assert_allclose(np.mean(shuffled, axis=0)[0, 0], best_matches(across, inside).chance())


def test_rank_correlation_tells_the_order():
    across = planted_maps({"a": (7, [None, None])}).between("a", "a")[:1, 1:]
    inside = np.array([[True, True, False, False, False, False, False]])
    assert best_matches(across, inside).rank_correlation()[0, 0] == pytest.approx(1)
    turned = best_matches(across[..., ::-1], inside)
    assert turned.rank_correlation()[0, 0] == pytest.approx(-1)
    assert turned.rank_correlation(inside=False)[0, 0] == pytest.approx(-1)
    assert np.isnan(turned.rank_correlation(inside=True)[0, 0])  # two layers have no order to speak of


def test_relative_depths_run_from_the_stem_to_the_last_block():
    np.testing.assert_allclose(relative_depths(5), [0, 0.25, 0.5, 0.75, 1])


def test_correlation_of_maps_asks_for_the_pattern_of_different_layers():
    maps = RNG.uniform(size=(3, 3, 5, 5))
    everything = np.ones((3, 3, 5), bool)
    found = map_correlations(maps, everything)
    different = ~np.eye(5, dtype=bool)
    assert found[0, 2] == pytest.approx(pearsonr(maps[0, 2][different], ((maps[0, 0] + maps[2, 2]) / 2)[different])[0])
    assert np.isnan(np.diagonal(found)).all()
    maps[0, 1] = 0.1 + 0.5 * (maps[0, 0] + maps[1, 1]) / 2  # less alike, and of the same pattern
    maps[0, 1][~different] = -3
    assert map_correlations(maps, everything)[0, 1] == pytest.approx(1)


def test_correlation_of_maps_is_of_the_chosen_layers():
    maps, chosen = RNG.uniform(size=(2, 2, 6, 6)), np.ones((2, 2, 6), bool)
    chosen[0, 1, [1, 4]] = False
    chosen[1, 0, :4] = False
    kept = [0, 2, 3, 5]
    part = maps[:, :, kept][..., kept]
    found = map_correlations(maps, chosen)
    assert found[0, 1] == pytest.approx(map_correlations(part, np.ones((2, 2, 4), bool))[0, 1])
    assert np.isnan(found[1, 0])  # two layers are no pattern


def test_mean_over_the_chosen():
    found = mean_where(np.array([[1.0, 2, np.nan], [4, 5, 6]]), np.array([[True, True, False], [False] * 3]))
    assert found[0] == 1.5 and np.isnan(found[1])
