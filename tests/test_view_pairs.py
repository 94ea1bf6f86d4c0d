"""The three views of pairs against those of two networks alone, and their laws."""

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib.cka import linear_cka
from lib.models.cut_networks import CutNetwork
from lib.similarity import individual
from lib.stitching import direct_match, residual
from lib.views import view_pairs

IMAGES, OTHERS = random_images(24)[0], random_images(400, seed=3)[0]
BLOCKS = ["layer1.0", "layer1.1", "layer2.0", "layer3.0", "layer4.0"]


@pytest.fixture(scope="module")
def networks():
    return [CutNetwork(network(seed, "resnet-small", width)) for seed, width in ((0, 2), (1, 2), (2, 3))]


@pytest.fixture(scope="module")
def outputs(networks):
    return view_pairs.block_outputs(networks, IMAGES)


@pytest.fixture(scope="module")
def fitting(networks):
    return view_pairs.block_outputs(networks, OTHERS)


def test_outputs_are_those_of_the_blocks(networks, outputs):
    assert [list(output) for output in outputs] == [BLOCKS] * 3
    whole = networks[2].representations(IMAGES)
    for block in BLOCKS:
        assert torch.equal(outputs[2][block], whole[block])


def test_cka_is_the_mean_of_that_of_two_layers(outputs):
    found = view_pairs.cka_at_equal_depth(outputs)
    for i, j in ((0, 1), (2, 0)):
        expected = np.mean([linear_cka(outputs[i][block], outputs[j][block]) for block in BLOCKS])
        assert found[i, j] == pytest.approx(expected)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diagonal(found), 1)


def test_matching_is_the_mean_over_blocks_and_directions_of_single_maps(outputs, fitting):
    found = view_pairs.matching_at_equal_depth(fitting, outputs, 100)
    for i, j in ((0, 1), (2, 0)):
        residuals = []
        for block, images in zip(BLOCKS, (100, 100, 400, 400, 400)):  # 4 x 4, 2 x 2 and single positions; 400 at most
            for a, b in ((i, j), (j, i)):
                stitch = direct_match(fitting[a][block][:images], fitting[b][block][:images])
                with torch.no_grad():
                    residuals.append(residual(stitch(outputs[a][block]), outputs[b][block]))
        assert found[i, j] == pytest.approx(1 - np.mean(residuals), abs=1e-5)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diagonal(found), 1, atol=1e-6)


def test_maps_are_fitted_to_enough_positions_whatever_the_size_of_the_maps():
    assert view_pairs.fitting_images((7, 3, 4, 4), 100) == 100
    assert view_pairs.fitting_images((7, 3, 2, 2), 100) == 400
    assert view_pairs.fitting_images((7, 3, 1, 1), 100) == 1600
    assert view_pairs.fitting_images((7, 3, 3, 3), 10) == 178
    assert view_pairs.fitting_images((7, 3, 16, 16), 100) == 100


def test_channels_in_another_order_are_the_same_to_both_views_of_representations(outputs, fitting):
    order = torch.randperm(2, generator=torch.Generator().manual_seed(1))

    def mixed(output):
        return {block: 3 * layer[:, torch.cat([order.flip(0), torch.arange(2, layer.shape[1])])] + 1
                for block, layer in output.items()}

    assert view_pairs.cka_at_equal_depth([outputs[0], mixed(outputs[0])])[0, 1] == pytest.approx(1)
    both = [[part[0], mixed(part[0])] for part in (fitting, outputs)]
    assert view_pairs.matching_at_equal_depth(*both, 100)[0, 1] == pytest.approx(1)


def test_gradient_similarity_is_that_of_two_networks():
    directions = np.random.default_rng(0).standard_normal((3, 5, 8))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    found = view_pairs.gradient_similarity(directions)
    assert found[0, 2] == pytest.approx(individual(directions[0], directions[2]))


def test_what_has_no_views_is_refused(outputs):
    view_pairs.check_families(["resnet-small", "resnet-large", "vit"])
    with pytest.raises(ValueError, match="only residual networks and vision transformers .* can be cut, not CNN"):
        view_pairs.check_families(["resnet-small", "cnn-small"])
    dead = {**outputs[1], "layer3.0": torch.ones_like(outputs[1]["layer3.0"])}
    with pytest.raises(ValueError, match="layer layer3.0 of network 1 is the same for all images: it has no CKA"):
        view_pairs.cka_at_equal_depth([outputs[0], dead])
