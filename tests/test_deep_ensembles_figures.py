"""The pictures of chapter 6 show the measures they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.chapters import deep_ensembles_figures as drawn
from lib.ensembles import MEASURES, Ensembles
from lib.ensembles.cosines import law

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
    plt.close("all")


def estimate(population, name):
    return population.values[name][0]


def lines(axis, style):
    """x and y of the lines of this style, in the order of drawing."""
    return [np.array(line.get_data()) for line in axis.lines if line.get_linestyle() == style]


def paths(axis, count):
    """Of each family: x and y of its single networks, and of the ensembles of each width."""
    singles = [np.array(line.get_data()) for line in axis.lines if line.get_markerfacecolor() == "white"]
    clouds = [np.array(points.get_offsets()).T for points in axis.collections]
    return list(zip(singles, np.split(np.array(clouds), count)))


def test_loss_and_accuracy_stand_over_the_cosine_a_row_an_average(families):
    figure = drawn.loss_and_accuracy(families)
    for axis, average in zip(figure.axes, ("probabilities", "probabilities", "logits", "logits")):
        shown = axis.get_title().split()[-1]
        assert axis.get_title() == f"averaged {average}: {shown}"
        for (single, ensembles), family in zip(paths(axis, 2), families.values()):
            expected = np.array([[estimate(one, name) for one in family] for name in ("t", f"{shown} {average}")])
            np.testing.assert_allclose(single, expected[:, :, 0])
            np.testing.assert_allclose(ensembles, expected[:, :, 1:].transpose(1, 0, 2))


def test_markers_grow_with_the_members_as_the_legend_says(families):
    figure = drawn.loss_and_accuracy(families)
    sizes = figure.axes[0].collections[0].get_sizes() ** 0.5
    named = zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles)
    legend = {text.get_text(): handle.get_markersize() for text, handle in named}
    np.testing.assert_allclose(sizes, [legend["m = 2"], legend["m = 4"]])
    assert sizes[1] > 1.5 * sizes[0] and {"m = 1", "cnn-small", "vit"} <= set(legend)


def test_the_law_goes_through_the_single_networks(families):
    figure = drawn.law_by_members(families, dict.fromkeys(families, WIDTHS))
    for axis, family in zip(figure.axes, families.values()):
        points, curves = lines(axis, "None")[::3], lines(axis, "-")  # each point with its caps
        for (x, y), (curve_x, curve_y), population in zip(points, curves, family, strict=True):
            np.testing.assert_allclose(y, estimate(population, "t"))
            np.testing.assert_allclose(x / x[0], SIZES)
            np.testing.assert_allclose(curve_x[[0, -1]], x[[0, -1]])  # moved sideways together
            np.testing.assert_allclose(curve_y, law(y[0], curve_x / curve_x[0], estimate(population, "spread")[0]))
        assert len({x[0] for x, _ in points}) == len(WIDTHS)


def test_differences_are_those_of_logits_from_probabilities(families):
    figure = drawn.averages(families, dict.fromkeys(families, WIDTHS), 2)
    for axis, name in zip(figure.axes, ("loss", "accuracy")):
        for bars, family in zip(axis.containers, families.values()):
            expected = [estimate(one, f"{name} logits") - estimate(one, f"{name} probabilities") for one in family]
            np.testing.assert_allclose(bars.lines[0].get_ydata(), np.array(expected)[:, 1])


def test_calibration_is_solid_for_probabilities_and_dashed_for_logits(families):
    figure = drawn.calibration(families, dict.fromkeys(families, WIDTHS))
    for axis, family in zip(figure.axes, families.values()):
        for average, style in (("probabilities", "-"), ("logits", "--")):
            for (_, y), population in zip(lines(axis, style), family, strict=True):
                np.testing.assert_allclose(y, estimate(population, f"ece {average}"))
        assert axis.get_ylim()[0] == 0


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
        plt.close(figure)


def test_a_width_has_one_look_in_the_panels_of_all_families(families):
    figure = drawn.law_by_members(families, {"cnn-small": (2, 4, 8, 16), "vit": (4, 8, 16, 32)})
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["k = 2", "k = 4", "k = 8", "k = 16", "k = 32"]
    first, second = (
        {bars.get_label(): (tuple(bars.lines[0].get_color()), bars.lines[0].get_xdata()[0]) for bars in axis.containers}
        for axis in figure.axes
    )
    assert all(first[name] == second[name] for name in ("k = 4", "k = 8", "k = 16"))
    assert len({*first.values(), *second.values()}) == 5


@pytest.mark.parametrize("losses", [(0.02, 0.9), (1.55, 2.4), (1.01, 1.06)])
def test_an_axis_of_losses_names_three_numbers_or_more_and_they_are_where_they_say(losses):
    axis = plt.figure().subplots()
    axis.plot([0, 1], losses)
    drawn.loss_axis(axis)
    named = {float(label.get_text()): place for label, place in zip(axis.get_yticklabels(), axis.get_yticks())}
    assert len(named) >= 3 and all(name == pytest.approx(place) for name, place in named.items())
    plt.close("all")
