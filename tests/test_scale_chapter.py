"""The verdicts of appendix 2 follow from the changes per doubling, its tables and pictures from the numbers."""

import matplotlib.pyplot as plt
import numpy as np
import planted_measures
import pytest

from lib.chapters import scale_figures
from lib.chapters.batch_size import CHANGE
from lib.chapters.scale import (
    conditions_table,
    distance_table,
    doublings_table,
    growth_claims,
    growth_table,
    scale_claims,
    settings_table,
)
from lib.effects.scale import EPOCHS, IMAGES, lines
from lib.effects.scale import effects as effects_along
from lib.released.heatmaps import WIDTHS, compared_growth, neighbours, own_similarity
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.statistics.intervals import in_brackets
from lib.training import train
from lib.training.populations import Population

FOUND = lines([150, 300, 600], [10, 20], 600, 20)
SETTINGS = tuple(dict.fromkeys(setting for line in FOUND.values() for setting in line))
DIFFERENCE = f"{EPOCHS} − {IMAGES}"
RISES, FALLS, OPEN = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.01, -0.01, 0.03)
PICTURE = np.where(np.eye(len(WIDTHS), dtype=bool), np.nan, 0.0064 * np.outer(WIDTHS, WIDTHS) ** 0.44)
RHO = [0.1, 0.2, 0.4, 0.3]  # doubles with the images; from 0.3 at 10 epochs to 0.4 at 20


def measures(*similarity, noise=1e-4):
    return planted_measures.measures(SETTINGS, *similarity, noise=noise)


def effects(images, epochs, difference=OPEN):
    return {
        line: {"similarity": found, "test loss": FALLS, "test accuracy": RISES}
        for line, found in ((IMAGES, images), (EPOCHS, epochs), (DIFFERENCE, difference))
    }


@pytest.mark.parametrize(
    "rho, noise, verdicts",
    [
        (RHO, 1e-4, ("supported", "supported")),
        ([0.4, 0.3, 0.2, 0.3], 1e-4, ("contradicted", "contradicted")),
        ([0.1, 0.2, 0.4, 0.5], 1e-4, ("supported", "contradicted")),
        (RHO, 1, ("undecided", "undecided")),
    ],
)
def test_the_sign_of_the_interval_decides_for_each_line_by_itself(rho, noise, verdicts):
    found = measures(rho, rho, noise=noise)
    more_images, more_epochs = scale_claims("vit", found, FOUND, [])
    assert (more_images.name, more_epochs.name) == ("A2-more-images-vit", "A2-more-epochs-vit")
    assert (more_images.verdict, more_epochs.verdict) == verdicts
    assert (more_images.networks, more_epochs.networks, more_images.images) == (8, 8, 25)
    change = effects_along(found, FOUND)[IMAGES]["similarity"]
    np.testing.assert_allclose((more_images.estimate, more_images.low, more_images.high), change)


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


@pytest.fixture(scope="module")
def matrix():
    rng = np.random.default_rng(0)
    populations = [planted_population(von_mises_fisher(kappa, 16), 5, 60, rng) for kappa in (4, 8, 16, 32)]
    return similarity_matrix(populations, rng, 60)


def test_growth_and_the_reading_are_told_where_they_exist(matrix):
    growth = compared_growth(matrix, [2, 8, 16, 32], PICTURE)
    table = growth_table({"cnn-small": matrix, "vit": matrix}, {"cnn-small": growth, "vit": None})
    ratio = own_similarity(matrix.values) / np.diagonal(matrix.values)
    assert set(table["exp(2a) over ρ(k, k), here"]) == {f"{ratio.min():.2f} to {ratio.max():.2f}"}
    assert list(table["widths"]) == ["8 to 32", "too few in the picture's span"]
    assert list(table["in the picture"]) == ["0.44", ""] and growth_claims("vit", None, []) == []


def test_doublings_to_the_picture_are_counted_where_a_line_leads_there():
    """Images that halve the similarity lead to the picture's, which is lower; so do not epochs that raise it."""
    target = 0.0064 * 8**0.88

    def told(found, family="cnn-small", dataset="cifar10", widths=(2, 8)):
        return distance_table(family, found, FOUND, widths, dataset, PICTURE)

    falling = measures([0.5] * 4, [16 * target, 8 * target, 4 * target, 2 * target])
    table = told(falling)
    assert table["doublings it would take"][0].startswith("2.0")
    assert table["doublings it would take"][1] == "leads away"
    assert list(table["doublings between the two"]) == ["6.4", "2.3"]  # 50,000 / 600 and 100 / 20
    flat, negative = measures([0.5] * 4, [0.2] * 4, noise=0.05), measures([0.5] * 4, [0.1, 0.1, -0.1, 0.1])
    for undecided in (flat, negative):
        assert set(told(undecided)["doublings it would take"]) == {"undecided"}
    assert told(falling, dataset="digits").empty and told(falling, "vit").empty and told(falling, widths=(2, 4)).empty


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
