"""The verdicts of appendix 2 follow from the changes per doubling, its words and pictures from the numbers."""

import dataclasses
import math

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.chapters import scale_figures
from lib.chapters.batch_size import CHANGE
from lib.chapters.scale_claims import conditions_table, doublings_table, scale_claims, settings_table
from lib.chapters.scale_findings import (
    distance_findings,
    growth_words,
    picture_findings,
    reading_finding,
    scale_findings,
)
from lib.effects.paired import Measures
from lib.effects.scale import EPOCHS, IMAGES, lines
from lib.released.heatmaps import WIDTHS, compared_growth, neighbours, own_similarity
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.similarity.paired_similarity import PairedSimilarity
from lib.sphere.saw import von_mises_fisher
from lib.statistics.intervals import in_brackets
from lib.training import train
from lib.training.populations import Population

FOUND = lines([150, 300, 600], [10, 20], 600, 20)
SETTINGS = tuple(dict.fromkeys(setting for line in FOUND.values() for setting in line))
DIFFERENCE = f"{EPOCHS} − {IMAGES}"
RISES, FALLS, OPEN = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.01, -0.01, 0.03)
PICTURE = np.where(np.eye(len(WIDTHS), dtype=bool), np.nan, 0.0064 * np.outer(WIDTHS, WIDTHS) ** 0.44)


def measures(first, second, seeds=4, noise=1e-4):
    """Two widths with these rho(k, k) at the settings, nearly without chance."""
    rng = np.random.default_rng(0)
    groups = []
    for rho in (np.array(first), np.array(second)):
        without = rho + noise * rng.standard_normal((seeds, len(rho)))
        groups.append(PairedSimilarity(rho, without, rho + noise * rng.standard_normal((60, len(rho))),
                                       np.tile(without, (5, 1, 1)), 25))
    shape = seeds, 25, len(SETTINGS)
    return Measures(SETTINGS, groups, [rng.gamma(2, size=shape) for _ in groups],
                    [rng.integers(0, 2, shape).astype(float) for _ in groups])


RHO = [0.1, 0.2, 0.4, 0.3]  # doubles with the images; from 0.3 at 10 epochs to 0.4 at 20


def effects(images, epochs, difference=OPEN):
    return {line: {"similarity": found, "test loss": FALLS, "test accuracy": RISES}
            for line, found in ((IMAGES, images), (EPOCHS, epochs), (DIFFERENCE, difference))}


@pytest.mark.parametrize("found, verdict", [(RISES, "supported"), (FALLS, "contradicted"), (OPEN, "undecided"),
                                            ((math.nan,) * 3, "undecided")])
def test_the_sign_of_the_interval_decides_for_each_line_by_itself(found, verdict):
    more_images, more_epochs = scale_claims("vit", measures(RHO, RHO), FOUND, effects(found, RISES))
    assert more_images.name == "A2-more-images-vit" and more_images.verdict == verdict
    assert more_epochs.name == "A2-more-epochs-vit" and more_epochs.verdict == "supported"
    assert (more_images.networks, more_epochs.networks, more_images.images) == (8 * 3, 8 * 2, 25)
    assert scale_claims("vit", measures(RHO, RHO), FOUND, effects(RISES, found))[1].verdict == verdict


def test_the_table_has_every_width_the_mean_and_the_difference():
    table = doublings_table(measures(RHO, np.array(RHO) / 2), FOUND, effects(RISES, FALLS), [2, 8])
    assert list(table["line"]) == [IMAGES] * 3 + [EPOCHS] * 3 + [DIFFERENCE]
    assert list(table["width"]) == ["2", "8", "mean"] * 2 + ["mean"]
    assert [cell[:4] for cell in table["factor of similarity"][:4]] == ["2.00"] * 3 + ["1.33"]
    similarity, accuracy = table["similarity (cosine)"], table["test accuracy (share)"]
    assert similarity[2] == in_brackets(RISES, CHANGE) and similarity[0].startswith("+0.150")
    assert accuracy[5] == in_brackets(RISES, CHANGE) and accuracy[0] == ""


def test_settings_are_listed_with_their_steps():
    table = settings_table(FOUND)
    assert list(table["steps"]) == [40, 60, 100, 50, 100] and list(table["epochs"]) == [20, 20, 20, 10, 20]


def test_conditions_are_those_of_the_networks_and_of_the_picture(digits, tiny):
    population = Population(tiny, tuple(train(tiny, range(3), digits)))
    table = conditions_table(digits, {("cnn-small", 2): population, ("cnn-small", 4): population})
    accuracy = np.mean([network.test_accuracy[-1] for network in population.networks])
    assert list(table.loc[0]) == ["cnn-small", "digits", 60, 2, 20, "3", f"{accuracy:.3f} to {accuracy:.3f}"]
    assert list(table.loc[1])[1:6] == ["cifar10", 50000, "100 or 200", 256, "1"]


@pytest.mark.parametrize("difference, words", [(RISES, "further passes over the same images leave it higher"),
                                               (FALLS, "new images leave it higher"), (OPEN, "is undecided")])
def test_words_have_the_numbers_and_their_direction(difference, words):
    found = scale_findings("vit", measures(RHO, RHO), FOUND, effects(RISES, OPEN, difference), [2, 8])
    assert ("Twice the training images** (vit, mean over widths 2, 8): change of ρ(k, k) +0.020 [+0.010, +0.030], "
            "rises; its factor 2.00 [") in found[0]
    assert "Twice the epochs" in found[1] and "[-0.010, +0.030], undecided; its factor 1.33" in found[1]
    assert words in found[2]


@pytest.fixture(scope="module")
def matrix():
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), 5, 60, rng) for kappa in (4, 8, 16, 32)]
    return similarity_matrix(populations, rng, 60)


def test_the_picture_is_told_at_the_widths_that_both_have(matrix):
    widths = [2, 8, 16, 32]
    growth = compared_growth(matrix, widths, PICTURE)
    beside, grows = picture_findings("cnn-small", matrix, widths, PICTURE, growth)
    assert f"at k = 8 ρ(k, k) is {matrix.values[1, 1]:.2f} [" in beside and "k = 2 " not in beside
    assert f"and {0.0064 * 8**0.88:.2f} there" in beside
    assert "widths 8 to 32" in grows and "and 0.44 in the picture (9 widths)" in grows
    unknown = dataclasses.replace(growth, here=(math.nan,) * 3)
    assert growth_words(unknown).startswith("no exponent over widths 8 to 32, because a similarity")
    few = picture_findings("cnn-small", matrix, [2, 3, 4, 5], PICTURE, None)
    assert few == ["- **Growth** (cnn-small): too few widths lie within the picture's span for an exponent."]


def test_the_reading_is_compared_where_the_truth_is_known(matrix):
    ratio = own_similarity(matrix.values) / np.diagonal(matrix.values)
    assert f"is {ratio.min():.2f} to {ratio.max():.2f} times as large" in reading_finding({"vit": matrix})
    broken = dataclasses.replace(matrix, values=-matrix.values)
    assert "does not exist" in reading_finding({"vit": broken})
    fewer = dataclasses.replace(matrix, values=matrix.values[1:, 1:])  # a family without the narrowest width
    assert "does not exist" in reading_finding({"vit": broken, "mlp": dataclasses.replace(fewer, values=-fewer.values)})
    assert reading_finding({"vit": broken, "mlp": fewer}) == reading_finding({"mlp": fewer})


def test_doublings_to_the_picture_are_counted_where_a_line_leads_there():
    """Images that halve the similarity lead to the picture's, which is lower; so do not epochs that raise it."""
    target = 0.0064 * 8**0.88
    falling = measures([0.5] * 4, [16 * target, 8 * target, 4 * target, 2 * target])
    by_images, by_epochs = distance_findings("cnn-small", falling, FOUND, [2, 8], "cifar10", PICTURE)
    assert "At k = 8" in by_images and "6.4 doublings more" in by_images  # 50,000 / 600
    assert "would take 2.0 [" in by_images
    assert "leads away from it" in by_epochs and "2.3 doublings more" in by_epochs  # 100 / 20
    flat, negative = measures([0.5] * 4, [0.2] * 4, noise=0.05), measures([0.5] * 4, [0.1, 0.1, -0.1, 0.1])
    for undecided in (flat, negative):
        for line in distance_findings("cnn-small", undecided, FOUND, [2, 8], "cifar10", PICTURE):
            assert "is undecided, so no number of them is" in line


@pytest.mark.parametrize("family, dataset, widths", [("cnn-small", "digits", [2, 8]), ("vit", "cifar10", [2, 8]),
                                                     ("cnn-small", "cifar10", [2, 4])])
def test_no_number_of_doublings_leads_to_what_else_differs(family, dataset, widths):
    found, = distance_findings(family, measures(RHO, RHO), FOUND, widths, dataset, PICTURE)
    assert "Not asked" in found and f"{family} on {dataset}" in found


@pytest.mark.parametrize("names", [("cnn-small",), ("a", "b", "c", "d", "e")])
def test_the_first_picture_has_every_family_and_both_readings(names):
    estimate = np.array([0.1, 0.2, 0.4])
    found = dict.fromkeys(names, (estimate, estimate - 0.01, estimate + 0.01))
    figure = scale_figures.beside_picture(found, dict.fromkeys(names, [2, 8, 32]), PICTURE)
    axis = figure.axes[0]
    np.testing.assert_allclose(axis.containers[-1][0].get_ydata(), estimate)
    by_label = {line.get_label(): line for line in axis.lines}
    np.testing.assert_allclose(by_label["released picture, exp(2a)"].get_ydata(), own_similarity(PICTURE))
    at, values = neighbours(PICTURE, WIDTHS)
    neighbouring = by_label["released picture,\nneighbouring widths"]
    np.testing.assert_allclose(neighbouring.get_xydata(), np.column_stack([at, values]))
    assert len(figure.legends) == 1 and axis.get_legend() is None
    assert len(figure.legends[0].get_texts()) == len(names) + 2
    plt.close(figure)
    alone = scale_figures.beside_picture(found, dict.fromkeys(names, [2, 8, 32]), None)
    assert len(alone.legends[0].get_texts()) == len(names)
    plt.close(alone)


def test_the_second_picture_has_similarity_and_accuracy_along_both_lines():
    found = measures(RHO, np.array(RHO) / 2)
    figure = scale_figures.over_scale("vit", found, FOUND, [2, 8])
    (images, epochs, accuracy, _) = figure.axes
    assert images.get_title() == "vit, 20 epochs" and epochs.get_title() == "vit, 600 training images"
    np.testing.assert_allclose(images.containers[1][0].get_ydata(), [0.05, 0.1, 0.2])
    np.testing.assert_allclose(epochs.containers[0][0].get_ydata(), [0.3, 0.4])
    np.testing.assert_allclose(accuracy.containers[0][0].get_ydata(), found.test_hits[0].mean((0, 1))[:3])
    assert [label.get_text() for label in accuracy.get_xticklabels()] == ["150", "300", "600"]
    assert accuracy.get_xlabel() == "training images (number)" and accuracy.get_ylabel() == "test accuracy (share)"
    plt.close(figure)
