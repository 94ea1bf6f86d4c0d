"""Figures take what a run may give them: numbers that are missing, few networks, other names than the families'."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib import map_figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_number_that_is_missing_is_a_dash_and_spoils_no_colours():
    values = np.array([[0.2, np.nan], [0.4, 0.8]])
    ends = np.array([[-0.001, np.nan], [np.nan, 0.7]]), np.array([[0.3, np.nan], [np.nan, 1.0]])
    axis = map_figures.heatmaps({"vit": (values, *ends)}, [2, 4], "cosine").axes[0]
    assert texts(axis) == ["0.20", "[0.00, 0.30]", "–", "0.40", "0.80", "[0.70, 1.00]"]
    assert axis.images[0].get_clim() == (0, 0.8)


def test_the_mean_of_each_block_of_families_leaves_out_a_population_with_itself():
    values = np.array([[1, 0.8, 0.5, 0.5], [0.8, 1, 0.5, 0.5], [0.5, 0.5, 1, 0.9], [0.5, 0.5, 0.9, 1]])
    axis = map_figures.population_cosines(values, ["a", "a", "b", "b"], [2, 4, 2, 4]).axes[0]
    assert texts(axis)[:4] == ["0.80", "0.50", "0.50", "0.90"]
