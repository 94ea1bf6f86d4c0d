"""Scores against scikit-learn and by hand; planted populations of known order are ranked right, with intervals that hold."""

import itertools

import numpy as np
import pytest
import torch
from error_rates import check
from planted_pairs import symmetric
from scipy.stats import ortho_group, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from lib import data
from lib.chapters import which_measure_figures as drawn
from lib.chapters.which_measure import ROWS, scores_table
from lib.gates import learnt
from lib.statistics.pairs import PairTable, jackknife
from lib.statistics.sample import jackknifed, ranks
from lib.stitching import SIMILARITY_INDICES
from lib.verdicts import judged
from lib.views.similarity_measures import AGREEMENT, CKA_BIASED, MEASURES, RHO
from lib.views.six_tests import (
    CONTROLS,
    DESIGNS,
    DIFFERENCES,
    GROUPS,
    LABELS,
    OUTPUTS,
    Answers,
    _area,
    _precisions,
    conformity,
    layer_conformity,
    mean_precision,
    of_groups,
    shown_to,
    with_differences,
)

SEEDS = 4


def places(design, seeds=SEEDS):
    return np.repeat([CONTROLS.index(control) for control in GROUPS[design]], seeds)


def table(rng, widths, noise, truth=None):
    """Pairs whose `truth`, by default whether they are of one group, each measure sees through so much noise."""
    truth = (widths[:, None] == widths).astype(float) if truth is None else truth
    views = {name: truth + each * symmetric(rng, len(widths), 0.3) for name, each in noise.items()}
    outcomes = {name: truth + 0.3 * symmetric(rng, len(widths), 0.3) for name in DIFFERENCES}
    return PairTable(widths, {}, views, outcomes)


def answered(seed, noise, seeds=SEEDS):
    """All tests of measures that see through so much noise; within groups, what networks do is seen through it too."""
    rng = np.random.default_rng(seed)
    tables = {}
    for design in DESIGNS:
        widths = places(design, seeds)
        own = symmetric(rng, len(widths), 0.3)
        tables[design] = table(rng, widths, noise, (widths[:, None] == widths) + 0.5 * own)
    layers = {
        control: np.clip(
            0.9 - 0.1 * np.array([*noise.values()]) + 0.03 * rng.standard_normal((seeds, len(noise))), 0, 1
        )
        for control in GROUPS[LABELS]
    }
    return Answers(tables, layers, 50)


def test_scores_of_a_group_are_those_of_the_reference_implementation():
    """ReSi's functions on pairs within a group and across, 2026-11-27, commit 24ab9e5: violations 0.175, precision 0.722."""
    rng = np.random.RandomState(7)
    within, across = rng.rand(6) + 0.3, rng.rand(20)
    alike = np.zeros((9, 9))  # of a group of 4 networks and 5 others, of which nobody asks
    alike[np.triu_indices(4, 1)] = within
    alike[:4, 4:] = across.reshape(4, 5)
    one = PairTable(np.repeat([0, 1], (4, 5)), {}, {"m": alike + alike.T}, {})
    members = (one.widths[one.first] == 0).astype(int) + (one.widths[one.second] == 0)
    pairs = members[members > 0] == 2, one.of_pairs(one.views)[:, members > 0]
    assert _area(*pairs)[0] == pytest.approx(1 - 0.175, abs=1e-10)
    assert _precisions(*pairs)[0] == pytest.approx(0.7222222222222222, abs=1e-10)


@pytest.mark.parametrize("digits", [0, 3], ids=["with ties", "without"])
def test_scores_are_those_of_the_curves_of_each_group(digits):
    rng, widths = np.random.default_rng(0), np.repeat([0, 1, 2], 4)
    alike = np.round(symmetric(rng, 12), digits)
    expected = []
    for group in range(3):
        inside, outside = np.flatnonzero(widths == group), np.flatnonzero(widths != group)
        near = [alike[pair] for pair in itertools.combinations(inside, 2)]
        far = [alike[pair] for pair in itertools.product(inside, outside)]
        labels = [1] * len(near) + [0] * len(far)
        expected.append([score(labels, near + far) for score in (roc_auc_score, average_precision_score)])
    one = PairTable(widths, {}, {"m": alike}, {})
    found = conformity(one)[0], mean_precision(one)[0]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-12)


def test_layers_in_order_conform_reversed_ones_do_not_and_equal_ones_half():
    distance = np.abs(np.arange(5)[:, None] - np.arange(5)).astype(float)
    assert [layer_conformity(alike) for alike in (-distance, distance, 0 * distance)] == [1, 0, 0.5]
    swapped = -distance
    swapped[0, 1] = swapped[
        1, 0
    ] = -2.5  # behind the third as seen from the first; the second's other side has one layer
    assert layer_conformity(swapped) == pytest.approx(1 - 1 / 20)


def test_correlations_are_taken_within_groups_and_a_group_in_two_tests_counts_once():
    rng = np.random.default_rng(1)
    first, second = (table(rng, np.repeat(groups, 5), {"m": 1.0}) for groups in ([0, 1], [1, 2]))
    found = with_differences([first, second])
    pairs = np.triu_indices(5, 1)
    parts = [(first, slice(0, 5)), (first, slice(5, 10)), (second, slice(5, 10))]
    by_hand = [
        spearmanr(one.views["m"][kept, kept][pairs], one.outcomes[OUTPUTS][kept, kept][pairs]).statistic
        for one, kept in parts
    ]
    assert found.values[0, 1] == pytest.approx(np.mean(by_hand)) and found.networks == (5, 5, 5)


def test_means_over_groups_are_those_of_networks_left_out_one_by_one():
    values = [np.random.default_rng(seed).standard_normal((4, 2)) for seed in range(3)]
    found, start = of_groups(values), 0
    for place, group in enumerate(values):
        for one in range(4):
            kept = [np.delete(other, one, 0) if other is group else other for other in values]
            np.testing.assert_allclose(found.without[start], np.mean([part.mean(0) for part in kept], axis=0))
            start += 1


def test_planted_measures_are_ranked_in_their_order_in_every_test():
    noise = dict(zip("abcd", (0.1, 0.8, 2.0, 6.0)))
    scores = answered(0, noise, 12).scores()
    for test, sample in scores.samples.items():
        rank, best, worst = ranks(sample)
        assert rank.tolist() == [1, 2, 3, 4], test
        assert (best <= rank).all() and (rank <= worst).all()
        assert test in DIFFERENCES or best[3] > worst[0]
    assert drawn.order(scores).tolist() == [0, 1, 2, 3]
    assert scores_table(scores, {}).shape == (4, len(scores.samples))


def test_a_measure_that_is_not_there_has_no_rank_and_counts_for_none():
    rng = np.random.default_rng(0)
    values = np.array([0.0, np.nan, 1.0]) + 0.01 * rng.standard_normal((20, 3))
    sample = of_groups([values])
    assert [part.tolist()[::2] for part in ranks(sample)] == [[2, 1]] * 3 and np.isnan(ranks(sample)[0][1])


def test_ranks_need_two_numbers():
    with pytest.raises(ValueError, match="ranks need at least 2 numbers, not 1"):
        ranks(jackknifed(np.array([1.0, np.nan]), [np.ones((4, 2))]))


@pytest.mark.parametrize("trials", [60, pytest.param(400, marks=pytest.mark.slow)])
def test_rank_intervals_hold_the_true_rank(trials):
    """Of five measures through noise of known order; the two of one noise share ranks 2 and 3."""
    noise, design = dict(zip("abcde", (0.5, 1.0, 1.0, 2.0, 4.0))), places(LABELS)
    truth, held = np.array([[1, 1], [2, 3], [2, 3], [4, 4], [5, 5]]), []
    for seed in range(trials):
        found = jackknife(table(np.random.default_rng([seed, 19]), design, noise), conformity)
        _, best, worst = ranks(found)
        held.append((best <= truth[:, 1]) & (worst >= truth[:, 0]))
    assert np.mean(held, axis=0).min() > 0.95 - 3 * np.sqrt(0.05 * 0.95 / trials)


@pytest.mark.parametrize(
    "score, trials",
    [(conformity, 60), *(pytest.param(score, 400, marks=pytest.mark.slow) for score in (conformity, mean_precision))],
)
def test_intervals_of_scores_hold_the_truth(score, trials):
    noise, design = {"a": 0.7, "b": 2.0}, places(LABELS)
    draws = [table(np.random.default_rng([seed, 20]), design, noise) for seed in range(max(trials, 300))]
    truth = np.mean([score(one) for one in draws], axis=0)
    held = []
    for one in draws[:trials]:
        _, low, high = jackknife(one, score).interval()
        held.append((low <= truth) & (truth <= high))
    assert np.mean(held, axis=0).min() > 0.93 - 3 * np.sqrt(0.05 * 0.95 / trials)


@pytest.mark.parametrize("through", ["rotations", "invertible maps"])
def test_groups_that_share_a_representation_up_to_a_map_are_told_apart_by_what_does_not_feel_it(through):
    """Networks of a group have one representation through maps of their own: CKA sees through rotations, CCA through all."""
    rng = np.random.default_rng(3)
    widths, samples = np.repeat([0, 1, 2], 4), []
    for group in range(3):
        base = rng.standard_normal((60, 5))
        for _ in range(4):
            linear = (
                ortho_group.rvs(5, random_state=rng)
                if through == "rotations"
                else np.diag(10 ** rng.uniform(-2, 2, 5)) @ ortho_group.rvs(5, random_state=rng)
            )
            samples.append(torch.from_numpy(base @ linear + 1e-4 * rng.standard_normal((60, 5))))
    found = {}
    for name, index in (("CKA", "CKA"), ("CCA", "mean CCA")):
        alike = np.full((12, 12), np.nan)
        for i, j in itertools.combinations(range(12), 2):
            alike[i, j] = alike[j, i] = SIMILARITY_INDICES[index].likeness(samples[i], samples[j])
        found[name] = conformity(PairTable(widths, {}, {"m": alike}, {}))[0]
    assert found["CCA"] > 0.99 and (found["CKA"] > 0.99) == (through == "rotations")


def verdicts(noise, seeds):
    """Verdicts of all rows on planted populations: name -> one a seed."""
    found = {}
    for seed in seeds:
        for claim in judged(ROWS, answered(seed, noise, 8).scores(), [learnt([0.9], 10)]):
            found.setdefault(claim.name.removeprefix("19-"), []).append(claim.verdict)
    return found


def planted(rho=1.0, **others):
    """Noise of every measure, all alike but those named."""
    return {name: others.get(name, 1.0) for name in MEASURES} | {RHO: rho}


@pytest.mark.parametrize("trials", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_rules_err_no_more_often_than_they_may(trials):
    """Measures that are all alike: no lead is there.  Then gradients that see more, and such that see less."""
    equal, better, worse = (verdicts(planted(noise), range(trials)) for noise in (1.0, 0.05, 8.0))
    leads = "gradients-beat-predictions", "gradients-beat-representations"
    for name in leads:
        check(equal[name], None, 0)
        check(better[name], "supported", 0.5)
        check(worse[name], "contradicted", 0.5)
    check(equal["no-best"], None, 0)
    check(worse["direct-beats-task-loss"], None, 0)
    check(better["outputs"], "supported", 0.5)
    check(better["layers"], "supported", 0.5)


def test_no_measure_is_best_where_each_of_three_leads_in_one_test_and_one_may_be_that_leads_in_all():
    led = {
        design: answered(1, planted() | dict.fromkeys(MEASURES, 6.0) | {good: 0.1}, 8).tables[design]
        for design, good in zip(DESIGNS, (RHO, AGREEMENT, CKA_BIASED))
    }
    one_leads, nobody = answered(1, planted() | dict.fromkeys(MEASURES, 6.0) | {RHO: 0.1}, 8), answered(1, planted(), 8)
    for answers, verdict in ((Answers(led, nobody.layers, 50), "supported"), (one_leads, "undecided")):
        claims = {claim.name: claim.verdict for claim in judged(ROWS, answers.scores())}
        assert claims["19-no-best"] == verdict


def test_networks_of_the_shortcut_test_see_patches_that_tell_nothing():
    images = data.load("digits", n_train=100, n_test=60)
    plain, patched = (shown_to(control, images) for control in ("labels-25", "shortcut-100"))
    assert plain is images.test_images and (patched == shown_to("shortcut-0", images)).all()
    changed = (plain != patched)[:, 0]
    assert changed[:, 0, 0].float().mean() > 0.5 and changed.sum() == changed[:, 0, 0].sum()
    values = patched[:, 0, 0, 0].numpy()
    assert abs(np.corrcoef(values, images.test_labels.numpy())[0, 1]) < 0.4
