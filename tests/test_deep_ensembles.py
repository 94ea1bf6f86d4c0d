"""Chapter 6: verdicts follow from the measures, planted ones that obey a claim, break it, or leave it open."""

import error_rates
import numpy as np
import pytest

from lib.chapters.compared_ensembles import Compared, cost_table
from lib.chapters.deep_ensembles import GAINS, POOLED, TROUBLED, all_claims, troubled_claims
from lib.ensembles import MEASURES, Ensembles
from lib.ensembles.cosines import law

WIDTHS = (2, 4, 8, 16)
SIZES = (1, 2, 4)
R = 0.2 * np.array(WIDTHS)[:, None] ** 0.4
T = law(R, np.array(SIZES))


def loss_of(t):
    """One curve for all: single networks and ensembles."""
    return 0.5 * np.exp(-3 * t)


def populations(t=T, loss=None, gain=1.2, ece=None, ece_logits=None, spread=1e-4, networks=20):
    """Planted measures [widths, sizes]; without a network each is off by about `spread` / sqrt(networks), relatively.

    `gain`: loss of ensembles that average logits over that of those that average probabilities.
    """
    ones = np.ones_like(t)
    loss = loss_of(t) if loss is None else loss
    sizes = np.array(SIZES)[: t.shape[1]]
    ece = 0.1 * ones / sizes if ece is None else ece
    measures = {
        "t": t,
        "law": law(t[:, :1], sizes),
        "spread": 0 * ones,
        "loss probabilities": loss,
        "loss logits": loss * np.where(sizes > 1, gain, 1),
        "ece probabilities": ece,
        "ece logits": ece if ece_logits is None else ece_logits,
        "accuracy probabilities": 1 - loss,
        "accuracy logits": 1 - loss,
    }
    rng = np.random.default_rng(0)
    shift = np.vstack([np.zeros((1, t.shape[1])), rng.standard_normal((networks, t.shape[1]))]) * spread / networks**0.5
    return [
        Ensembles(
            SIZES[: t.shape[1]],
            {name: values[row] * (1 + rng.choice([-1, 1]) * shift) for name, values in measures.items()},
            networks,
            100,
        )
        for row in range(len(t))
    ]


def claims_of(planted, widths=WIDTHS):
    return {
        claim.name.removeprefix("06-").replace("-vit", ""): claim
        for claim in all_claims({"vit": planted}, {"vit": widths}, {"vit": []})
    }


def verdicts(planted, widths=WIDTHS):
    return {name: claim.verdict for name, claim in claims_of(planted, widths).items()}


def test_ensembles_of_many_small_networks_that_are_as_good_as_large_ones_are_supported():
    found = claims_of(populations(gain=1.05))  # one curve for all, and four of k are closer to mu than one of 2 k
    assert set(found) == {
        "loss-pooled-across-families",
        "ensembles-cosine",
        "ensembles-help",
        "ensembles-help-accuracy",
        "logits-or-probabilities",
        "many-small-cosine",
        "loss-falls",
        "ensemble-law",
        "same-curve",
        "same-curve-averaged-logits",
        "many-small",
        "many-small-averaged-logits",
        "calibration",
    }
    assert {claim.verdict for claim in found.values()} == {"supported"}
    for claim in found.values():
        assert (claim.networks, claim.images) == (80, 100)
        assert claim.rule.endswith("; intervals over networks, images fixed")


def test_ensembles_that_do_the_opposite_are_contradicted():
    """Wider networks lose more, ensembles far more, although members hardly move them towards the mean direction."""
    loss = np.exp(3 * R) * np.array([1, 1.5, 3])
    ece = 0.1 * np.sqrt(SIZES) * np.ones_like(T)
    found = verdicts(populations(R * np.array([1, 1.02, 1.04]), loss, 0.7, ece))
    assert found.pop("ensembles-cosine") == "supported"
    assert set(found.values()) == {"contradicted"} and len(found) == 12


def test_where_all_points_fall_together_the_pooled_rule_holds_and_that_between_widths_need_not():
    """Within each width the loss falls far with m; between widths it rises."""
    loss = np.array(WIDTHS)[:, None] ** 0.1 / np.array(SIZES) ** 2.0
    found = verdicts(populations(loss=loss))
    assert (found["loss-pooled-across-families"], found["loss-falls"]) == ("supported", "contradicted")


@pytest.mark.parametrize("rise, verdict", [(0.1, "supported"), (0.0, "undecided"), (-0.1, "contradicted")])
@pytest.mark.parametrize("networks, gated", [(20, False), (5, True)])
def test_ensembles_on_changed_images_are_judged_by_their_accuracy(rise, verdict, networks, gated):
    (one,) = populations(T[:1], loss=np.array([[0.5, 0.5 - rise / 2, 0.5 - rise]]), networks=networks, spread=0.01)
    found = troubled_claims({"noise": {"vit": one}, "fgsm": {"vit": one}}, {"vit": 2}, {"vit": []})
    assert [claim.name for claim in found] == ["06-noise-vit", "06-fgsm-vit"]
    assert {claim.verdict for claim in found} == {"not tested" if gated else verdict}
    assert found[0].estimate == pytest.approx(rise) and "of 4 networks of k = 2" in found[0].statistic


def test_what_varies_too_much_is_undecided():
    assert set(verdicts(populations(spread=1.5)).values()) == {"undecided"}


@pytest.mark.parametrize("trials", [100, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("slope, expected", [(2.0, "supported"), (0.0, None), (-2.0, "contradicted")])
@pytest.mark.parametrize("beside", [[0, 5, 2, 3.5, 3, 0.5], [3.5, 1.5, 0, 2.5, 3, 4, 2, 0.5, 4.5, 1]], ids=len)
def test_the_pooled_rule_errs_as_seldom_as_it_promises(beside, slope, expected, trials):
    """Six networks of each of six or ten populations; None: the populations' ranks of E[t] and loss do not go together."""
    rng, found = np.random.default_rng(0), []
    t = np.linspace(0.3, 0.7, len(beside))[:, None]
    for _ in range(trials):
        loss = 0.05 * np.array(beside)[:, None] - slope * t
        both = zip(t + rng.normal(0, 0.1, (len(t), 6)), loss + rng.normal(0, 0.1, (len(t), 6)))
        planted = [_of_networks({"t": a[:, None], "loss probabilities": b[:, None]}) for a, b in both]
        found.append(POOLED.rule.judge(POOLED.of(Compared(planted)).bounded(*POOLED.bounds)).verdict)
    error_rates.check(found, expected, 0.5)


@pytest.mark.parametrize("trials", [100, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "gains, expected",
    [([0.3, 0.3, 0.3], "supported"), ([0, 0, 0], None), ([0.3, 0, 0.3], None), ([0.3, -0.3, 0.3], "contradicted")],
)
@pytest.mark.parametrize("row", GAINS, ids=lambda row: row.name)
def test_what_ensembles_gain_is_judged_wrongly_as_seldom_as_the_rules_promise(row, gains, expected, trials):
    rng = np.random.default_rng(0)
    found = [
        row.rule.judge(row.of(one), row.places(one)).verdict for one in (gaining(rng, gains) for _ in range(trials))
    ]
    error_rates.check(found, expected, 0.9)


@pytest.mark.parametrize("trials", [100, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("gain, expected", [(0.3, "supported"), (0, None), (-0.3, "contradicted")])
def test_ensembles_on_changed_images_are_judged_wrongly_as_seldom_as_the_rule_promises(gain, expected, trials):
    rng = np.random.default_rng(0)
    found = [TROUBLED.rule.judge(TROUBLED.of(gaining(rng, [gain]))).verdict for _ in range(trials)]
    error_rates.check(found, expected, 0.9)


def gaining(rng, gains):
    """Six networks of each width; what an ensemble gains over its members scatters by 0.1 from network to network."""
    gained = np.array(gains)[:, None] + rng.normal(0, 0.1, (len(gains), 6))
    better, worse = (np.stack([0 * gained, sign * gained], axis=2) for sign in (1, -1))
    names = dict.fromkeys(("t", "accuracy probabilities"), better) | dict.fromkeys(
        ("loss probabilities", "ece probabilities"), worse
    )
    widths = range(len(gains))
    return Compared([_of_networks({name: of[k] for name, of in names.items()}) for k in widths], widths)


def _of_networks(measures):
    """Measures [networks, sizes] as means over networks, and without each network in turn."""
    values = {name: np.vstack([of.mean(0), (of.sum(0) - of) / (len(of) - 1)]) for name, of in measures.items()}
    networks, sizes = next(iter(measures.values())).shape
    return Ensembles((1, 2)[:sizes], dict.fromkeys(MEASURES, np.ones((networks + 1, sizes))) | values, networks, 50)


@pytest.mark.parametrize("factor, verdict", [(1, "supported"), (1.5, "contradicted"), (0.7, "contradicted")])
def test_a_loss_beside_the_curve_of_single_networks_is_noticed(factor, verdict):
    loss = loss_of(T) * np.where(np.array(SIZES) > 1, factor, 1)
    found = verdicts(populations(loss=loss, gain=1 / factor))
    assert found["same-curve"] == verdict and found["same-curve-averaged-logits"] == "supported"


@pytest.mark.parametrize(
    "factor, verdict", [(1.2, "supported"), (0.85, "supported"), (1.3, "contradicted"), (0.75, "contradicted")]
)
def test_a_quarter_more_and_a_fifth_less_is_the_same_curve(factor, verdict):
    loss = loss_of(T) * np.where(np.array(SIZES) > 1, factor, 1)
    assert verdicts(populations(loss=loss))["same-curve"] == verdict


@pytest.mark.parametrize(
    "factor, verdict", [(1.03, "supported"), (0.97, "supported"), (1.07, "contradicted"), (0.93, "contradicted")]
)
def test_a_twentieth_is_the_same_law(factor, verdict):
    t = 0.9 * T * np.where(np.array(SIZES) > 1, factor, 1)
    planted = populations(t)
    for population, row in zip(planted, 0.9 * T):
        population.values["law"][:] = row
    assert verdicts(planted)["ensemble-law"] == verdict


def test_one_number_of_members_at_which_the_loss_rises_is_enough():
    loss = loss_of(T)
    loss[:, 2] = loss_of(-T[:, 2])
    claim = claims_of(populations(loss=loss))["loss-falls"]
    assert claim.verdict == "contradicted" and ": m = 4, the one of 3" in claim.statistic
    assert claim.estimate == pytest.approx(-3)  # exp(3 t)


def test_all_families_are_one_plot_whatever_their_sizes():
    families = {"vit": populations(), "mlp": populations(T[:, :2], loss_of(T[:, :2]), networks=6)}
    gates = {"vit": [], "mlp": []}
    claims = {claim.name: claim for claim in all_claims(families, dict.fromkeys(families, WIDTHS), gates)}
    across = claims["06-loss-falls-across-families"]
    assert (across.verdict, across.networks) == ("supported", 4 * 20 + 4 * 6)
    assert across.estimate == pytest.approx(3) and "the one of 2 " in across.statistic
    assert ": vit, " in claims["06-many-small-cosine"].statistic  # mlp has no ensembles of four
    assert "06-many-small-mlp" not in claims and "the one of 2 " in claims["06-logits-or-probabilities"].statistic


def test_the_average_that_all_families_lose_less_with_is_asked_of_each():
    families = {"vit": populations(gain=1.3), "mlp": populations(gain=0.8)}
    claim = all_claims(families, dict.fromkeys(families, WIDTHS), dict.fromkeys(families, ()))[2]
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
    assert not {name for name in verdicts(populations(t), (2, 4)) if "same-curve" in name}


def test_what_cannot_be_told_is_undecided():
    t = T.copy()
    t[0] = np.nan  # a width without a mean direction
    named = verdicts(populations(t, loss=loss_of(T)))
    assert named["loss-falls"] == named["ensemble-law"] == named["many-small-cosine"] == "undecided"
    assert named["many-small"] == "supported"


def test_parameters_of_ensembles_stand_beside_those_of_the_one_network():
    """Four of 2, 4 and 8 with 100, 380 and 1600 parameters beside one of 4, 8 and 16 with 380, 1600 and 6400."""
    price, seconds = {"vit": np.array([100, 380, 1600, 6400])}, {"vit": np.ones(4)}
    row = cost_table({"vit": populations()}, price, seconds, {"vit": WIDTHS}).loc["vit"]
    np.testing.assert_allclose(row.iloc[:2].astype(float), [4 * 380 / 1600, 400 / 380])
    row = cost_table({"vit": populations()}, price, seconds, {"vit": (2, 5, 9, 20)}).loc["vit"]
    assert row.iloc[:2].isna().all()


def test_cost_is_counted_against_better_networks_that_took_no_longer():
    """Four of each width take as long as one of the next, and twice as long as the one before."""
    loss = np.array([8.0, 4.0, 2.0, 1.0])[:, None] * np.array([1, 0.8, 0.45])
    planted, price = {"vit": populations(loss=loss, gain=1.2)}, {"vit": np.ones(4)}
    row = cost_table(planted, price, {"vit": np.array([1.0, 4.0, 16.0, 64.0])}, {"vit": WIDTHS}).loc["vit"]
    assert list(row.iloc[2:]) == [3, 3, 0]  # of averaged probabilities, of averaged logits
    alone = cost_table(planted, price, {"vit": np.array([1.0, 8.0, 64.0, 512.0])}, {"vit": WIDTHS}).loc["vit"]
    assert alone.iloc[2] == 0
