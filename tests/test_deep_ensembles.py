"""Chapter 6: verdicts follow from the measures, planted ones that obey a claim, break it, or leave it open."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.chapters import deep_ensembles_figures as drawn
from lib.chapters.deep_ensembles import POOLED, Compared, all_claims, cost_table, troubled_claims
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
def test_the_pooled_rule_errs_as_seldom_as_it_promises(slope, expected, trials):
    """Six networks of each of six populations; None: the populations' ranks of E[t] and loss do not go together."""
    rng, found = np.random.default_rng(0), []
    t = np.linspace(0.3, 0.7, 6)
    beside = 0.05 * np.array([0, 5, 2, 3.5, 3, 0.5])
    for _ in range(trials):
        means = zip(t, beside - slope * t)
        planted = [_of_networks(a + rng.normal(0, 0.1, 6), b + rng.normal(0, 0.1, 6)) for a, b in means]
        found.append(POOLED.rule.judge(POOLED.of(Compared(planted)).bounded(*POOLED.bounds)).verdict)
    shares = {verdict: found.count(verdict) / trials for verdict in ("supported", "contradicted")}
    slack = 3 * np.sqrt(0.025 * 0.975 / trials)
    wrong = shares if expected is None else {name: share for name, share in shares.items() if name != expected}
    assert max(wrong.values()) <= 0.025 + slack and (expected is None or shares[expected] > 0.5), shares


def _of_networks(t, loss):
    """Ensembles of one network each, with the means without each network in turn."""

    def rows(values):
        return np.concatenate([[values.mean()], (values.sum() - values) / (len(values) - 1)])[:, None]

    values = dict.fromkeys(MEASURES, np.ones((len(t) + 1, 1))) | {"t": rows(t), "loss probabilities": rows(loss)}
    return Ensembles((1,), values, len(t), 50)


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


def test_along_one_width_nothing_counts_however_the_loss_falls():
    """Between widths the loss rises with E[t], although within each it falls steeply with the members."""
    loss = np.array(WIDTHS)[:, None] ** 0.3 / np.array(SIZES) ** 2.0
    claim = claims_of(populations(loss=loss))["loss-falls"]
    assert claim.verdict == "contradicted" and "fall of the log loss per unit of E[t]" in claim.statistic


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
    drawn._loss_axis(axis)
    named = {float(label.get_text()): place for label, place in zip(axis.get_yticklabels(), axis.get_yticks())}
    assert len(named) >= 3 and all(name == pytest.approx(place) for name, place in named.items())
    plt.close("all")
