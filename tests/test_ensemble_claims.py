"""The verdicts of chapter 6 follow from the measures: planted ones that obey a claim, break it, or leave it open."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib import ensemble_figures
from lib.ensemble_claims import across_claim, ensemble_claims, inside, over_single, rank_correlation, table
from lib.ensemble_findings import cosine_findings, cost_findings, curve_findings, practice_findings
from lib.ensembles import Ensembles, law

WIDTHS = (2, 4, 8, 16)
SIZES = (1, 2, 4)
R = 0.2 * np.array(WIDTHS)[:, None] ** 0.4
T = law(R, np.array(SIZES))


def loss_of(t):
    """One curve for all: single networks and ensembles."""
    return 0.5 * np.exp(-3 * t)


def populations(t=T, loss=None, gain=1.2, ece=None, ece_logits=None, spread=1e-4, networks=20, confidence=0.9):
    """Planted measures [widths, sizes]; without a network each is off by about `spread` / sqrt(networks), relatively.

    `gain`: loss of ensembles that average logits over that of those that average probabilities.
    """
    ones = np.ones_like(t)
    loss = loss_of(t) if loss is None else loss
    sizes = np.array(SIZES)[:t.shape[1]]
    ece = 0.1 * ones / sizes if ece is None else ece
    measures = {"t": t, "law": law(t[:, :1], sizes), "loss probabilities": loss,
                "loss logits": loss * np.where(sizes > 1, gain, 1), "ece probabilities": ece,
                "ece logits": ece if ece_logits is None else ece_logits, "accuracy probabilities": 0.95 * ones,
                "accuracy logits": 0.95 * ones, "confidence probabilities": confidence * ones,
                "confidence logits": confidence * ones}
    rng = np.random.default_rng(0)
    shift = np.vstack([np.zeros((1, t.shape[1])), rng.standard_normal((networks, t.shape[1]))]) * spread / networks**0.5
    return [Ensembles(SIZES[:t.shape[1]], {name: values[row] * (1 + rng.choice([-1, 1]) * shift)
                                           for name, values in measures.items()}, networks, 100)
            for row in range(len(t))]


def verdicts(planted, widths=WIDTHS):
    return {claim.name.removeprefix("06-").replace("-vit", ""): claim.verdict
            for claim in ensemble_claims("vit", planted, widths)}


def test_ensembles_as_the_paper_has_them_are_supported():
    found = verdicts(populations(gain=1.05))
    assert set(found) == {"loss-falls", "ensemble-law", "ensembles-help", "logits-or-probabilities", "same-curve",
                          "same-curve-averaged-logits", "calibration", "calibration-averaged-logits"}
    assert set(found.values()) == {"supported"}
    assert all(claim.networks == 80 and claim.images == 100 for claim in ensemble_claims("vit", populations(), WIDTHS))


def test_ensembles_that_do_the_opposite_are_contradicted():
    worse = loss_of(-T)
    found = verdicts(populations(0.8 * T + 0.2 * R, worse, 0.7, ece=0.1 * np.sqrt(SIZES) * np.ones_like(T)))
    assert found.pop("same-curve") == "supported"  # it asks for one curve, not for its direction
    found.pop("same-curve-averaged-logits")
    assert set(found.values()) == {"contradicted"}


def test_what_varies_too_much_is_undecided():
    claims = ensemble_claims("vit", populations(spread=1.5), WIDTHS)
    assert {claim.verdict for claim in claims} == {"undecided"}


@pytest.mark.parametrize("factor, verdict", [(1, "supported"), (1.5, "contradicted"), (0.7, "contradicted")])
def test_a_loss_beside_the_curve_of_single_networks_is_noticed(factor, verdict):
    loss = loss_of(T) * np.where(np.array(SIZES) > 1, factor, 1)
    found = verdicts(populations(loss=loss, gain=1 / factor))
    assert found["same-curve"] == verdict and found["same-curve-averaged-logits"] == "supported"


def test_the_averages_are_judged_apart():
    found = verdicts(populations(ece_logits=0.1 * np.sqrt(SIZES) * np.ones_like(T)))
    assert found["calibration"] == "supported" and found["calibration-averaged-logits"] == "contradicted"


def test_one_width_that_does_not_gain_is_enough():
    loss = loss_of(T)
    loss[2] = loss[2, 0] * np.array([1, 1.1, 1.2])
    (claim,) = [claim for claim in ensemble_claims("vit", populations(loss=loss), WIDTHS) if "help" in claim.name]
    assert claim.verdict == "contradicted" and ": k = 8, the one of 4" in claim.statistic
    assert claim.estimate == pytest.approx(-0.2 * loss[2, 0])


def test_the_comparison_at_equal_cosine_interpolates_log_loss_and_knows_its_ends():
    x = np.array([[0.4, 0.5, 0.9], [0.2, 0.3, 0.39], [0.6, 0.7, 0.1]])  # not in order
    np.testing.assert_allclose(over_single(x, loss_of(x))[inside(x)], 1)
    np.testing.assert_array_equal(inside(x), [[True, False], [True, True], [False, False]])
    # Beyond the ends single networks count with the loss of the last one.
    np.testing.assert_allclose(over_single(x, loss_of(x))[0, 1], loss_of(0.9) / loss_of(0.6))


def test_ensembles_beyond_all_single_networks_have_no_curve_to_be_on():
    t = np.array([[0.2, 0.5, 0.7], [0.3, 0.6, 0.8]])
    found = populations(t)
    assert not {name for name in verdicts(found, (2, 4)) if "same-curve" in name}
    assert "no ensemble has the E[t] of a single network" in curve_findings({"vit": found})[0]


@pytest.mark.parametrize("loss, verdict, estimate", [(loss_of(T), "supported", -1), (loss_of(-T), "contradicted", 1)])
def test_all_families_are_one_plot_whatever_their_sizes(loss, verdict, estimate):
    claim = across_claim({"vit": populations(loss=loss), "mlp": populations(T[:, :2], loss[:, :2], networks=6)})
    assert (claim.verdict, claim.networks) == (verdict, 4 * 20 + 4 * 6) and claim.estimate == pytest.approx(estimate)


def test_widths_with_fewer_networks_shorten_the_table():
    short = [*populations()[:2], *populations(T[:, :2])[2:]]
    rows = [{name: values[0] for name, values in population.values.items()} for population in short]
    assert table(rows, "t").shape == (4, 2)
    assert verdicts(short)["ensembles-help"] == "supported"


def test_rank_correlation_is_spearmans():
    assert rank_correlation([[1, 2], [3, 4]], [[8, 4], [2, 1]]) == pytest.approx(-1)
    assert rank_correlation([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(0.8)


def test_what_cannot_be_told_is_undecided_and_said_in_words():
    t = T.copy()
    t[0] = np.nan  # a width without a mean direction
    found = populations(t, loss=loss_of(T))
    named = verdicts(found)
    assert named["loss-falls"] == named["ensemble-law"] == "undecided" and named["ensembles-help"] == "supported"
    words = " ".join([*cosine_findings({"vit": found}, WIDTHS), *curve_findings({"vit": found}),
                      *practice_findings({"vit": found})])
    assert "nan" not in words and "some width has no similarity above zero" in words


def test_the_answers_in_words_carry_the_numbers():
    families = {"vit": populations(loss=loss_of(T) * np.where(np.array(SIZES) > 1, 1.5, 1))}
    line = cosine_findings(families, WIDTHS)[0]
    assert f"E[t] goes from {T[0, 0]:.2f} to {T[0, -1]:.2f}" in line and "1.000 to 1.000 times the law" in line
    assert "ensembles have 1.50 to 1.50 (averaged probabilities) or 1.80 to 1.80 (averaged logits)" in curve_findings(
        families)[0]
    practice = practice_findings(families)[0]
    assert "averaged logits have 1.20 [" in practice and "is -0.050 or -0.050" in practice
    price = {"trainable parameters": {"vit": np.array(WIDTHS) ** 2}, "training time (s)": {"vit": np.array(WIDTHS)}}
    assert "of equal training time" in cost_findings(families, price)[0]


@pytest.mark.parametrize("names", [["vit"], ["cnn-small", "cnn-large", "resnet-small"]])
def test_every_picture_is_drawn_for_any_number_of_families(names):
    short = [*populations()[:2], *populations(T[:, :2])[2:]]
    families = {name: populations() for name in names[1:]} | {names[0]: short}
    price = {"trainable parameters": {name: np.array(WIDTHS) ** 2 for name in names}}
    drawn = [ensemble_figures.loss_and_accuracy(families, WIDTHS), ensemble_figures.law_by_members(families, WIDTHS),
             ensemble_figures.averages(families, WIDTHS, 2), ensemble_figures.calibration(families, WIDTHS),
             ensemble_figures.costs(families, price, WIDTHS, "logits")]
    for figure in drawn:
        figure.canvas.draw()
        visible = [axis for axis in figure.axes if axis.get_visible()]
        assert visible and all(axis.has_data() for axis in visible)
        plt.close(figure)
