"""Figures take what a run may give them: numbers that are missing, few networks, other names than the families'."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from lib import figures, hypothesis_figures, own_figures, saw_figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_number_that_is_missing_is_a_dash_and_spoils_no_colours():
    values = np.array([[0.2, np.nan], [0.4, 0.8]])
    figure = figures.heatmaps({"vit": values}, [2, 4], "cosine", {"vit": np.array([[0.1, np.nan], [np.nan, 0.2]])})
    axis = figure.axes[0]
    assert texts(axis) == ["0.20\n±0.10", "–", "0.40", "0.80\n±0.20"]
    assert axis.images[0].get_clim() == (0, 0.8)


def test_every_family_keeps_its_colour_and_others_get_different_ones():
    assert figures.look("cnn-small", 3) == (figures.COLOURS["cnn-small"], figures.MARKERS["cnn-small"])
    assert len({figures.look(f"control {i}", i) for i in range(5)}) == 5


def test_lines_over_the_width_are_the_numbers():
    interval = np.array([0.2, 0.4]), np.array([0.1, 0.3]), np.array([0.3, 0.6])
    axis = figures.by_width({"cnn-small": interval}, [2, 8], "cosine").axes[0]
    line, _, (bars,) = axis.containers[0]
    np.testing.assert_allclose(line.get_ydata(), [0.2, 0.4])
    np.testing.assert_allclose([segment[:, 1] for segment in bars.get_segments()], [[0.1, 0.3], [0.3, 0.6]])
    assert to_hex(line.get_color()) == figures.COLOURS["cnn-small"].lower() and axis.get_ylabel() == "cosine"


@pytest.mark.parametrize("networks, lines", [(6, 0), (12, 9)])
def test_tenths_of_the_networks_are_drawn_where_there_are_enough(networks, lines):
    t = np.linspace(-0.3, 0.7, networks)
    figure = saw_figures.first_image({"cnn-small": {2: t, 4: np.full(networks, np.nan)}})
    drawn = sum(len(collection.get_segments()) for collection in figure.axes[0].collections)
    assert drawn == lines


def test_estimates_and_their_truth_are_drawn_for_every_number_of_networks():
    estimates = {"own mean": np.array([0.6, 0.5]), "pairs": np.array([0.4, 0.4])}
    axis = hypothesis_figures.estimators({"planted": 0.4}, {"planted": estimates}, [3, 10]).axes[0]
    curves = {line.get_label(): line.get_ydata() for line in axis.lines}
    assert list(curves) == ["truth", "own mean", "pairs"]
    np.testing.assert_allclose(curves["own mean"], [0.6, 0.5])
    assert [label.get_text() for label in axis.get_xticklabels()] == ["3", "10"]


def test_the_mean_of_each_block_of_families_leaves_out_a_population_with_itself():
    values = np.array([[1, 0.8, 0.5, 0.5], [0.8, 1, 0.5, 0.5], [0.5, 0.5, 1, 0.9], [0.5, 0.5, 0.9, 1]])
    axis = hypothesis_figures.population_cosines(values, ["a", "a", "b", "b"], [2, 4]).axes[0]
    assert texts(axis)[:4] == ["0.80", "0.50", "0.50", "0.90"]


def test_groups_without_a_number_keep_their_place_in_the_maps_and_rows():
    estimate = np.array([[np.nan, -0.2], [-0.2, 0.8]])
    interval = estimate, estimate - 0.1, estimate + 0.1
    figure = own_figures.maps({"networks": interval, "mean directions": (np.full((2, 2), np.nan),) * 3}, ["one", "six"])
    assert texts(figure.axes[0]) == ["–", "-0.20\n±0.10", "-0.20\n±0.10", "0.80\n±0.10"]
    assert figure.axes[0].images[0].get_clim() == (-0.2, 0.8) and texts(figure.axes[1]) == ["–"] * 4
    nothing = np.array([np.nan, np.nan])
    axis = own_figures.expected_t((np.array([np.nan, 0.5]), nothing, nothing), ["one", "six"]).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "six"]
    line, _, _ = axis.containers[0]
    np.testing.assert_array_equal(line.get_xdata(), [np.nan, 0.5])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_gallery_shows_images_as_they_look(channels):
    images = np.random.default_rng(0).random((2, 4, 4, channels))
    axes = figures.gradient_gallery(images, {"one": np.ones((2, 4, 4))}, ["a", "b"]).axes
    shown = np.asarray(axes[0].images[0].get_array())
    np.testing.assert_array_equal(shown, images[0].squeeze() if channels == 1 else images[0])
    assert axes[0].images[0].get_clim() == (0, 1)
