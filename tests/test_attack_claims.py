"""The verdicts of chapter 7 follow from the matrices: planted ones that obey a claim, break it, or do not tell."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib import attack_figures
from lib.attack_claims import (MEAN, across_claim, across_findings, attack_claims, attack_findings, changed_verdicts,
                               lead_across, lead_over_largest, lead_over_own_width, lead_over_random, other_families,
                               source_falls, source_less_target_spread, summary_findings, verdicts_by_summary)
from lib.attacks import MAIN_SUMMARY, SUMMARIES
from lib.bootstrap import SimilarityMatrix

WIDTHS = 2, 4, 8
SQUARE = np.array([[0.9, 0.91, 0.92], [0.8, 0.81, 0.82], [0.7, 0.71, 0.72]])  # rows: sources
AS_THE_PAPER = np.vstack([SQUARE, [0.6, 0.61, 0.62], [0.98, 0.99, 1.0]])  # then the mean direction and random signs


def outcome(values, spread=0.0005):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((1000, *values.shape))
    without = np.tile(values, (6, 1, 1))
    return SimilarityMatrix(values, without, values + spread * noise, without[None], (6,), 256)


def verdicts(values, spread=0.0005):
    return {claim.name.removeprefix("07-").removesuffix("-vit"): claim.verdict
            for claim in attack_claims("vit", outcome(values, spread), WIDTHS, 18)}


def test_measures_are_those_of_their_names():
    np.testing.assert_allclose(source_falls(AS_THE_PAPER), [0.1, 0.1])
    assert source_less_target_spread(AS_THE_PAPER) == pytest.approx(0.09 * np.sqrt(2 / 3))
    np.testing.assert_allclose(lead_over_largest(AS_THE_PAPER), [0.1, 0.1, 0.1])
    np.testing.assert_allclose(lead_over_own_width(AS_THE_PAPER), [0.3, 0.2, 0.1])
    np.testing.assert_allclose(lead_over_random(AS_THE_PAPER), [0.08, 0.18, 0.28])
    many = np.stack([AS_THE_PAPER, AS_THE_PAPER + 1])
    for measure in (source_falls, source_less_target_spread, lead_over_largest, lead_over_own_width, lead_over_random):
        np.testing.assert_allclose(measure(many), np.stack([measure(AS_THE_PAPER)] * 2))


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
    found = {claim.name: claim for claim in attack_claims("vit", outcome(values), WIDTHS, 18)}
    claim = found["07-mean-direction-best-vit"]
    assert claim.verdict == "undecided" and "target k = 4, the one of 3" in claim.statistic
    assert (claim.networks, claim.images) == (18, 256) and claim.estimate == pytest.approx(0, abs=1e-9)
    assert found["07-mean-direction-own-width-vit"].verdict == "supported"
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
    assert across_claim("abc", outcome(ACROSS), 12).verdict == "supported"
    own = ACROSS.copy()
    own[np.diag_indices(3)] = 2  # no attack between families: it must not matter
    assert across_claim("abc", outcome(own), 12).verdict == "supported"
    own[2, 0] = 1.1
    claim = across_claim("abc", outcome(own), 12)
    assert claim.verdict == "contradicted" and ": c against a, the one of 6" in claim.statistic
    assert across_claim("abc", outcome(ACROSS, 0.2), 12).verdict == "undecided"


def test_verdicts_are_compared_between_summaries():
    outcomes = {summary: outcome(AS_THE_PAPER) for summary in SUMMARIES}
    table = verdicts_by_summary(lambda found: attack_claims("vit", found, WIDTHS, 18), outcomes)
    assert len(table) == 6 and all(list(row) == list(SUMMARIES) for row in table.values())
    assert changed_verdicts(table) == {}
    flat = AS_THE_PAPER.copy()
    flat[MEAN] = flat[2] + 0.01
    outcomes["median ratio"] = outcome(flat)
    table = verdicts_by_summary(lambda found: attack_claims("vit", found, WIDTHS, 18), outcomes)
    assert changed_verdicts(table) == {"07-mean-direction-best-vit": ["median ratio"],
                                       "07-mean-direction-own-width-vit": ["median ratio"]}
    assert table["07-mean-direction-best-vit"][MAIN_SUMMARY] == "supported"
    first, second = summary_findings(table)
    assert "4 of 6 verdicts are the same" in first and "under another: 07-mean-direction-best-vit, " in first
    assert "07-mean-direction-best-vit (median ratio); 07-mean-direction-own-width-vit (median ratio)." in second
    (same,) = summary_findings({"a": dict.fromkeys(SUMMARIES, "supported")})
    assert "1 of 1 verdicts" in same and same.endswith("under another: none.")


def test_the_answers_in_words_carry_the_numbers():
    (line,) = attack_findings({"vit": outcome(AS_THE_PAPER)}, WIDTHS)
    for part in ("from 0.91 (source k = 2) to 0.71 (k = 8)", "between 0.80 and 0.82", "0.71 for the largest width",
                 "0.81 for the target's own width", "0.61 for the mean direction", "0.99 for random signs",
                 "leads the largest by 0.100 [0.099, 0.101]"):
        assert part in line
    (line,) = across_findings("abc", outcome(ACROSS))
    assert "0.50 within a family, 0.80 between families and 0.95 for random signs" in line
    assert across_findings("a", outcome(ACROSS[:, :1])) == []


def test_figures_show_every_strategy_and_interval_whole():
    high = AS_THE_PAPER.copy()
    high[-1] = 3
    families = {"cnn-small": outcome(AS_THE_PAPER, 0.01), "vit": outcome(high, 0.01)}
    figure = attack_figures.strategies(families, WIDTHS)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(attack_figures.STRATEGIES)
    assert figure.axes[0].get_ylim()[1] > 3  # the panels share one scale, and nothing is cut off
    steps = {family: {step: outcome(values[:4, :1]) for step in (0.1, 0.5)}
             for family, values in (("cnn-small", AS_THE_PAPER), ("vit", high + 3))}
    low, top = attack_figures.over_eps(steps).axes[0].get_ylim()
    assert low == 0 and top > 3
    panel = attack_figures.transfer(families, WIDTHS).axes[0]
    assert panel.get_xlabel().startswith("target") and panel.get_ylabel().startswith("source")
    assert [text.get_text().split("\n")[0] for text in panel.texts] == [f"{value:.2f}" for value in SQUARE.flat]
    labels = attack_figures.across(outcome(ACROSS), ["a", "b", "c"]).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["a", "b", "c", "random signs"]
    pictures = {"mean": np.zeros((2, 8, 8)), "random": np.ones((2, 8, 8))}
    panels = attack_figures.attacked_images(pictures, ["clean", "eps = 0.1"]).axes
    assert [panel.get_title() for panel in panels[:4]] == ["clean", "eps = 0.1", "", ""]
    named = attack_figures.summaries({"vit": {summary: families["vit"] for summary in SUMMARIES}}, WIDTHS)
    assert [axis.get_ylabel().rsplit(" (", 1)[0] for axis in named.axes] == list(SUMMARIES)
    plt.close("all")
