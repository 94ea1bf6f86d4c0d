"""The verdicts of chapter 7 follow from the matrices: planted ones that obey a claim, break it, or do not tell."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.attacks import MAIN_SUMMARY, SUMMARIES
from lib.chapters import attack_figures
from lib.chapters.attack_claims import (
    MEAN,
    across_claims,
    across_findings,
    attack_claims,
    attack_findings,
    changed_verdicts,
    eps_findings,
    fall_a_doubling,
    lead_across,
    lead_over_largest,
    lead_over_own_width,
    lead_over_random,
    length_findings,
    other_families,
    source_falls,
    source_less_target_spread,
    source_means,
    summary_findings,
    tail_findings,
    verdicts_by,
)
from lib.statistics.sample import Sample

WIDTHS = 2, 4, 8
SQUARE = np.array([[0.9, 0.91, 0.92], [0.8, 0.81, 0.82], [0.7, 0.71, 0.72]])  # rows: sources
AS_THE_PAPER = np.vstack([SQUARE, [0.6, 0.61, 0.62], [0.98, 0.99, 1.0]])  # then the mean direction and random signs


def outcome(values, spread=0.0005):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((1000, *values.shape))
    without = np.tile(values, (6, 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (6,), 256)


def judged(found):
    return attack_claims("vit", found, WIDTHS, 18, 40)


def verdicts(values, spread=0.0005):
    return {claim.name.removeprefix("07-").removesuffix("-vit"): claim.verdict
            for claim in judged(outcome(values, spread))}


def test_measures_are_those_of_their_names():
    np.testing.assert_allclose(source_falls(AS_THE_PAPER), [0.1, 0.1])
    assert source_less_target_spread(AS_THE_PAPER) == pytest.approx(0.09 * np.sqrt(2 / 3))
    np.testing.assert_allclose(lead_over_largest(AS_THE_PAPER), [0.1, 0.1, 0.1])
    np.testing.assert_allclose(lead_over_own_width(AS_THE_PAPER), [0.3, 0.2])  # the third is the largest width itself
    np.testing.assert_allclose(lead_over_random(AS_THE_PAPER), [0.08, 0.18, 0.28])
    many = np.stack([AS_THE_PAPER, AS_THE_PAPER + 1])
    for measure in (lambda alpha: fall_a_doubling(source_means(alpha), WIDTHS), source_falls, source_less_target_spread,
                    lead_over_largest, lead_over_own_width, lead_over_random):
        np.testing.assert_allclose(measure(many), np.stack([measure(AS_THE_PAPER)] * 2))


def test_the_fall_is_the_slope_of_a_line_and_every_width_matters():
    """numpy's least squares, for averages over targets that are no maxima, on widths that are no powers of two."""
    rng, widths = np.random.default_rng(0), np.array([2, 3, 8, 32])
    values = rng.uniform(0.6, 1, (5, 6, 4))
    for alpha in values:
        slope, _ = np.polyfit(np.log2(widths), alpha[:4].mean(-1), 1)
        assert fall_a_doubling(source_means(alpha), widths) == pytest.approx(-slope)
    np.testing.assert_allclose(fall_a_doubling(source_means(values), widths), [fall_a_doubling(source_means(alpha), widths) for alpha in values])
    bent = values[0].copy()
    bent[1] += 0.1
    assert fall_a_doubling(source_means(bent), widths) != pytest.approx(fall_a_doubling(source_means(values[0]), widths))
    (claim,) = (claim for claim in judged(outcome(AS_THE_PAPER)) if claim.name == "07-wide-sources-vit")
    assert claim.estimate == pytest.approx(0.1) and "doubling" in claim.statistic


def test_what_the_paper_says_is_supported_and_its_opposite_contradicted():
    assert set(verdicts(AS_THE_PAPER).values()) == {"supported"}
    turned = np.vstack([SQUARE.T, [1.1, 1.1, 1.1], [0.5, 0.5, 0.5]])  # the target's width rules, the mean is weak
    turned[:3] += 0.05 * np.arange(3)[:, None]  # and wide sources are the weaker ones
    assert set(verdicts(turned).values()) == {"contradicted"}


def test_nothing_is_decided_where_the_noise_is_large():
    assert set(verdicts(AS_THE_PAPER, 0.5).values()) == {"undecided"}


def test_one_target_that_is_not_sure_leaves_every_target_undecided():
    values = AS_THE_PAPER.copy()
    values[MEAN, 1] = values[2, 1]
    found = {claim.name: claim for claim in judged(outcome(values))}
    claim = found["07-mean-direction-best-vit"]
    assert claim.verdict == "undecided" and "target k = 4, the one of 3" in claim.statistic
    assert (claim.networks, claim.images) == (40, 256) and claim.estimate == pytest.approx(0, abs=1e-9)
    assert all("samples: 6 groups of networks" in claim.rule for claim in found.values())
    assert {name: claim.networks for name, claim in found.items() if claim.networks != 18} == {
        "07-mean-direction-best-vit": 40, "07-mean-direction-own-width-vit": 40}
    assert found["07-mean-direction-own-width-vit"].verdict == "supported"
    assert "target k = 4, the one of 2 with" in found["07-mean-direction-own-width-vit"].statistic
    values[MEAN, 1] += 0.05
    assert verdicts(values)["mean-direction-best"] == "contradicted"


def test_one_step_back_is_seen_at_every_step_only():
    values = AS_THE_PAPER.copy()
    values[1] = values[0] + 0.02
    found = verdicts(values)
    assert found["wide-sources"] == "supported" and found["wide-sources-every-step"] == "contradicted"


ACROSS = np.array([[0.5, 0.8, 0.8], [0.8, 0.5, 0.8], [0.8, 0.8, 0.5], [1.0, 0.95, 0.9]])


def test_families_are_compared_with_other_families_only():
    sources, targets = other_families(3)
    assert list(zip(sources, targets)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    np.testing.assert_allclose(lead_across(ACROSS), [0.15, 0.1, 0.2, 0.1, 0.2, 0.15])
    def across(values, spread=0.0005):
        (claim,) = across_claims("abc", outcome(values, spread), 12)
        return claim

    assert across(ACROSS).verdict == "supported" and "samples: 6 groups" in across(ACROSS).rule
    assert across_claims("a", outcome(ACROSS[2:, :1]), 12) == []
    own = ACROSS.copy()
    own[np.diag_indices(3)] = 2  # no attack between families: it must not matter
    assert across(own).verdict == "supported"
    own[2, 0] = 1.1
    claim = across(own)
    assert claim.verdict == "contradicted" and ": c against a, the one of 6" in claim.statistic
    assert across(ACROSS, 0.2).verdict == "undecided"


def test_verdicts_are_compared_between_summaries():
    outcomes = {summary: outcome(AS_THE_PAPER) for summary in SUMMARIES}
    table = verdicts_by(judged, outcomes)
    assert len(table) == 6 and all(list(row) == list(SUMMARIES) for row in table.values())
    assert changed_verdicts(table, MAIN_SUMMARY) == {}
    flat = AS_THE_PAPER.copy()
    flat[MEAN] = flat[0] + 0.01
    outcomes["median ratio"] = outcome(flat)
    table = verdicts_by(judged, outcomes)
    assert changed_verdicts(table, MAIN_SUMMARY) == {"07-mean-direction-best-vit": ["median ratio"],
                                                     "07-mean-direction-own-width-vit": ["median ratio"]}
    assert table["07-mean-direction-best-vit"][MAIN_SUMMARY] == "supported"
    first, second = summary_findings(table)
    assert "4 of 6 verdicts are the same under all 4 summaries;" in first and "under another: 07-mean-direction-best-vit, " in first
    assert "07-mean-direction-best-vit (median ratio); 07-mean-direction-own-width-vit (median ratio)." in second
    (same,) = summary_findings({"a": dict.fromkeys(SUMMARIES, "supported")})
    (more,) = summary_findings({"a": dict.fromkeys([*SUMMARIES, "mean of ratios, at most 1"], "supported")})
    assert "under all 5 summaries;" in more
    assert "1 of 1 verdicts" in same and same.endswith("under another: none.")


def test_verdicts_are_compared_between_steps():
    table = {"a": {0.05: "contradicted", 0.25: "supported"}, "b": {0.05: "undecided", 0.25: "undecided"}}
    first, second = eps_findings(table, 0.25)
    assert "are those of eps = 0.25; the paper's program takes 0.05." in first
    assert "At eps = 0.05, the step of the paper,** 1 of 2 verdicts are the same; others: a (contradicted, not " \
           "supported)." in second
    only, other = eps_findings(table, 0.05)
    assert only.endswith("are those of eps = 0.05, the paper's.") and "At eps = 0.25**" in other
    (alone,) = eps_findings({"a": {0.3: "supported"}}, 0.3)
    assert alone.endswith("takes 0.05.")


def test_accuracy_that_targets_never_had_is_no_width_that_matters():
    """Targets of 60, 70 and 80 % lose equally much: the target's width does not matter, the source's does."""
    clean, lost = np.array([0.6, 0.7, 0.8]), np.array([0.1, 0.2, 0.3])
    change = np.vstack([np.repeat(-lost[:, None], 3, axis=1), [[-0.4] * 3, [0] * 3]])
    assert source_less_target_spread(change) > 0.08 and source_less_target_spread(change + clean) < 0.01


def test_the_answers_in_words_carry_the_numbers():
    (line,) = attack_findings({"vit": outcome(AS_THE_PAPER)}, {"vit": WIDTHS})
    for part in ("from 0.91 (source k = 2) to 0.71 (k = 8)", "between 0.80 and 0.82", "0.71 for the largest width",
                 "0.81 for the target's own width", "0.61 for the mean direction", "0.99 for random signs",
                 "leads the largest by 0.100 [0.099, 0.101]"):
        assert part in line
    (line,) = across_findings("abc", outcome(ACROSS))
    assert "0.50 within a family, 0.80 between families and 0.95 for random signs" in line
    assert across_findings("a", outcome(ACROSS[:, :1])) == []
    (line,) = length_findings({"vit": {2: 1.5, 8: 1.75, "mean": 1.8, "random": 1.25}}, {"vit": [2, 8]})
    assert "vit 1.50 (k = 2), 1.75 (k = 8), 1.80 (mean direction), 1.25 (random signs), the longest of all widths and " \
           "strategies 1.44 times the shortest. A" in line
    (line,) = tail_findings({"vit": {"share of the sum from the largest 1 %": 0.02},
                             "mlp": {"share of the sum from the largest 1 %": 0.3}})
    assert "have 2.0 % (vit), 30.0 % (mlp) of their sum." in line and "up to 5.5 %; those of mlp have more" in line
    (line,) = tail_findings({"vit": {"share of the sum from the largest 1 %": 0.02}})
    assert line.endswith("none has more here.")


def points(axis):
    """label -> the heights of the points, and label -> the ends of their intervals, as drawn."""
    drawn = {bars.get_label(): bars for bars in axis.containers}
    return ({label: bars.lines[0].get_ydata() for label, bars in drawn.items()},
            {label: np.array([segment[:, 1] for segment in bars.lines[2][0].get_segments()])
             for label, bars in drawn.items()})


RAGGED = AS_THE_PAPER + 0.01 * np.random.default_rng(0).standard_normal(AS_THE_PAPER.shape)
DRAWN = {"largest width": RAGGED[2], "target's own width": np.diagonal(RAGGED), "mean direction": RAGGED[3],
         "random signs": RAGGED[4]}


def test_strategies_are_drawn_from_their_own_rows():
    found = outcome(RAGGED, 0.01)
    heights, ends = points(attack_figures.strategies({"vit": found}, {"vit": WIDTHS}).axes[0])
    assert list(heights) == list(DRAWN) == list(attack_figures.STRATEGIES)
    for name, values in DRAWN.items():
        np.testing.assert_allclose(heights[name], values)
    _, low, high = found.interval()
    np.testing.assert_allclose(ends["mean direction"], np.transpose([low[3], high[3]]))
    by_eps = {eps: outcome(1 - eps * np.arange(1, 5)[:, None] * (1 + eps), 0.001) for eps in (0.1, 0.5)}
    heights, ends = points(attack_figures.over_eps({"vit": by_eps}).axes[0])
    for place, name in enumerate(DRAWN):
        np.testing.assert_allclose(heights[name], (place + 1) * np.array([1.1, 1.5]))
        assert (ends[name][:, 0] < heights[name]).all() and (ends[name][:, 1] > heights[name]).all()


def test_summaries_are_averages_over_targets():
    of_summary = {summary: outcome(RAGGED + 0.1 * place) for place, summary in enumerate(SUMMARIES)}
    for place, axis in enumerate(attack_figures.summaries({"vit": of_summary}, {"vit": WIDTHS}).axes):
        np.testing.assert_allclose(points(axis)[0]["vit"], RAGGED[:3].mean(1) + 0.1 * place)


def test_attacked_images_are_drawn_as_they_are_on_one_scale():
    pictures = dict(zip(("mean direction", "random signs"), np.random.default_rng(0).normal(size=(2, 3, 8, 8))))
    panels = attack_figures.attacked_images(pictures, ["clean", "eps = 0.05", "eps = 0.1"]).axes[:6]
    drawn = np.array([panel.images[0].get_array() for panel in panels]).reshape(2, 3, 8, 8)
    np.testing.assert_array_equal(drawn, list(pictures.values()))
    assert {panel.images[0].get_clim() for panel in panels} == {(drawn.min(), drawn.max())}
    assert [panel.get_title() for panel in panels] == ["clean", "eps = 0.05", "eps = 0.1", "", "", ""]
    assert [panel.get_ylabel() for panel in panels[::3]] == list(pictures)


def test_numbers_at_the_axes_are_whole_and_plain():
    def labels(axis):
        return [label.get_text() for label in axis.get_ticklabels()]

    steps = {"vit": {step: outcome(AS_THE_PAPER[:4, :1]) for step in (0.025, 0.05, 0.5)}}
    figure = attack_figures.over_eps(steps)
    figure.canvas.draw()
    assert labels(figure.axes[0].xaxis) == ["0.025", "0.05", "0.5"]
    near = outcome(1 - 0.05 * AS_THE_PAPER)  # all from 0.95 to 0.97
    figure = attack_figures.strategies({"vit": near}, {"vit": WIDTHS})
    figure.canvas.draw()
    axis = figure.axes[0].yaxis
    np.testing.assert_allclose([float(label) for label in labels(axis)], axis.get_ticklocs(), rtol=1e-6)


def test_panels_of_families_with_different_widths_share_one_axis_of_widths():
    families = dict.fromkeys(["cnn-small", "vit"], outcome(AS_THE_PAPER, 0.01))
    axes = attack_figures.strategies(families, {"cnn-small": WIDTHS, "vit": (4, 8, 16)}).axes
    assert axes[0].get_xlim() == axes[1].get_xlim()
    for axis, widths in zip(axes, (WIDTHS, (4, 8, 16))):
        assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "4", "8", "16"]
        np.testing.assert_allclose(axis.containers[0].lines[0].get_xdata(), widths, rtol=0.07)
    plt.close("all")


def test_figures_show_every_strategy_and_interval_whole():
    high = AS_THE_PAPER.copy()
    high[-1] = 3
    families = {"cnn-small": outcome(AS_THE_PAPER, 0.01), "vit": outcome(high, 0.01)}
    figure = attack_figures.strategies(families, dict.fromkeys(families, WIDTHS))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(attack_figures.STRATEGIES)
    assert figure.axes[0].get_ylim()[1] > 3  # the panels share one scale, and nothing is cut off
    steps = {family: {step: outcome(values[:4, :1]) for step in (0.1, 0.5)}
             for family, values in (("cnn-small", AS_THE_PAPER), ("vit", high + 3))}
    low, top = attack_figures.over_eps(steps).axes[0].get_ylim()
    assert low < (1 - 3.9) / 0.1 and top > (1 - 0.6) / 0.5
    panel = attack_figures.transfer(families, dict.fromkeys(families, WIDTHS)).axes[0]
    estimate, below, above = families["cnn-small"].interval()
    assert [text.get_text().split("\n")[1] for text in panel.texts] == [
        f"±{half:.2f}" for half in ((above - below) / 2)[:3].flat]
    assert panel.images[0].get_clim() == (SQUARE.min(), SQUARE.max())  # colours where the numbers are
    assert [panel.texts[place].get_color() for place in (2, 6)] == ["black", "white"]  # the largest, the smallest
    assert panel.get_xlabel().startswith("target") and panel.get_ylabel().startswith("source")
    assert [text.get_text().split("\n")[0] for text in panel.texts] == [f"{value:.2f}" for value in SQUARE.flat]
    labels = attack_figures.across(outcome(ACROSS), ["a", "b", "c"]).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["a", "b", "c", "random signs"]
    named = attack_figures.summaries({"vit": dict.fromkeys(SUMMARIES, families["vit"])}, {"vit": WIDTHS})
    assert [axis.get_ylabel().rsplit(" (", 1)[0] for axis in named.axes] == list(SUMMARIES)
    plt.close("all")
