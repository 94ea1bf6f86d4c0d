"""Other choices, same gradients: what must not differ does not, and verdicts are compared by their rules."""

import dataclasses

import numpy as np
import pytest
import torch

from lib import salience
from lib.chapters import open_choices_figures
from lib.chapters.open_choices import CONCLUSIONS, DEFAULT, DEPENDENCE, EPOCHS, compared_with, judge, largest_changes
from lib.salience.direction_store import right_only
from lib.salience.extraction import coarser, logits
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.training import train
from lib.training.populations import Population
from lib.verdicts import Claim, judged

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


def test_a_probability_and_its_logarithm_have_one_direction_and_the_logit_another(population, digits):
    found = {
        output: salience.population_directions({0: population}, digits, output=output)[0] for output in salience.OUTPUTS
    }
    cosines = {output: (u * found["log-probability"]).sum(-1) for output, u in found.items()}
    np.testing.assert_allclose(cosines["probability"], 1, atol=1e-5)
    assert np.abs(cosines["logit"] - 1).max() > 1e-3


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


def test_a_population_that_points_elsewhere_contradicts_one_direction_and_nothing_about_concentration(rising):
    turned = np.roll(rising[2], 1, axis=-1)
    found = judge({"cnn-small": [*rising[:2], turned]}, WIDTHS, 0, 100)["cnn-small"].claims
    assert found["H2"].verdict == "contradicted" and found["H1"].verdict == "supported"


def test_the_same_data_and_seed_are_judged_alike(rising):
    once, again = (judge({"cnn-small": rising}, WIDTHS, 3, 100)["cnn-small"].claims for _ in range(2))
    assert once == again and isinstance(once["H1"], Claim)


def test_a_setting_is_compared_with_what_differs_by_the_choice_alone(outcomes):
    references = [compared_with(outcomes, setting) for setting in outcomes]
    assert references == [DEFAULT, DEFAULT, (EPOCHS, "20, fewer networks"), (EPOCHS, "20, fewer networks")]


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


def test_settings_of_too_few_networks_are_shown_and_do_not_count(outcomes, rising):
    few = {("networks", "at most 5"): judge({"cnn-small": [u[:5] for u in rising[::-1]]}, WIDTHS, 0, 100)}
    claim = growth({DEFAULT: outcomes[DEFAULT], **few})
    assert claim.verdict == "supported" and claim.statistic.endswith("2 supported, 1 not tested")
    assert growth(few).verdict == "undecided"


def test_verdicts_that_are_all_undecided_settle_nothing(outcomes):
    undecided = {DEFAULT: {family: with_verdicts(found, "undecided") for family, found in outcomes[DEFAULT].items()}}
    assert growth(undecided).verdict == "undecided"


def test_the_weakest_setting_is_shown_and_one_that_cannot_be_told_before_all_others(outcomes):
    setting = "images", "first 20"
    unknown = with_verdicts(outcomes[setting]["cnn-small"], "undecided", low=np.nan)
    shown = growth({**outcomes, setting: {"cnn-small": unknown}})
    assert np.isnan(shown.low) and ": cnn-small, images first 20, the one of" in shown.statistic


def test_of_several_settings_and_families_the_largest_change_is_told_whatever_its_sign(outcomes):
    """Similarities of the widest networks in two families: the default's 0.5, and changes by +0.1, -0.3 and +0.2."""

    def outcome(widest):
        made = outcomes[DEFAULT]["vit"]
        values = made.matrix.values.copy()
        values[-1, -1] = widest
        return dataclasses.replace(made, matrix=dataclasses.replace(made.matrix, values=values))

    made = {
        DEFAULT: {"cnn-small": outcome(0.5), "vit": outcome(0.5)},
        ("grid", "4 x 4"): {"cnn-small": outcome(0.6), "vit": outcome(0.2)},
        ("grid", "2 x 2"): {"cnn-small": outcome(0.7)},
    }
    assert largest_changes(made)["ρ(k, k), widest"].tolist() == ["0.500 → 0.200 (vit, 4 x 4)"]


def test_an_unknown_interval_does_not_break_the_figures(outcomes):
    unknown = with_verdicts(outcomes[DEFAULT]["vit"], "undecided", estimate=np.nan, low=np.nan, high=np.nan)
    left, right = open_choices_figures.statistics({DEFAULT: {"vit": unknown}}, ["vit"]).axes[0].get_xlim()
    assert left < 0 < right
