"""Figures take what a run may give them: numbers that are missing, few networks, other names than the families'."""

import numpy as np
from matplotlib.colors import to_hex

from lib import map_figures
from lib.chapters import individual_similarity_figures, own_figures


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_number_that_is_missing_is_a_dash_and_spoils_no_colours():
    values = np.array([[0.2, np.nan], [0.4, 0.8]])
    ends = np.array([[-0.001, np.nan], [np.nan, 0.7]]), np.array([[0.3, np.nan], [np.nan, 1.0]])
    axis = map_figures.heatmaps({"vit": (values, *ends)}, [2, 4], "cosine").axes[0]
    assert texts(axis) == ["0.20", "[0.00, 0.30]", "–", "0.40", "0.80", "[0.70, 1.00]"]
    assert axis.images[0].get_clim() == (0, 0.8)


APART = {"cnn-small": [4, 8], "resnet-small": [2, 4, 16]}  # of different widths


def legend_colours(figure):
    handles = figure.legends[0].legend_handles
    return {
        text.get_text(): to_hex(handle.get_color() if hasattr(handle, "get_color") else handle.lines[0].get_color())
        for text, handle in zip(figure.legends[0].get_texts(), handles)
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


def test_groups_without_a_number_keep_their_place_in_the_maps_and_rows():
    estimate = np.array([[np.nan, -0.2], [-0.2, 0.8]])
    interval = estimate, estimate - 0.1, estimate + 0.1
    figure = own_figures.maps({"networks": interval, "mean directions": (np.full((2, 2), np.nan),) * 3}, ["one", "six"])
    assert [text for text in texts(figure.axes[0]) if "[" not in text] == ["–", "-0.20", "-0.20", "0.80"]
    assert figure.axes[0].images[0].get_clim() == (-0.2, 0.8) and texts(figure.axes[1]) == ["–"] * 4
    nothing = np.array([np.nan, np.nan])
    axis = own_figures.expected_t((np.array([np.nan, 0.5]), nothing, nothing), ["one", "six"]).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "six"]
    line, _, _ = axis.containers[0]
    np.testing.assert_array_equal(line.get_xdata(), [np.nan, 0.5])
