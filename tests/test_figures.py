"""Figures take what a run may give them: numbers that are missing, few networks, other names than the families'."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from lib import figures, map_figures
from lib.chapters import individual_similarity_figures, own_figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_number_that_is_missing_is_a_dash_and_spoils_no_colours():
    values = np.array([[0.2, np.nan], [0.4, 0.8]])
    figure = map_figures.heatmaps({"vit": values}, [2, 4], "cosine", {"vit": np.array([[0.1, np.nan], [np.nan, 0.2]])})
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


APART = {"cnn-small": [4, 8], "resnet-small": [2, 4, 16]}  # of different widths


def legend_colours(figure):
    handles = figure.legends[0].legend_handles
    return {
        text.get_text(): to_hex(handle.get_color() if hasattr(handle, "get_color") else handle.lines[0].get_color())
        for text, handle in zip(figure.legends[0].get_texts(), handles)
    }


def test_lines_of_different_widths_stand_at_their_own_places_of_one_axis():
    found = {family: (np.array(own) / 20,) * 3 for family, own in APART.items()}
    axis = figures.by_width(found, APART, "cosine").axes[0]
    for container, own in zip(axis.containers, APART.values()):
        np.testing.assert_allclose(container.lines[0].get_xdata(), own, rtol=0.02)
        np.testing.assert_allclose(container.lines[0].get_ydata(), np.array(own) / 20)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "4", "8", "16"]


def test_each_heatmap_names_the_widths_of_its_own_family():
    figure = map_figures.heatmaps({family: np.eye(len(own)) for family, own in APART.items()}, APART, "cosine")
    assert [[label.get_text() for label in axis.get_xticklabels()] for axis in figure.axes[:2]] == [
        ["4", "8"],
        ["2", "4", "16"],
    ]


def test_a_width_has_one_colour_in_all_panels_and_the_legend_has_them_all():
    losses = {family: {width: np.full((2, 3), width) for width in own} for family, own in APART.items()}
    figure = figures.curves(losses, "loss")
    named = legend_colours(figure)
    assert list(named) == ["k = 2", "k = 4", "k = 8", "k = 16"] and len(set(named.values())) == 4
    for axis, own in zip(figure.axes, APART.values()):
        assert {line.get_label(): to_hex(line.get_color()) for line in axis.lines} == {
            f"k = {width}": named[f"k = {width}"] for width in own
        }


def test_each_step_of_each_family_stands_above_its_name():
    sizes = {family: (len(own), len(own) - 1) for family, own in APART.items()}
    changes = {family: (np.arange(np.prod(size)).reshape(size),) * 3 for family, size in sizes.items()}
    figure = individual_similarity_figures.steps(changes, APART)
    for axis, places in zip(figure.axes, ([1], [0, 2])):
        assert [label.get_text() for label in axis.get_xticklabels()] == ["2→4", "4→8", "4→16"]
        for row, container in enumerate(axis.containers):
            np.testing.assert_array_equal(np.round(container.lines[0].get_xdata()), places)
            np.testing.assert_array_equal(container.lines[0].get_ydata(), len(places) * row + np.arange(len(places)))
    assert list(legend_colours(figure)) == ["other k = 2", "other k = 4", "other k = 8", "other k = 16"]


def test_the_mean_of_each_block_of_families_leaves_out_a_population_with_itself():
    values = np.array([[1, 0.8, 0.5, 0.5], [0.8, 1, 0.5, 0.5], [0.5, 0.5, 1, 0.9], [0.5, 0.5, 0.9, 1]])
    axis = map_figures.population_cosines(values, ["a", "a", "b", "b"], [2, 4, 2, 4]).axes[0]
    assert texts(axis)[:4] == ["0.80", "0.50", "0.50", "0.90"]


def test_families_of_different_widths_have_frames_of_their_own_size():
    values = np.full((5, 5), 0.5)
    values[:2, :2], values[2:, 2:] = 0.8, [[1, 0.9, 0.6], [0.9, 1, 0.9], [0.6, 0.9, 1]]
    axis = map_figures.population_cosines(values, ["a", "a", "b", "b", "b"], [2, 4, 2, 4, 8]).axes[0]
    frames = {text.get_position(): text.get_text() for text in axis.texts[:4]}
    assert frames == {(0.5, 0.5): "0.80", (3, 0.5): "0.50", (0.5, 3): "0.50", (3, 3): "0.80"}
    assert [line.get_xdata()[0] for line in axis.lines if line.get_xdata()[0] == line.get_xdata()[1]] == [1.5]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "4", "2", "4", "8"]


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
    axes = individual_similarity_figures.gradient_gallery(images, {"one": np.ones((2, 4, 4))}, ["a", "b"]).axes
    shown = np.asarray(axes[0].images[0].get_array())
    np.testing.assert_array_equal(shown, images[0].squeeze() if channels == 1 else images[0])
    assert axes[0].images[0].get_clim() == (0, 1)
