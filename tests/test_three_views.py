"""Three views of pairs against those of two networks alone; tables of views and outcomes: their images, their networks."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib.cka import linear_cka
from lib.data import ImageData
from lib.models.cut_networks import CutNetwork
from lib.salience import input_gradients
from lib.stitching import direct_match, residual
from lib.views import outcomes, three_views
from lib.views.outcomes import AGREEMENT, ERRORS, TRANSFER
from lib.views.three_views import ACCURACY, VIEWS, WEAKNESS, halves, pair_table

pytestmark = pytest.mark.usefixtures("unstored")
SEEN, OTHERS = slice(0, 12), slice(12, 24)
OPTIONS = {"view_images": None, "fit_images": 10, "eps": 0.25}


class Some:
    """Untrained networks of one width."""

    def __init__(self, width, models):
        self.specification, self.kept = SimpleNamespace(name=f"resnet-8, k = {width}", width=width), models
        self.digest = f"untrained, k = {width}"

    def models(self):
        return map(copy.deepcopy, self.kept)  # new ones each time, as of a population


@pytest.fixture(autouse=True)
def gradients(monkeypatch):
    """Directions without a store on the disk."""

    def directions(populations, images, *, output, grid, keep_dead):
        assert keep_dead
        found = {}
        for key, population in populations.items():
            rows = torch.stack(
                [
                    input_gradients(model, images.test_images, images.test_labels, output=output).flatten(1)
                    for model in population.models()
                ]
            )
            found[key] = torch.nn.functional.normalize(rows, dim=2).detach().numpy()
        return found

    monkeypatch.setattr(three_views.direction_store, "population_directions", directions)


@pytest.fixture(scope="module")
def images():
    return ImageData("noise", 0, *random_images(40), *random_images(25, seed=5), tuple("abcd"), (0.0,), (1.0,))


@pytest.fixture
def populations():
    return [Some(width, [network(seed + 10 * width, "resnet-8", width) for seed in range(4)]) for width in (1, 2)]


def test_networks_stand_population_by_population(populations, images):
    table = pair_table(populations, images, **OPTIONS)
    assert table.widths.tolist() == [1] * 4 + [2] * 4
    assert list(table.alone) == [ACCURACY, WEAKNESS] and list(table.views) == list(VIEWS)
    assert list(table.outcomes) == [AGREEMENT, ERRORS, TRANSFER]
    models = [model for population in populations for model in population.kept]
    with torch.no_grad():
        predicted = torch.stack([model(images.test_images).argmax(1) for model in models])
    right = (predicted == images.test_labels).numpy()
    np.testing.assert_allclose(table.alone[ACCURACY], right[:, SEEN].mean(1))
    assert table.outcomes[AGREEMENT][1, 6] == pytest.approx(
        float((predicted[1] == predicted[6])[OTHERS].float().mean())
    )
    taken = outcomes.transfer(models, images.test_images[OTHERS], images.test_labels[OTHERS], 0.25)
    np.testing.assert_allclose(table.outcomes[TRANSFER], (taken + taken.T) / 2, atol=1e-5)


def test_a_network_twice_is_as_alike_as_it_can_be(populations, images):
    populations[0].kept[3] = populations[0].kept[1]
    table = pair_table(populations, images, **OPTIONS | {"fit_images": 40})
    assert table.views["rho"][1, 3] == pytest.approx(1, abs=1e-5) and table.views["CKA"][1, 3] == pytest.approx(1)
    # Two channels are zero on all images that maps are fitted to, and not on those that views see.
    assert table.views["matching"][1, 3] == pytest.approx(1, abs=1e-3)
    assert table.outcomes[AGREEMENT][1, 3] == 1
    assert table.outcomes[TRANSFER][1, 3] == pytest.approx(table.outcomes[TRANSFER][3, 3], abs=1e-6)


def dead():
    model = network(3, "resnet-8", 1)
    with torch.no_grad():
        model.fc.weight.zero_()
    return model


def test_networks_without_gradients_are_left_out_and_named(populations, images):
    populations[0].kept.append(dead())
    with pytest.warns(UserWarning, match="resnet-8, k = 1: 1 of its 5 networks have no gradient at any image of the"):
        table = pair_table(populations, images, **OPTIONS)
    assert len(table) == 8


def test_too_few_living_networks_are_refused(populations, images):
    populations[0].kept[1:3] = [dead(), dead()]
    with (
        pytest.warns(UserWarning, match="2 of its 4 networks have no gradient"),
        pytest.raises(ValueError, match="at least 4 networks of each width, not 2 of k = 1"),
    ):
        pair_table(populations, images, **OPTIONS)


IMAGES, FITTED = random_images(24)[0], random_images(400, seed=3)[0]
BLOCKS = ["layer1.0", "layer1.1", "layer2.0", "layer3.0", "layer4.0"]


@pytest.fixture(scope="module")
def networks():
    return [CutNetwork(network(seed, "resnet-small", width)) for seed, width in ((0, 2), (1, 2), (2, 3))]


@pytest.fixture(scope="module")
def outputs(networks):
    return three_views.block_outputs(networks, IMAGES)


@pytest.fixture(scope="module")
def fitting(networks):
    return three_views.block_outputs(networks, FITTED)


def test_outputs_are_those_of_the_blocks(networks, outputs):
    assert [list(output) for output in outputs] == [BLOCKS] * 3
    whole = networks[2].representations(IMAGES)
    for block in BLOCKS:
        assert torch.equal(outputs[2][block], whole[block])


def test_cka_is_the_mean_of_that_of_two_layers(outputs):
    found = three_views.cka_at_equal_depth(outputs)
    for i, j in ((0, 1), (2, 0)):
        expected = np.mean([linear_cka(outputs[i][block], outputs[j][block]) for block in BLOCKS])
        assert found[i, j] == pytest.approx(expected)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diagonal(found), 1)


def test_matching_is_the_mean_over_blocks_and_directions_of_single_maps(outputs, fitting):
    found = three_views.matching_at_equal_depth(fitting, outputs, 100)
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
    assert three_views.fitting_images((7, 3, 4, 4), 100) == 100
    assert three_views.fitting_images((7, 3, 2, 2), 100) == 400
    assert three_views.fitting_images((7, 3, 1, 1), 100) == 1600
    assert three_views.fitting_images((7, 3, 3, 3), 10) == 178
    assert three_views.fitting_images((7, 3, 16, 16), 100) == 100


def test_channels_in_another_order_are_the_same_to_both_views_of_representations(outputs, fitting):
    order = torch.randperm(2, generator=torch.Generator().manual_seed(1))

    def mixed(output):
        return {
            block: 3 * layer[:, torch.cat([order.flip(0), torch.arange(2, layer.shape[1])])] + 1
            for block, layer in output.items()
        }

    assert three_views.cka_at_equal_depth([outputs[0], mixed(outputs[0])])[0, 1] == pytest.approx(1)
    both = [[part[0], mixed(part[0])] for part in (fitting, outputs)]
    assert three_views.matching_at_equal_depth(*both, 100)[0, 1] == pytest.approx(1)


def test_what_has_no_views_is_refused(outputs):
    three_views.check_families(["resnet-small", "resnet-large", "vit"])
    with pytest.raises(ValueError, match="only residual networks .* can be cut, not CNN"):
        three_views.check_families(["resnet-small", "cnn-small"])
    dead = {**outputs[1], "layer3.0": torch.ones_like(outputs[1]["layer3.0"])}
    with pytest.raises(ValueError, match="layer layer3.0 of network 1 is the same for all images, or for all but one:"):
        three_views.cka_at_equal_depth([outputs[0], dead])


def test_halves_are_as_large_as_each_other_and_share_nothing(images):
    places = np.arange(25)
    for count, expected in ((None, 12), (12, 12), (5, 5)):
        seen, others = (places[part].tolist() for part in halves(images, count))
        assert seen == list(range(expected)) and others == list(range(expected, 2 * expected))
    with pytest.raises(ValueError, match="must be at most 12, half of the test images, not 13: the outcomes take as"):
        halves(images, 13)


def changed(images, part):
    """Other images and labels in one part of the test images."""
    pixels, labels = images.test_images.clone(), images.test_labels.clone()
    pixels[part], labels[part] = random_images(12, seed=9)[0], (labels[part] + 1) % 4
    return replace(images, test_images=pixels, test_labels=labels)


@pytest.mark.parametrize("part, moves", [(SEEN, ("alone", "views")), (OTHERS, ("outcomes",))])
def test_views_see_one_half_and_outcomes_the_other(populations, images, part, moves):
    before, after = (pair_table(populations, shown, **OPTIONS) for shown in (images, changed(images, part)))
    for kind in ("alone", "views", "outcomes"):
        for name, numbers in getattr(before, kind).items():
            off = ~np.eye(8, dtype=bool) if numbers.ndim == 2 else slice(None)
            moved = np.abs(numbers - getattr(after, kind)[name])[off]
            assert moved.max() > 0.01 if kind in moves else moved.max() < 1e-6, name
