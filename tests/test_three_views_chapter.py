"""Chapter 18: verdicts, tables and pictures follow from views and outcomes that are planted."""

import numpy as np
import pytest
from planted_pairs import planted, symmetric

from lib.chapters import three_views_figures
from lib.chapters.three_views import view_claims
from lib.gates import learnt
from lib.views.measures import measure
from lib.views.outcomes import AGREEMENT, ERRORS, OUTCOMES, TRANSFER
from lib.views.three_views import CKA, MATCHING, RHO

WIDTHS = np.repeat([2, 4, 8], 6)


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


def panels(figure):
    """All axes but the colour bar, row by row."""
    return [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]


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
