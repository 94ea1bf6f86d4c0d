"""The pictures of chapter 6 show the measures of planted families: what is drawn is read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from lib.chapters import ensemble_figures
from lib.ensembles import MEASURES, Ensembles
from lib.ensembles.ensemble_cosines import law

WIDTHS = (2, 4, 8)
SIZES = (1, 2, 4)


def populations(offset=0.0, columns=3):
    """Every measure has values of its own at every width and size; jackknife rows differ from row 0 by +-0.001."""
    found = []
    for row in range(len(WIDTHS)):
        values = {}
        for place, name in enumerate(MEASURES):
            at = (0.2 + 0.1 * row + 0.05 * np.arange(columns) + offset) * (1 + 0.03 * place)
            values[name] = at + 0.001 * np.array([0, *[-1, 1] * 3])[:, None]
        found.append(Ensembles(SIZES[:columns], values, 6, 50))
    return found


@pytest.fixture
def families():
    yield {"cnn-small": populations(), "vit": populations(0.02)}
    plt.close("all")


def estimate(population, name):
    return population.values[name][0]


def lines(axis, **looks):
    """x and y of the lines that have these properties, in the order of drawing."""
    return [np.array(line.get_data()) for line in axis.lines
            if all(getattr(line, f"get_{name}")() == value for name, value in looks.items())]


def paths(axis, count):
    """Of each family: x and y of its single networks, and of the ensembles of each width."""
    singles = lines(axis, markerfacecolor="white")
    clouds = [np.array(points.get_offsets()).T for points in axis.collections]
    return list(zip(singles, np.split(np.array(clouds), count)))


def test_loss_and_accuracy_stand_over_the_cosine_a_row_an_average(families):
    figure = ensemble_figures.loss_and_accuracy(families)
    for axis, measure in zip(figure.axes, ("loss probabilities", "accuracy probabilities", "loss logits",
                                           "accuracy logits")):
        assert measure.split()[1] in axis.get_title() and measure.split()[0] in axis.get_title()
        for (single, ensembles), family in zip(paths(axis, 2), families.values()):
            expected = np.array([[estimate(one, name) for one in family] for name in ("t", measure)])
            np.testing.assert_allclose(single, expected[:, :, 0])
            np.testing.assert_allclose(ensembles, expected[:, :, 1:].transpose(1, 0, 2))
    assert figure.axes[0].get_ylabel() == "test loss (nats)" and figure.axes[0].get_yscale() == "log"


def test_markers_grow_with_the_members_as_the_legend_says(families):
    figure = ensemble_figures.loss_and_accuracy(families)
    sizes = figure.axes[0].collections[0].get_sizes() ** 0.5
    legend = {text.get_text(): handle.get_markersize()
              for text, handle in zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles)}
    np.testing.assert_allclose(sizes, [legend["m = 2"], legend["m = 4"]])
    assert sizes[1] > 1.5 * sizes[0] and {"m = 1", "cnn-small", "vit"} <= set(legend)


def test_the_law_goes_through_the_single_networks(families):
    figure = ensemble_figures.law_by_members(families, dict.fromkeys(families, WIDTHS))
    for axis, family in zip(figure.axes, families.values()):
        points, curves = (lines(axis, linestyle=style) for style in ("None", "-"))
        for (x, y), (curve_x, curve_y), population in zip(points[::3], curves, family):  # each with its caps
            np.testing.assert_allclose(y, estimate(population, "t"))
            np.testing.assert_allclose(x / x[0], SIZES)
            np.testing.assert_allclose(curve_x[[0, -1]], x[[0, -1]])  # moved sideways together
            np.testing.assert_allclose(curve_y, law(y[0], curve_x / curve_x[0], estimate(population, "spread")[0]))
        assert len({x[0] for x, _ in points[::3]}) == len(WIDTHS) and axis.get_xlabel() == "members m of the ensemble"


def test_differences_are_those_of_logits_from_probabilities(families):
    figure = ensemble_figures.averages(families, dict.fromkeys(families, WIDTHS), 2)
    for axis, name in zip(figure.axes, ("loss", "accuracy")):
        assert axis.get_ylabel().startswith(f"{name}: logits − probabilities")
        drawn = [container.lines[0].get_ydata() for container in axis.containers]
        for y, family in zip(drawn, families.values()):
            expected = [estimate(one, f"{name} logits") - estimate(one, f"{name} probabilities") for one in family]
            np.testing.assert_allclose(y, np.array(expected)[:, 1])


def test_calibration_is_solid_for_probabilities_and_dashed_for_logits(families):
    figure = ensemble_figures.calibration(families, dict.fromkeys(families, WIDTHS))
    legend = {text.get_text(): handle.get_linestyle()
              for text, handle in zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles)
              if "averaged" in text.get_text()}
    assert legend == {"averaged probabilities": "-", "averaged logits": "--"}
    for axis, family in zip(figure.axes, families.values()):
        for title, style in legend.items():
            drawn = lines(axis, linestyle=style)
            assert len(drawn) == len(WIDTHS)
            for (x, y), population in zip(drawn, family):
                np.testing.assert_allclose(y, estimate(population, title.replace("averaged", "ece")))
                np.testing.assert_allclose(x / x[0], SIZES)
        assert axis.get_ylim()[0] == 0


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_an_ensemble_costs_as_much_as_all_its_members(families, average):
    price = {"trainable parameters": {family: 10.0 * np.array(WIDTHS) ** 2 for family in families},
             "training time (s)": {family: np.array([3.0, 1.0, 5.0]) for family in families}}
    figure = ensemble_figures.costs(families, price, average)
    for axis, (label, measure) in zip(figure.axes, [(label, measure) for measure in (f"loss {average}", "t")
                                                    for label in price]):
        for (single, ensembles), (family, populations) in zip(paths(axis, 2), families.items()):
            values = np.array([estimate(one, measure) for one in populations])
            np.testing.assert_allclose(single, [price[label][family], values[:, 0]])
            np.testing.assert_allclose(ensembles[:, 0], np.outer(price[label][family], SIZES[1:]))
            np.testing.assert_allclose(ensembles[:, 1], values[:, 1:])
    assert [axis.get_xlabel() for axis in figure.axes[2:]] == list(price)


def test_every_picture_is_drawn_for_any_number_of_families_and_with_fewer_sizes():
    for names in (["vit"], ["cnn-small", "cnn-large", "resnet-small"]):
        families = {name: populations() for name in names[1:]} | {names[0]: [*populations()[:2],
                                                                              *populations(columns=2)[2:]]}
        price = {"trainable parameters": {name: np.array(WIDTHS) ** 2 for name in names}}
        widths = dict.fromkeys(families, WIDTHS)
        for figure in (ensemble_figures.loss_and_accuracy(families), ensemble_figures.law_by_members(families, widths),
                       ensemble_figures.averages(families, widths, 2), ensemble_figures.calibration(families, widths),
                       ensemble_figures.costs(families, price, "logits")):
            figure.canvas.draw()
            visible = [axis for axis in figure.axes if axis.get_visible()]
            assert visible and all(axis.has_data() for axis in visible)
            plt.close(figure)


def test_widths_of_one_family_have_colours_of_their_own(families):
    figure = ensemble_figures.law_by_members(families, dict.fromkeys(families, WIDTHS))
    colours = [to_rgba(handle.lines[0].get_color()) for handle in figure.axes[0].containers]
    assert len(set(colours)) == len(WIDTHS)


def test_a_width_has_one_look_in_the_panels_of_all_families(families):
    widths = {"cnn-small": (2, 4, 8), "vit": (4, 8, 16)}
    for figure in (ensemble_figures.law_by_members(families, widths), ensemble_figures.calibration(families, widths)):
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert named[:4] == ["k = 2", "k = 4", "k = 8", "k = 16"]
        first, second = ({bars.get_label(): (to_rgba(bars.lines[0].get_color()), bars.lines[0].get_xdata()[0])
                          for bars in axis.containers if bars.get_label() in named} for axis in figure.axes)
        assert list(first) == ["k = 2", "k = 4", "k = 8"] and list(second) == ["k = 4", "k = 8", "k = 16"]
        assert all(first[name] == second[name] for name in ("k = 4", "k = 8"))
        assert len({*first.values(), *second.values()}) == 4


@pytest.mark.parametrize("losses", [(0.02, 0.9), (1.55, 2.4), (1.01, 1.06)])
def test_an_axis_of_losses_names_three_numbers_or_more_and_they_are_where_they_say(losses):
    axis = plt.figure().subplots()
    axis.plot([0, 1], losses)
    ensemble_figures._loss_axis(axis)
    named = {float(label.get_text()): place for label, place in zip(axis.get_yticklabels(), axis.get_yticks())}
    assert len(named) >= 3 and all(name == pytest.approx(place) for name, place in named.items())
    plt.close("all")
