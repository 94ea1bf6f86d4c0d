"""The pictures of chapter 6 show the measures they are given."""

import numpy as np
import pytest

from lib.chapters import deep_ensembles_figures as drawn
from lib.ensembles import MEASURES, Ensembles

WIDTHS = (2, 4, 8, 16)
SIZES = (1, 2, 4)


def measured(offset=0.0, columns=3):
    """Every measure has values of its own at every width and size; jackknife rows differ from row 0 by +-0.001."""
    found = []
    for row in range(len(WIDTHS)):
        at = 0.2 + 0.1 * row + 0.05 * np.arange(columns) + offset
        without = 0.001 * np.array([0, *[-1, 1] * 3])[:, None]
        values = {name: at * (1 + 0.03 * place) + without for place, name in enumerate(MEASURES)}
        found.append(Ensembles(SIZES[:columns], values, 6, 50))
    return found


@pytest.fixture
def families():
    yield {"cnn-small": measured(), "vit": measured(0.02)}


def estimate(population, name):
    return population.values[name][0]


def paths(axis, count):
    """Of each family: x and y of its single networks, and of the ensembles of each width."""
    singles = [np.array(line.get_data()) for line in axis.lines if line.get_markerfacecolor() == "white"]
    clouds = [np.array(points.get_offsets()).T for points in axis.collections]
    return list(zip(singles, np.split(np.array(clouds), count)))


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_an_ensemble_costs_as_much_as_all_its_members(families, average):
    price = {
        "trainable parameters": {family: 10.0 * np.array(WIDTHS) ** 2 for family in families},
        "training time (s)": {family: np.array([3.0, 1.0, 5.0, 4.0]) for family in families},
    }
    axes = iter(drawn.costs(families, price, average).axes)
    for measure in (f"loss {average}", "t"):
        for of_family in price.values():
            for (single, ensembles), (family, row) in zip(paths(next(axes), 2), families.items()):
                values = np.array([estimate(one, measure) for one in row])
                np.testing.assert_allclose(single, [of_family[family], values[:, 0]])
                np.testing.assert_allclose(ensembles[:, 0], np.outer(of_family[family], SIZES[1:]))
                np.testing.assert_allclose(ensembles[:, 1], values[:, 1:])


@pytest.mark.parametrize("names", [["vit"], ["vit", "cnn-small", "cnn-large"]])
def test_every_picture_is_drawn_for_any_number_of_families_and_with_fewer_sizes(names):
    families = dict.fromkeys(names, measured()) | {names[0]: [*measured()[:2], *measured(columns=2)[2:]]}
    price, widths = {"parameters": dict.fromkeys(names, np.array(WIDTHS))}, dict.fromkeys(names, WIDTHS)
    for figure in (
        drawn.loss_and_accuracy(families),
        drawn.law_by_members(families, widths),
        drawn.averages(families, widths, 2),
        drawn.calibration(families, widths),
        drawn.costs(families, price, "logits"),
    ):
        figure.canvas.draw()
        assert all(axis.has_data() for axis in figure.axes if axis.get_visible())
