"""The verdicts of chapter 6 follow from the measures: planted ones that obey a claim, break it, or leave it open."""

import numpy as np
import pytest

from lib.chapters.ensemble_claims import all_claims, loss_claim
from lib.chapters.ensemble_findings import (
    cosine_findings,
    cost_findings,
    curve_findings,
    gradient_findings,
    parameter_findings,
    practice_findings,
)
from lib.ensembles import Ensembles
from lib.ensembles.ensemble_cosines import law

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
    measures = {"t": t, "law": law(t[:, :1], sizes), "spread": 0 * ones, "loss probabilities": loss,
                "loss logits": loss * np.where(sizes > 1, gain, 1), "ece probabilities": ece,
                "ece logits": ece if ece_logits is None else ece_logits, "accuracy probabilities": 0.95 * ones,
                "accuracy logits": 0.95 * ones, "confidence probabilities": confidence * ones,
                "confidence logits": confidence * ones}
    rng = np.random.default_rng(0)
    shift = np.vstack([np.zeros((1, t.shape[1])), rng.standard_normal((networks, t.shape[1]))]) * spread / networks**0.5
    return [Ensembles(SIZES[:t.shape[1]], {name: values[row] * (1 + rng.choice([-1, 1]) * shift)
                                           for name, values in measures.items()}, networks, 100)
            for row in range(len(t))]


def claims_of(planted, widths=WIDTHS):
    return {claim.name.removeprefix("06-").replace("-vit", ""): claim
            for claim in all_claims({"vit": planted}, {"vit": widths})}


def verdicts(planted, widths=WIDTHS):
    return {name: claim.verdict for name, claim in claims_of(planted, widths).items()}


def test_ensembles_of_many_small_networks_that_are_as_good_as_large_ones_are_supported():
    found = claims_of(populations(gain=1.05))  # one curve for all, and four of k are closer to mu than one of 2 k
    assert set(found) == {"loss-falls-across-families", "logits-or-probabilities", "many-small-cosine", "loss-falls",
                          "ensemble-law", "same-curve", "same-curve-averaged-logits", "many-small",
                          "many-small-averaged-logits", "calibration"}
    assert {claim.verdict for claim in found.values()} == {"supported"}
    for claim in found.values():
        assert (claim.networks, claim.images) == (80, 100)
        assert claim.rule.endswith("; intervals over networks, images fixed")


def test_ensembles_that_do_the_opposite_are_contradicted():
    """Wider networks lose more, ensembles far more, although members hardly move them towards the mean direction."""
    loss = np.exp(3 * R) * np.array([1, 1.5, 3])
    ece = 0.1 * np.sqrt(SIZES) * np.ones_like(T)
    found = verdicts(populations(R * np.array([1, 1.02, 1.04]), loss, 0.7, ece))
    assert set(found.values()) == {"contradicted"} and len(found) == 10


def test_what_varies_too_much_is_undecided():
    assert set(verdicts(populations(spread=1.5)).values()) == {"undecided"}


@pytest.mark.parametrize("factor, verdict", [(1, "supported"), (1.5, "contradicted"), (0.7, "contradicted")])
def test_a_loss_beside_the_curve_of_single_networks_is_noticed(factor, verdict):
    loss = loss_of(T) * np.where(np.array(SIZES) > 1, factor, 1)
    found = verdicts(populations(loss=loss, gain=1 / factor))
    assert found["same-curve"] == verdict and found["same-curve-averaged-logits"] == "supported"


@pytest.mark.parametrize("factor, verdict", [(1.2, "supported"), (0.85, "supported"), (1.3, "contradicted"),
                                             (0.75, "contradicted")])
def test_a_quarter_more_and_a_fifth_less_is_the_same_curve(factor, verdict):
    loss = loss_of(T) * np.where(np.array(SIZES) > 1, factor, 1)
    assert verdicts(populations(loss=loss))["same-curve"] == verdict


@pytest.mark.parametrize("factor, verdict", [(1.03, "supported"), (0.97, "supported"), (1.07, "contradicted"),
                                             (0.93, "contradicted")])
def test_a_twentieth_is_the_same_law(factor, verdict):
    t = 0.9 * T * np.where(np.array(SIZES) > 1, factor, 1)
    planted = populations(t)
    for population, row in zip(planted, 0.9 * T):
        population.values["law"][:] = row
    assert verdicts(planted)["ensemble-law"] == verdict


def test_along_one_width_nothing_counts_however_the_loss_falls():
    """Between widths the loss rises with E[t], although within each it falls steeply with the members."""
    loss = np.array(WIDTHS)[:, None] ** 0.3 / np.array(SIZES) ** 2.0
    claim = loss_claim("vit", "vit", populations(loss=loss))
    assert claim.verdict == "contradicted" and "fall of the log loss per unit of E[t]" in claim.statistic


def test_one_number_of_members_at_which_the_loss_rises_is_enough():
    loss = loss_of(T)
    loss[:, 2] = loss_of(-T[:, 2])
    claim = loss_claim("vit", "vit", populations(loss=loss))
    assert claim.verdict == "contradicted" and ": m = 4, the one of 3" in claim.statistic
    assert claim.estimate == pytest.approx(-3)  # exp(3 t)


def test_all_families_are_one_plot_whatever_their_sizes():
    families = {"vit": populations(), "mlp": populations(T[:, :2], loss_of(T[:, :2]), networks=6)}
    claims = {claim.name: claim for claim in all_claims(families, dict.fromkeys(families, WIDTHS))}
    across = claims["06-loss-falls-across-families"]
    assert (across.verdict, across.networks) == ("supported", 4 * 20 + 4 * 6)
    assert across.estimate == pytest.approx(3) and "the one of 2 " in across.statistic
    assert ": vit, " in claims["06-many-small-cosine"].statistic  # mlp has no ensembles of four
    assert "06-many-small-mlp" not in claims and "the one of 2 " in claims["06-logits-or-probabilities"].statistic


def test_the_average_that_all_families_lose_less_with_is_asked_of_each():
    families = {"vit": populations(gain=1.3), "mlp": populations(gain=0.8)}
    claim = all_claims(families, dict.fromkeys(families, WIDTHS))[1]
    assert claim.verdict == "contradicted" and ": mlp, the one of 2" in claim.statistic
    assert claim.estimate == pytest.approx(0.8)


def test_four_of_one_width_are_judged_against_one_of_twice_that_width():
    loss = loss_of(R) * np.array([1, 0.9, 0.8])  # ensembles gain a fifth, twice the width gains more
    found = claims_of(populations(loss=loss, gain=0.3))
    claim = found["many-small"]
    ratios = loss[1:, 0] / loss[:-1, 2]
    assert claim.verdict == "contradicted" and ratios.min() < 1
    place = ratios.argmin()
    assert f"4 of k = {WIDTHS[place]} beside k = {WIDTHS[place + 1]}, the one of 3" in claim.statistic
    assert claim.estimate == pytest.approx(ratios.min())
    assert found["many-small-averaged-logits"].verdict == "supported"  # 0.3 of that loss
    assert found["many-small-cosine"].estimate == pytest.approx((T[:-1, 2] / T[1:, 0]).min())


def test_widths_that_do_not_double_have_no_network_of_equal_size():
    assert not {name for name in verdicts(populations(), (2, 5, 9, 20)) if "many-small" in name}


def test_ensembles_beyond_all_single_networks_have_no_curve_to_be_on():
    t = np.array([[0.2, 0.5, 0.7], [0.3, 0.6, 0.8]])
    found = populations(t)
    assert not {name for name in verdicts(found, (2, 4)) if "same-curve" in name}
    assert "no ensemble has the E[t] of a single network" in curve_findings({"vit": found})[0]


def test_what_cannot_be_told_is_undecided_and_said_in_words():
    t = T.copy()
    t[0] = np.nan  # a width without a mean direction
    found = populations(t, loss=loss_of(T))
    named = verdicts(found)
    assert named["loss-falls"] == named["ensemble-law"] == named["many-small-cosine"] == "undecided"
    assert named["many-small"] == "supported"
    words = " ".join([*cosine_findings({"vit": found}, {"vit": WIDTHS}), *curve_findings({"vit": found}),
                      *practice_findings({"vit": found})])
    assert "nan" not in words and "some width has no similarity above zero" in words
    assert "no population has a mean direction" in gradient_findings(
        {"vit": {"mean unit gradient": np.nan, "averaged logits": np.nan}})[0]


def test_the_answers_in_words_carry_the_numbers():
    families = {"vit": populations(loss=loss_of(T) * np.where(np.array(SIZES) > 1, 1.5, 1))}
    line = cosine_findings(families, dict.fromkeys(families, WIDTHS))[0]
    assert f"E[t] goes from {T[0, 0]:.2f} to {T[0, -1]:.2f}" in line and "1.000 to 1.000 times the law" in line
    assert "limit for many members is 1.000 to 1.000" in line
    assert "ensembles have 1.50 to 1.50 (averaged probabilities) or 1.80 to 1.80 (averaged logits)" in curve_findings(
        families)[0]
    found = gradient_findings({"a": {"mean unit gradient": 0.5, "averaged logits": 0.48},
                               "b": {"mean unit gradient": 0.5, "averaged logits": 0.51}})[0]
    assert "by -0.0200 to +0.0100, in 2 single ensembles" in found


def test_practice_counts_accuracy_from_single_networks_and_confidence_from_ensembles():
    planted = populations()
    for population in planted:
        population.values["accuracy probabilities"][:] = [0.9, 0.93, 0.95]
        population.values["accuracy logits"][:] = [0.9, 0.92, 0.96]
        population.values["confidence probabilities"][:] = [0.5, 0.5, 0.85]
        population.values["confidence logits"][:] = [0.5, 0.5, 0.99]
        population.values["ece logits"][:] = [0.1, 0.5, 0.033]
    line = practice_findings({"vit": planted})[0]
    assert "averaged logits have 1.20 [" in line and "+0.050 to +0.050 above that of one, which is 0.900" in line
    assert "is 0.100 for one network and 0.025 (averaged probabilities) or 0.033 (averaged logits) for 4" in line
    assert "confidence minus accuracy of these ensembles is -0.100 or +0.030" in line


def test_parameters_of_ensembles_are_told_beside_those_of_the_one_network():
    """Four of 2, 4 and 8 with 100, 380 and 1600 parameters beside one of 4, 8 and 16 with 380, 1600 and 6400."""
    parameters = {"vit": np.array([100, 380, 1600, 6400])}
    (line,) = parameter_findings({"vit": populations()}, parameters, {"vit": WIDTHS})
    assert "have -5.0 % to +5.3 % more than one of k √m, in 3 such comparisons." in line
    (line,) = parameter_findings({"vit": populations()}, parameters, {"vit": (2, 5, 9, 20)})
    assert line.endswith("no m networks of one width have about as many as one of another.")


def test_cost_is_counted_against_better_networks_that_took_no_longer():
    """Four of each width take as long as one of the next, and twice as long as the one before."""
    loss = np.array([8.0, 4.0, 2.0, 1.0])[:, None] * np.array([1, 0.8, 0.45])
    planted = populations(loss=loss, gain=1.2)
    line = cost_findings({"vit": planted}, {"vit": np.array([1.0, 4.0, 16.0, 64.0])}, {"vit": WIDTHS})[0]
    assert "0.90 to 0.90 (averaged probabilities) or 1.08 to 1.08 (averaged logits) times its loss" in line
    assert f"{(T[:-1, 2] / T[1:, 0]).min():.2f} to {(T[:-1, 2] / T[1:, 0]).max():.2f} times its E[t]" in line
    assert ("of the 3 ensembles that took as long as some better single network or longer, but no longer than the "
            "slowest, 3 (averaged probabilities) or 0 (averaged logits) have a lower loss") in line
    alone = cost_findings({"vit": planted}, {"vit": np.array([1.0, 8.0, 64.0, 512.0])}, {"vit": WIDTHS})[0]
    assert "no ensemble took as long as a better single network" in alone
