"""The pictures of chapter 16 draw what they are given: it is read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from planted_stitches import FAR, LAYERS, NEAR, PLAN, scores

from lib.chapters import stitching_figures
from lib.chapters.stitching_claims import identification, of_pairs
from lib.stitching.identification import chance, layer_distances
from lib.stitching.layers import RESIDUAL, TASK_LOSS
from lib.stitching.stitched_pairs import NARROWED, SEEDS

POINTS = tuple(f"layer{place}.0" for place in range(1, 5))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    return scores(FAR, NEAR)


def frames(axis):
    """Targets and sources that are framed."""
    return sorted((round(patch.get_x() + 0.5), round(patch.get_y() + 0.5)) for patch in axis.patches)


def test_matrices_frame_the_best_source_of_each_target():
    figure = stitching_figures.matrices({TASK_LOSS: FAR, RESIDUAL: 1 - NEAR}, POINTS, "both", columns=2)
    for axis, best in zip(figure.axes, ([3, 2, 1, 0], [0, 1, 2, 3])):
        assert frames(axis) == list(enumerate(best))
        assert [label.get_text() for label in axis.get_xticklabels()] == ["1.0", "2.0", "3.0", "4.0"]
    assert figure.axes[0].texts[0].get_text() == ".60" and figure.axes[1].texts[0].get_text() == ".10"


def test_of_several_best_sources_each_has_a_frame_also_if_their_means_were_rounded_differently():
    values = np.where(np.eye(4, dtype=bool), 0.3, 0.1)
    values[3, 0] = 0.1 + 0.2  # the last bit is not that of 0.3
    figure = stitching_figures.matrices({TASK_LOSS: values}, POINTS, "ties", columns=1)
    assert frames(figure.axes[0]) == [(0, 0), (0, 3), (1, 1), (2, 2), (3, 3)]


def test_a_diverging_matrix_has_its_zero_in_the_middle():
    figure = stitching_figures.matrices({TASK_LOSS: FAR - 0.7}, POINTS, "less", columns=1, diverging=True)
    image = figure.axes[0].images[0]
    assert image.norm.vmin == -image.norm.vmax and figure.axes[0].texts[0].get_text() == "-.10"
    values = [text.get_text() for text in figure.axes[0].texts]
    assert values[1] == "0" and not {"-.00", "+.00"} & set(values)


def test_unused_panels_are_not_seen():
    figure = stitching_figures.matrices(dict.fromkeys("abcd", NEAR), POINTS, "four", columns=3)
    assert [axis.get_visible() for axis in figure.axes[:6]] == [True] * 4 + [False] * 2


def test_identification_has_a_row_a_measure_and_the_level_of_chance(found):
    kinds = {kind: identification(found, PLAN[kind]) for kind in (SEEDS, NARROWED)}
    figure = stitching_figures.identification(kinds, chance(LAYERS))
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(lines[0].get_xdata(), [0, 1, 1, 1, 1, 1, 1])
    assert [line.get_xdata()[0] for axis in figure.axes for line in axis.lines if line.get_linestyle() == "--"] == [
        pytest.approx(level) for level in chance(LAYERS)]


def test_targets_have_their_shares_and_the_size_of_their_maps():
    figure = stitching_figures.by_target({TASK_LOSS: np.array([0, 0.5, 1, 1])}, POINTS, ["4 x 4"] * 4)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.00", "0.50", "1.00", "1.00"]
    assert figure.axes[0].get_xticklabels()[2].get_text() == "3.0\n4 x 4"


def test_residuals_are_points_of_all_sources_and_targets(found):
    direct, trained = (of_pairs(found, PLAN[SEEDS], score) for score in (
        lambda one: one.direct_residual, lambda one: one.task_loss_residual))
    points = stitching_figures.residuals(direct, trained, layer_distances(LAYERS)).axes[0].collections[0]
    np.testing.assert_allclose(points.get_offsets(), np.column_stack([direct.ravel(), trained.ravel()]))
    assert points.get_array().reshape(-1, LAYERS, LAYERS)[4].tolist() == layer_distances(LAYERS).tolist()


def test_distance_is_that_of_the_source_behind_the_target(found):
    values = of_pairs(found, PLAN[SEEDS], lambda one: one.measures[TASK_LOSS])
    line = stitching_figures.over_distance({"accuracy": {TASK_LOSS: values}}).axes[0].lines[0]
    assert line.get_xdata().tolist() == list(range(-3, 4))
    # Distance +3 is the last source into the first target.
    np.testing.assert_allclose(line.get_ydata()[[0, 3, 6]], [0.9, np.diagonal(FAR).mean(), 0.9])
    values[:, 3, 0] = 0.2
    line = stitching_figures.over_distance({"accuracy": {TASK_LOSS: values}}).axes[0].lines[0]
    assert line.get_ydata()[6] == pytest.approx(0.2) and line.get_ydata()[0] == pytest.approx(0.9)


def test_numbers_of_images_have_axes_that_can_be_read():
    interval = np.array([0.5, 0.2]), np.array([0.4, 0.1]), np.array([0.6, 0.3])
    figure = stitching_figures.over_counts([25, 100], interval, interval, interval, 0.25)
    left, right = figure.axes
    assert left.get_yscale() == "log" and right.lines[0].get_ydata().tolist() == [0.5, 0.2]
    figure.canvas.draw()
    for axis in (left, right):
        assert [label.get_text() for label in axis.get_xticklabels()] == ["25", "100"]
    low, high = left.get_ylim()
    named = [label for minor in (False, True) for label in left.get_yticklabels(minor=minor)
             if label.get_text() and low <= label.get_position()[1] <= high]
    assert len(named) >= 2


def test_longer_training_is_drawn_with_its_counts_and_accuracies_apart():
    lines = {label: {3: (value, value - 0.1, value + 0.1), 30: (0.5, 0.4, 0.6)}
             for label, value in {"violated": 4, "beyond chance": 2, "into itself": 0.7, "the network": 0.9}.items()}
    left, right = stitching_figures.over_epochs(lines, LAYERS).axes
    for axis, expected in ((left, {"violated": [4, 0.5], "beyond chance": [2, 0.5]}),
                           (right, {"the network": [0.9, 0.5], "into itself": [0.7, 0.5]})):
        drawn = {bars.get_label(): bars.lines[0].get_ydata().tolist() for bars in axis.containers}
        assert drawn == expected and [label.get_text() for label in axis.get_xticklabels()] == ["3", "30"]
    assert left.get_ylabel() == "targets of 4"
