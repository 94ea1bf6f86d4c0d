"""The pictures of chapter 18 show the measures of planted families: what is drawn is read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from planted_pairs import WIDTHS, planted

from lib.chapters import view_figures
from lib.chapters.view_claims import DEEDS
from lib.views.measures import measure
from lib.views.outcomes import ERRORS, OUTCOMES, TRANSFER
from lib.views.prediction import MODELS
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

PAIRS = np.triu_indices(len(WIDTHS), 1)


@pytest.fixture(scope="module")
def families():
    return {"resnet-small": measure(planted(1)), "vit": measure(planted(2))}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def panels(figure):
    """All axes but the colour bar, row by row."""
    return [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]


def points(axis):
    return axis.collections[0].get_offsets()


def test_every_two_views_are_plotted_pair_by_pair(families):
    axes = panels(view_figures.views_against_views(families))
    assert len(axes) == 6
    for row, (family, measures) in enumerate(families.items()):
        for axis, (x, y), rank in zip(axes[3 * row:], ((RHO, CKA), (RHO, MATCHING), (CKA, MATCHING)),
                                      measures.between_views(False)[0]):
            views = measures.table.views
            np.testing.assert_allclose(points(axis), np.column_stack([views[x][PAIRS], views[y][PAIRS]]))
            assert axis.get_title().startswith(f"{family}\nall {rank:.2f}, within widths")
            assert axis.get_ylabel() == view_figures.LABELS[y]
    assert [axis.get_xlabel() for axis in axes[3:]] == [view_figures.LABELS[x] for x in (RHO, RHO, CKA)]


def test_colours_are_the_mean_of_both_widths(families):
    figure = view_figures.views_against_views(families)
    shown = panels(figure)[0].collections[0]
    np.testing.assert_allclose(shown.get_array(), np.sqrt(WIDTHS[PAIRS[0]] * WIDTHS[PAIRS[1]]))
    assert (shown.norm.vmin, shown.norm.vmax) == (2, 8)
    bar, = (axis for axis in figure.axes if axis.get_label() == "<colorbar>")
    assert [label.get_text() for label in bar.get_yticklabels()] == ["2", "4", "8"]


def test_an_outcome_is_plotted_over_each_view_with_its_skill(families):
    axes = panels(view_figures.views_against_outcome(families, ERRORS))
    measures, column = families["vit"], OUTCOMES.index(ERRORS)
    for axis, view, place in zip(axes[3:], VIEWS, range(3)):
        np.testing.assert_allclose(points(axis), np.column_stack(
            [measures.table.views[view][PAIRS], measures.table.outcomes[ERRORS][PAIRS]]))
        skill = measures.skill()[0][list(MODELS).index(view) - 1, column]
        within = measures.with_outcomes(True)[0][place, column]
        assert axis.get_title() == f"vit: held-out R² {skill:.2f}\nwithin widths {within:.2f}"
        assert axis.get_xlabel() == view_figures.LABELS[view]
    assert axes[3].get_ylabel() == view_figures.UNITS[ERRORS]


def test_means_over_the_width_have_a_line_a_family(families):
    axes = panels(view_figures.over_width(families))
    for place, axis in enumerate(axes):
        for (family, measures), container in zip(families.items(), axis.containers):
            assert container.get_label() == family
            np.testing.assert_allclose(container.lines[0].get_ydata(), measures.means.values[place])
            ends = np.array(container.lines[2][0].get_segments())[:, :, 1].T
            np.testing.assert_allclose(ends, [part[place] for part in measures.means.interval()[1:]])
    assert [axis.get_legend() is None for axis in axes] == [False, True, True]


def estimates(axis):
    """Of every set of dots: label -> values, rows."""
    return {container.get_label(): np.array(container.lines[0].get_data()) for container in axis.containers}


def test_skills_have_a_row_a_model_and_a_panel_an_outcome(families):
    axes = panels(view_figures.skills(families))
    shown = [label.get_text() for label in axes[0].get_yticklabels()]
    assert shown == list(view_figures.SHOWN.values()) and axes[0].yaxis_inverted()
    places = [list(MODELS).index(model) - 1 for model in view_figures.SHOWN]
    for column, axis in enumerate(axes):
        assert axis.get_title() == DEEDS[OUTCOMES[column]] and axis.get_xlim() == (-1.05, 1.05)
        for family, (values, rows) in estimates(axis).items():
            np.testing.assert_allclose(values, families[family].skill()[0][places, column])
            np.testing.assert_array_equal(np.round(rows), range(len(shown)))


def test_rank_correlations_within_widths_are_filled_and_those_of_all_pairs_hollow(families):
    axis = panels(view_figures.rank_correlations(families))[OUTCOMES.index(TRANSFER)]
    assert len(axis.containers) == 4
    for container in axis.containers:
        family, words = container.get_label().split(", ")
        within, dots = words == "within widths", container.lines[0]
        np.testing.assert_allclose(dots.get_xdata(), families[family].with_outcomes(within)[0][:, OUTCOMES.index(TRANSFER)])
        assert (dots.get_markerfacecolor() == "white") == (not within)
    rows = np.sort([container.lines[0].get_ydata() for container in axis.containers], axis=0)
    assert (np.diff(rows.T.ravel()) > 0.1).all()  # no two stand in one place


@pytest.mark.parametrize("draw", [view_figures.views_against_views, view_figures.skills, view_figures.over_width,
                                  view_figures.rank_correlations,
                                  lambda found: view_figures.views_against_outcome(found, TRANSFER)])
def test_labels_of_neighbouring_panels_do_not_meet(families, draw):
    figure = draw(families)
    figure.canvas.draw()
    for part in (lambda axis: axis.title, lambda axis: axis.xaxis.label):
        boxes = [part(axis).get_window_extent() for axis in panels(figure) if part(axis).get_text()]
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
