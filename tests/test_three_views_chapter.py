"""Chapter 18: verdicts, tables and pictures follow from views and outcomes that are planted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from planted_pairs import WIDTHS as SMALL
from planted_pairs import planted, symmetric

from lib.chapters import three_views_figures
from lib.chapters.three_views import DEEDS, rank_table, skill_table, view_claims
from lib.gates import learnt
from lib.statistics.intervals import in_brackets
from lib.views.measures import measure
from lib.views.outcomes import AGREEMENT, ERRORS, OUTCOMES, TRANSFER
from lib.views.prediction import ALONE, MODELS
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

WIDTHS = np.repeat([2, 4, 8], 6)
PAIRS = np.triu_indices(len(SMALL), 1)
LEVEL = np.log2(WIDTHS)[:, None] + np.log2(WIDTHS)


def verdicts(**given):
    claims = view_claims("toy", measure(planted(0, WIDTHS, **given)), 50, [learnt([0.9], 10)])
    names = [claim.name for claim in claims]
    assert len(set(names)) == len(names) == 11
    assert all(name.startswith("18-") and name.endswith("-toy") for name in names)
    assert {(claim.networks, claim.images) for claim in claims} == {(len(WIDTHS), 50)}
    return {claim.name.removeprefix("18-").removesuffix("-toy"): claim.verdict for claim in claims}


def noise(seed, of_networks=1.0):
    return symmetric(np.random.default_rng(seed), len(WIDTHS), of_networks=of_networks)


@pytest.mark.parametrize("signs, verdict", [((1, 1, 1), "supported"), ((1, 1, -1), "contradicted")])
def test_views_of_one_thing_agree_and_one_that_opposes_contradicts(signs, verdict):
    truth = noise(1)
    found = verdicts(
        **{
            name: sign * truth + 0.2 * noise(2 + place)
            for place, (name, sign) in enumerate(zip((RHO, CKA, MATCHING), signs))
        }
    )
    assert found["views-agree"] == found["views-agree-within-widths"] == verdict


def test_views_that_share_the_width_alone_do_not_agree_within_widths():
    found = verdicts(**{name: LEVEL + 0.2 * noise(20 + place) for place, name in enumerate((RHO, CKA, MATCHING))})
    assert found["views-agree"] == "supported" and found["views-agree-within-widths"] != "supported"


def test_growth_is_up_down_or_undecided():
    found = verdicts(rho=LEVEL + 0.2 * noise(3), CKA=-LEVEL + 0.2 * noise(4), matching=noise(5))
    assert [found[f"grows-{name}"] for name in ("rho", "cka", "matching")] == ["supported", "contradicted", "undecided"]


def test_the_view_that_decides_an_outcome_foretells_it_best():
    """Gradients see one thing, both views of representations another."""
    gradients, representations = noise(8, of_networks=0.3), noise(9, of_networks=0.3)
    views = {RHO: gradients, CKA: representations + 0.05 * noise(6), MATCHING: representations + 0.05 * noise(7)}
    found = verdicts(
        **views,
        transfer=gradients + 0.2 * noise(10),
        agreement=representations + 0.2 * noise(11),
        errors=representations + 0.2 * noise(12),
    )
    names = "rho-best-for-transfer", "representations-best-for-agreement", "representations-best-for-errors"
    assert [found[name] for name in names] == ["supported"] * 3
    assert [found[f"views-add-to-{outcome}"] for outcome in OUTCOMES] == ["supported"] * 3
    turned = verdicts(
        **views,
        transfer=representations + 0.2 * noise(10),
        agreement=gradients + 0.2 * noise(11),
        errors=gradients + 0.2 * noise(12),
    )
    assert [turned[name] for name in names] == ["contradicted"] * 3


def test_views_of_something_else_foretell_nothing():
    found = verdicts()
    assert "supported" not in {found[name] for name in found if "best" in name or "add" in name}
    assert {AGREEMENT, ERRORS, TRANSFER} == {name.rsplit("-", 1)[1] for name in found if "add" in name}


def test_outcomes_that_never_differ_leave_it_undecided():
    found = verdicts(transfer=np.ones((len(WIDTHS),) * 2))
    assert found["rho-best-for-transfer"] == found["views-add-to-transfer"] == "undecided"


@pytest.fixture(scope="module")
def families():
    return {"resnet-small": measure(planted(1)), "vit": measure(planted(2))}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_table_of_skills_has_a_row_a_model_and_family(families):
    table = skill_table(families)
    names = [
        "ρ",
        "CKA",
        "direct matching",
        "all three",
        "widths",
        "each alone",
        "each alone + ρ",
        "each alone + CKA",
        "each alone + direct matching",
        "each alone + all three",
    ]
    assert list(table.index) == [(family, name) for family in families for name in names]
    place = list(MODELS).index(f"{ALONE} + {CKA}") - 1
    expected = tuple(part[place, OUTCOMES.index(TRANSFER)] for part in families["vit"].skill())
    assert table.loc[("vit", "each alone + CKA"), DEEDS[TRANSFER]] == in_brackets(expected)


def test_the_table_of_ranks_has_both_kinds_for_every_outcome(families):
    table = rank_table(families)
    assert list(table.index) == [(family, name) for family in families for name in ("ρ", "CKA", "direct matching")]
    for within, words in ((False, "all pairs"), (True, "within widths")):
        expected = tuple(part[VIEWS.index(MATCHING), 0] for part in families["vit"].with_outcomes(within))
        assert table.loc[("vit", "direct matching"), f"{DEEDS[OUTCOMES[0]]}, {words}"] == in_brackets(expected)
    assert table.shape == (6, 6)


def panels(figure):
    """All axes but the colour bar, row by row."""
    return [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]


def points(axis):
    return axis.collections[0].get_offsets()


def test_every_two_views_are_plotted_pair_by_pair(families):
    axes = panels(three_views_figures.views_against_views(families))
    assert len(axes) == 6
    for row, (family, measures) in enumerate(families.items()):
        for axis, (x, y), rank in zip(
            axes[3 * row :], ((RHO, CKA), (RHO, MATCHING), (CKA, MATCHING)), measures.between_views(False)[0]
        ):
            views = measures.table.views
            np.testing.assert_allclose(points(axis), np.column_stack([views[x][PAIRS], views[y][PAIRS]]))
            assert axis.get_title().startswith(f"{family}\nall {rank:.2f}, within widths")
            assert axis.get_ylabel() == three_views_figures.LABELS[y]
    assert [axis.get_xlabel() for axis in axes[3:]] == [three_views_figures.LABELS[x] for x in (RHO, RHO, CKA)]


def test_colours_are_the_mean_of_both_widths(families):
    figure = three_views_figures.views_against_views(families)
    shown = panels(figure)[0].collections[0]
    np.testing.assert_allclose(shown.get_array(), np.sqrt(SMALL[PAIRS[0]] * SMALL[PAIRS[1]]))
    assert (shown.norm.vmin, shown.norm.vmax) == (2, 8)
    (bar,) = (axis for axis in figure.axes if axis.get_label() == "<colorbar>")
    assert [label.get_text() for label in bar.get_yticklabels()] == ["2", "4", "8"]


def test_an_outcome_is_plotted_over_each_view_with_its_skill(families):
    axes = panels(three_views_figures.views_against_outcome(families, ERRORS))
    measures, column = families["vit"], OUTCOMES.index(ERRORS)
    for axis, view, place in zip(axes[3:], VIEWS, range(3)):
        np.testing.assert_allclose(
            points(axis), np.column_stack([measures.table.views[view][PAIRS], measures.table.outcomes[ERRORS][PAIRS]])
        )
        skill = measures.skill()[0][list(MODELS).index(view) - 1, column]
        within = measures.with_outcomes(True)[0][place, column]
        assert axis.get_title() == f"vit: held-out R² {skill:.2f}\nwithin widths {within:.2f}"
        assert axis.get_xlabel() == three_views_figures.LABELS[view]
    assert axes[3].get_ylabel() == three_views_figures.UNITS[ERRORS]


def test_means_over_the_width_have_a_line_a_family(families):
    axes = panels(three_views_figures.over_width(families))
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
    axes = panels(three_views_figures.skills(families))
    shown = [label.get_text() for label in axes[0].get_yticklabels()]
    assert shown == list(three_views_figures.SHOWN.values()) and axes[0].yaxis_inverted()
    places = [list(MODELS).index(model) - 1 for model in three_views_figures.SHOWN]
    for column, axis in enumerate(axes):
        assert axis.get_title() == DEEDS[OUTCOMES[column]] and axis.get_xlim() == (-1.05, 1.05)
        for family, (values, rows) in estimates(axis).items():
            np.testing.assert_allclose(values, families[family].skill()[0][places, column])
            np.testing.assert_array_equal(np.round(rows), range(len(shown)))


def test_rank_correlations_within_widths_are_filled_and_those_of_all_pairs_hollow(families):
    axis = panels(three_views_figures.rank_correlations(families))[OUTCOMES.index(TRANSFER)]
    assert len(axis.containers) == 4
    for container in axis.containers:
        family, words = container.get_label().split(", ")
        within, dots = words == "within widths", container.lines[0]
        np.testing.assert_allclose(
            dots.get_xdata(), families[family].with_outcomes(within)[0][:, OUTCOMES.index(TRANSFER)]
        )
        assert (dots.get_markerfacecolor() == "white") == (not within)
    rows = np.sort([container.lines[0].get_ydata() for container in axis.containers], axis=0)
    assert (np.diff(rows.T.ravel()) > 0.1).all()  # no two stand in one place


@pytest.mark.parametrize(
    "draw",
    [
        three_views_figures.views_against_views,
        three_views_figures.skills,
        three_views_figures.over_width,
        three_views_figures.rank_correlations,
        lambda found: three_views_figures.views_against_outcome(found, TRANSFER),
    ],
)
def test_labels_of_neighbouring_panels_do_not_meet(families, draw):
    figure = draw(families)
    figure.canvas.draw()
    for part in (lambda axis: axis.title, lambda axis: axis.xaxis.label):
        boxes = [part(axis).get_window_extent() for axis in panels(figure) if part(axis).get_text()]
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
