"""Tables of three views and three outcomes: which images they see, and which networks they hold."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import network, random_images

from lib.data import ImageData
from lib.salience import input_gradients
from lib.views import three_views, view_outcomes
from lib.views.three_views import ACCURACY, WEAKNESS, halves, pair_table
from lib.views.view_outcomes import AGREEMENT, ERRORS, TRANSFER
from lib.views.view_pairs import VIEWS

SEEN, OTHERS = slice(0, 12), slice(12, 24)
OPTIONS = {"view_images": None, "fit_images": 10, "eps": 0.25}


class Some:
    """Untrained networks of one width."""

    def __init__(self, width, models):
        self.specification, self.kept = SimpleNamespace(name=f"resnet-8, k = {width}", width=width), models

    def models(self):
        return map(copy.deepcopy, self.kept)  # new ones each time, as of a population


@pytest.fixture(autouse=True)
def gradients(monkeypatch):
    """Directions without a store on the disk."""
    def directions(populations, images, *, output, grid, keep_dead):
        assert keep_dead
        found = {}
        for key, population in populations.items():
            rows = torch.stack([input_gradients(model, images.test_images, images.test_labels, output=output).flatten(1)
                                for model in population.models()])
            found[key] = torch.nn.functional.normalize(rows, dim=2).detach().numpy()
        return found

    monkeypatch.setattr(three_views.direction_store, "population_directions", directions)


@pytest.fixture(scope="module")
def images():
    return ImageData("noise", 0, *random_images(40), *random_images(25, seed=5), tuple("abcd"), (0.0,), (1.0,))


@pytest.fixture
def populations():
    return [Some(width, [network(seed + 10 * width, "resnet-8", width) for seed in range(4)]) for width in (1, 2)]


def test_halves_are_as_large_as_each_other_and_share_nothing(images):
    places = np.arange(25)
    for count, expected in ((None, 12), (12, 12), (5, 5)):
        seen, others = (places[part].tolist() for part in halves(images, count))
        assert seen == list(range(expected)) and others == list(range(expected, 2 * expected))
    with pytest.raises(ValueError, match="must be at most 12, half of the test images, not 13: the outcomes take as many"):
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
    assert table.outcomes[AGREEMENT][1, 6] == pytest.approx(float((predicted[1] == predicted[6])[OTHERS].float().mean()))
    taken = view_outcomes.transfer(models, images.test_images[OTHERS], images.test_labels[OTHERS], 0.25)
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
    with pytest.warns(UserWarning, match="resnet-8, k = 1: 1 of its 5 networks have no gradient at any image of the views"):
        table = pair_table(populations, images, **OPTIONS)
    assert len(table) == 8


def test_too_few_living_networks_are_refused(populations, images):
    populations[0].kept[1:3] = [dead(), dead()]
    with (pytest.warns(UserWarning, match="2 of its 4 networks have no gradient"),
          pytest.raises(ValueError, match="at least 4 networks of each width, not 2 of k = 1")):
        pair_table(populations, images, **OPTIONS)
