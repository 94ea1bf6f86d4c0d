"""Recipes, populations with the same seeds under every recipe, their measures, and slopes over the batch size."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import assert_start_alike_and_end_apart

from lib.effects import paired
from lib.effects.batch_size import Recipe, distinct_recipes, effects, paired_populations, protocols, slope_at_equal_loss
from lib.effects.paired import UNITS, Measures, losses_and_hits, mean_over_widths, measure, shared_seeds
from lib.runtime import tasks
from lib.statistics.contrasts import slope_weights
from lib.statistics.intervals import mean_interval
from lib.statistics.sample import Sample
from lib.training.populations import Population

SIZES = [64, 128, 256, 512]
FOUND = protocols(SIZES, 20, 1200)
RECIPES = distinct_recipes(FOUND)


def test_protocols_hold_epochs_or_steps_or_the_rate_for_an_image():
    assert [recipe.epochs for recipe in FOUND["equal epochs"]] == [20] * 4
    assert [recipe.epochs for recipe in FOUND["equal steps"]] == [5, 10, 20, 33]
    assert [recipe.steps(1200) for recipe in FOUND["equal epochs"]] == [380, 200, 100, 60]
    assert [recipe.steps(1200) for recipe in FOUND["equal steps"]] == [95, 100, 100, 99]
    for recipe in FOUND["scaled rate"]:
        assert recipe.epochs == 20 and recipe.learning_rate / recipe.batch_size == pytest.approx(0.1 / 128)
    assert {recipe.learning_rate for name in ("equal epochs", "equal steps") for recipe in FOUND[name]} == {0.1}
    assert [recipe.epochs for recipe in protocols([10, 100], 1, 1000)["equal steps"]] == [1, 1]  # one at least
    assert [recipe.epochs for recipe in protocols([10, 20, 40], 8, 400)["equal steps"]] == [4, 8, 16]
    assert all([recipe.batch_size for recipe in recipes] == SIZES for recipes in FOUND.values())


def test_a_recipe_of_two_protocols_is_one():
    assert len(RECIPES) == 10 and set(RECIPES) == {recipe for recipes in FOUND.values() for recipe in recipes}


@pytest.fixture
def trained(digits, artifacts, inline, monkeypatch):
    """Three seeds of one width under four recipes."""
    monkeypatch.setattr(tasks, "local_executor", lambda *_: inline)
    recipes = distinct_recipes(protocols([20, 29], 2, 60))
    return paired_populations(digits, ["cnn-small"], [2], {"cnn-small": 3}, recipes)


def test_networks_of_a_seed_start_alike_and_end_apart(trained):
    first, *others = trained.values()
    assert len(others) == 3
    for (_, _, recipe), population in trained.items():
        specification = population.specification
        assert recipe == Recipe(specification.batch_size, specification.epochs, specification.learning_rate)
        assert [network.seed for network in population.networks] == [0, 1, 2]
    for other in others:
        assert_start_alike_and_end_apart(first, other)


def test_training_losses_are_cross_entropies_of_the_training_images(trained, digits):
    losses, _ = losses_and_hits(trained, digits)
    key, population = next(iter(trained.items()))
    model = next(iter(population.models()))
    with torch.no_grad():
        own = torch.nn.functional.cross_entropy(model(digits.train_images), digits.train_labels, reduction="none")
    np.testing.assert_allclose(losses[key][0, 20:], own, rtol=1e-4, atol=1e-6)


def population(seeds, tiny):
    return Population(tiny, tuple(SimpleNamespace(seed=seed) for seed in seeds))


def test_a_seed_that_one_recipe_lacks_is_left_out_of_all_recipes_of_its_width(tiny):
    a, b = Recipe(20, 1), Recipe(30, 1)
    kept = shared_seeds(
        {
            ("x", 2, a): population([0, 1, 2, 4], tiny),
            ("x", 2, b): population([0, 2, 3, 4], tiny),
            ("x", 4, a): population([0, 1, 2], tiny),
            ("x", 4, b): population([0, 1, 2], tiny),
        }
    )
    seeds = [[network.seed for network in found.networks] for found in kept.values()]
    assert seeds == [[0, 2, 4]] * 2 + [[0, 1, 2]] * 2
    with pytest.raises(ValueError, match="x k=2: 2 of its seeds kept a finite loss under every recipe"):
        shared_seeds({("x", 2, a): population([0, 1, 2], tiny), ("x", 2, b): population([0, 2, 3], tiny)})


def test_a_network_without_gradients_is_refused_in_a_sentence(trained, digits, monkeypatch):
    short = {key: np.ones((2, 20, 64)) for key in trained}
    monkeypatch.setattr(paired, "population_directions", lambda *args, **options: short)
    with pytest.raises(ValueError, match="batch_size=20, .* has no gradient at any image and leaves its seed"):
        measure(trained, digits, np.random.default_rng(0))


def test_a_batch_that_leaves_one_image_over_is_refused_before_any_training(digits, artifacts):
    with pytest.raises(ValueError, match="n_train 60 with batch_size 59 leaves a batch of one image"):
        paired_populations(digits, ["cnn-small"], [2], {"cnn-small": 3}, [Recipe(20, 1), Recipe(59, 1)])
    assert not list(artifacts.iterdir())


def planted(rng, seeds=5, images=30, recipes=RECIPES, tables=None):
    """Two widths; similarities that do not vary unless told."""
    widths = 2
    rho = 0.2 + 0.01 * np.arange(len(recipes))
    still = Sample(rho, np.tile(rho, (seeds, 1)), np.tile(rho, (60, 1)), np.tile(rho, (5, seeds, 1)), (seeds,), images)
    tables = tables or [rng.gamma(2, size=(seeds, images, len(recipes))) for _ in range(widths)]
    return Measures(
        recipes,
        [still] * widths,
        tables,
        [(table < 2).astype(float) for table in tables],
        [rng.gamma(2, size=(seeds, len(recipes))) for _ in range(widths)],
    )


def test_seeds_are_weighed_against_themselves_before_they_vary():
    """Whatever a seed, or an image, adds at every batch size alike leaves the interval of the slope as it was."""
    rng = np.random.default_rng(0)
    tables = [rng.gamma(2, size=(5, 30, len(RECIPES))) for _ in range(2)]
    shifted = [table + 10 * rng.standard_normal((5, 1, 1)) + 10 * rng.standard_normal((1, 30, 1)) for table in tables]
    weights = slope_weights(RECIPES, FOUND["equal steps"], SIZES)
    before, after = (mean_over_widths(planted(rng, tables=found), weights, "test loss") for found in (tables, shifted))
    np.testing.assert_allclose(after, before, rtol=1e-8)
    np.testing.assert_allclose(before[0], np.mean([(table @ weights).mean() for table in tables]), rtol=1e-10)


def test_effects_are_the_contrasts_of_every_protocol_and_their_differences():
    rng = np.random.default_rng(0)
    measures = planted(rng)
    found = effects(measures, FOUND)
    assert list(found) == [*FOUND, "equal steps − equal epochs", "scaled rate − equal epochs"]
    for name in UNITS:
        for other in ("equal steps", "scaled rate"):
            assert found[f"{other} − equal epochs"][name][0] == pytest.approx(
                found[other][name][0] - found["equal epochs"][name][0]
            )
    slope = np.polyfit([6, 7, 8, 9], measures.similarity[0].values[:4], 1)[0]
    assert [float(part) for part in found["equal epochs"]["similarity"]] == pytest.approx([slope] * 3)


def test_similarity_that_only_follows_the_loss_has_no_slope_at_equal_loss():
    measures = planted(np.random.default_rng(0))
    losses = [np.exp(-5 * group.without) for group in measures.similarity]
    assert slope_at_equal_loss(replace(measures, training_loss=losses))[0] == pytest.approx(0, abs=1e-10)
    usual = [recipe.learning_rate == 0.1 for recipe in RECIPES]
    wild = [np.where(usual, loss, 1e-300) for loss in losses]  # other learning rates are not looked at
    assert slope_at_equal_loss(replace(measures, training_loss=wild))[0] == pytest.approx(0, abs=1e-10)


def test_one_width_alone_has_student_s_interval_where_images_are_alike():
    rng = np.random.default_rng(0)
    table = np.repeat(rng.standard_normal((6, 1, len(RECIPES))), 30, axis=1)
    weights = slope_weights(RECIPES, FOUND["scaled rate"], SIZES)
    found = mean_over_widths(planted(rng, 6, tables=[table]), weights, "test loss")
    np.testing.assert_allclose(found, mean_interval(table[:, 0] @ weights), rtol=1e-8)
