"""Other choices, same gradients: what must not differ does not, and verdicts are compared by their rules."""

import dataclasses

import numpy as np
import pytest
import torch

from lib import salience
from lib.chapters import open_choices_figures
from lib.chapters.open_choices import CONCLUSIONS, DEFAULT, DEPENDENCE, EPOCHS, judge
from lib.effects.open_choices import coarser, right_only
from lib.salience.predictions import logits
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.training import train
from lib.training.populations import Population
from lib.verdicts import judged

WIDTHS = (2, 4, 8)
FAMILIES = ("cnn-small", "vit")


@pytest.fixture(scope="module")
def population(tiny, digits):
    return Population(tiny, tuple(train(tiny, range(4), digits)))


@pytest.fixture(scope="module")
def rising():
    """Planted directions about one mean that concentrate with the width; each [networks, images, dims]."""
    rng = np.random.default_rng(0)
    return [planted_population(von_mises_fisher(kappa, 16), 10, 60, rng) for kappa in (8, 16, 32)]


@pytest.fixture(scope="module")
def outcomes(rising):
    """The default for two families; fewer images and epochs for the first of them alone."""
    both = dict.fromkeys(FAMILIES, rising)
    few = {"cnn-small": [u[:6] for u in rising[:2]]}
    return {
        DEFAULT: judge(both, WIDTHS, 0, 100),
        ("images", "first 20"): judge({"cnn-small": [u[:, :20] for u in rising]}, WIDTHS, 0, 100),
        (EPOCHS, "20, fewer networks"): judge(few, WIDTHS[:2], 0, 100),
        (EPOCHS, "5"): judge({"cnn-small": few["cnn-small"][::-1]}, WIDTHS[:2], 0, 100),
    }


def with_verdicts(outcome, verdict, **numbers):
    """The same outcome with another verdict, or other numbers, for growth."""
    changed = dataclasses.replace(outcome.claims["growth"], verdict=verdict, **numbers)
    return dataclasses.replace(outcome, claims={**outcome.claims, "growth": changed})


def growth(outcomes):
    (claim,) = judged(DEPENDENCE[:1], outcomes)
    return claim


@pytest.mark.parametrize("grid", [4, 2, 1])
def test_unit_directions_made_coarser_are_those_of_coarser_gradients(grid):
    gradients = torch.randn(10, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    gradients[4] = 0
    fine = salience.directions(gradients, grid=8).reshape(2, 5, -1).numpy()
    expected = salience.directions(gradients, grid=grid).reshape(2, 5, -1).numpy()
    np.testing.assert_allclose(coarser(fine, 3, grid), expected, atol=1e-6)
    assert not coarser(fine, 3, grid)[0, 4].any()


@pytest.mark.parametrize("grid", [3, 16, 0])
def test_a_grid_that_does_not_divide_is_refused(grid):
    with pytest.raises(ValueError, match=f"^a grid of 8 can be made coarser to a grid that divides it, not to {grid}$"):
        coarser(np.ones((2, 5, 64), dtype=np.float32), 1, grid)


def test_only_networks_that_are_right_keep_their_direction(population, digits):
    directions = np.ones((4, len(digits.test_labels), 3))
    kept = right_only(directions, population, digits)
    for row, model in zip(kept, population.models()):
        right = (logits(model, digits.test_images).argmax(1) == digits.test_labels).numpy()
        np.testing.assert_array_equal(row, np.tile(right[:, None], 3))
    assert 0 < kept.mean() < 1
    with pytest.raises(ValueError, match="1 networks without a gradient were left out"):
        right_only(directions[1:], population, digits)


def test_networks_of_few_epochs_are_those_of_many_looked_at_earlier(tiny, population, digits):
    for early, late in zip(train(dataclasses.replace(tiny, epochs=1), range(4), digits), population.networks):
        assert early.train_loss == late.train_loss[:1] and early.train_accuracy == late.train_accuracy[:1]


def test_planted_families_support_all_conclusions(rising):
    found = judge({"cnn-small": rising}, WIDTHS, 0, 100)["cnn-small"]
    assert found.widths == WIDTHS and found.claims.keys() == CONCLUSIONS.keys()
    assert {name: claim.verdict for name, claim in found.claims.items()} == dict.fromkeys(CONCLUSIONS, "supported")
    narrowest, widest, cosine, law = found.numbers.values()
    assert narrowest == found.matrix.values[0, 0] and widest == found.matrix.values[2, 2]
    assert 0.9 < cosine < 1.1 and 0 < law < 0.1


def test_a_conclusion_is_free_of_the_choices_where_every_family_keeps_its_verdict(outcomes):
    one = {setting: outcomes[setting] for setting in (DEFAULT, ("images", "first 20"))}
    claim = growth(one)
    assert claim.name == "A1-growth" and claim.verdict == "supported"
    assert claim.networks == 30 and claim.statistic.endswith(
        "the one of 3 that is closest to another verdict: 3 supported"
    )
    other = {**one, DEFAULT: {**one[DEFAULT], "vit": with_verdicts(one[DEFAULT]["vit"], "contradicted")}}
    assert growth(other).verdict == "supported"  # families may differ


@pytest.mark.parametrize("verdict", ["undecided", "contradicted"])
def test_a_verdict_that_changes_is_told_from_one_that_is_turned_round(outcomes, verdict):
    setting = "images", "first 20"
    changed = {**outcomes, setting: {"cnn-small": with_verdicts(outcomes[setting]["cnn-small"], verdict)}}
    changed = {key: changed[key] for key in (DEFAULT, setting)}
    assert growth(changed).verdict == verdict


def test_an_unknown_interval_does_not_break_the_figures(outcomes):
    unknown = with_verdicts(outcomes[DEFAULT]["vit"], "undecided", estimate=np.nan, low=np.nan, high=np.nan)
    left, right = open_choices_figures.statistics({DEFAULT: {"vit": unknown}}, ["vit"]).axes[0].get_xlim()
    assert left < 0 < right
