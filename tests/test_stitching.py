"""Chapter 16: verdicts, tables and pictures follow from scores that are planted."""

from dataclasses import replace

import error_rates
import numpy as np
import pytest
from planted_stitches import FAR, IMAGES, LAYERS, NEAR, PLAN, planted, scores

from lib.chapters import stitching_shown
from lib.chapters.stitching import DISTANT_ROWS, WITHIN_ROWS, Stitched, identification_claims, violated
from lib.chapters.stitching_shown import after_epochs, identification, trained_longer, violations_table
from lib.gates import learnt
from lib.stitching.layers import DIRECT, MEASURES, RESIDUAL, TASK_LOSS
from lib.stitching.stitched_pairs import NARROWED, SEEDS, WIDENED, WITHIN
from lib.verdicts import judged

BEHIND = "behind their target (at random)"


def stitched(kind, task_loss, direct, draw=0, **options):
    return Stitched(scores(task_loss, direct, draw, **options), PLAN[kind])


def verdicts(claims):
    names = [claim.name for claim in claims]
    assert len(set(names)) == len(names) and all(name.startswith("16-") for name in names)
    return {claim.name.removeprefix("16-"): claim.verdict for claim in claims}


def within_claims(task_loss, direct=NEAR):
    return judged(WITHIN_ROWS, stitched(WITHIN, task_loss, direct))


def within(task_loss, direct=NEAR):
    return verdicts(within_claims(task_loss, direct))


def test_a_source_that_is_better_beyond_chance_violates_a_target():
    one = planted(FAR, NEAR)
    np.testing.assert_array_equal(violated(one, TASK_LOSS), FAR > np.diagonal(FAR))
    barely = planted(NEAR + 0.11 * np.eye(LAYERS)[::-1], NEAR)  # one layer away 0.8 becomes 0.91: two images more
    assert violated(barely, TASK_LOSS, False).sum() == 2 and not violated(barely, TASK_LOSS).any()
    assert not violated(one, RESIDUAL).any()


def test_within_a_network_the_number_of_violated_targets_decides():
    found = within_claims(FAR, NEAR)
    names = "task-loss-prefers-others", "direct-never-prefers-others", "violations-later"
    assert verdicts(found) == dict(zip(names, ("supported", "supported", "undecided")))
    assert [claim.estimate for claim in found] == pytest.approx([1, 0, 0])
    assert {(claim.networks, claim.images) for claim in found} == {(6, IMAGES)}
    nothing_violated = ("contradicted", "contradicted", "not tested")  # no network has a violation to look at
    assert within(NEAR, FAR) == dict(zip(names, nothing_violated))


def drawn(accuracy, rng):
    """Six networks stitched to themselves, hits of these accuracies [sources, targets] on images of their own choice."""
    hits = {pair: rng.random((*accuracy.shape, 300)) < accuracy[..., None] for pair in PLAN[WITHIN]}
    return Stitched(
        {pair: replace(planted(NEAR, NEAR), task_loss_hits=one) for pair, one in hits.items()}, PLAN[WITHIN]
    )


@pytest.mark.parametrize("trials", [40, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("better, least, most", [(0.0, 0, 0.025), (0.15, 0.9, 1)])
def test_violations_are_claimed_as_often_as_the_rule_promises(trials, better, least, most):
    """Eight layers that are right as often, or two targets in each network that another source serves better."""
    accuracy = np.full((8, 8), 0.8)
    accuracy[7, :2] += better
    rng = np.random.default_rng(trials)
    found = [judged(WITHIN_ROWS[:1], drawn(accuracy, rng))[0].verdict for _ in range(trials)]
    spread = 3 * np.sqrt(0.025 / trials)
    assert least - spread <= np.mean([verdict == "supported" for verdict in found]) <= most + spread


def test_violations_that_nobody_could_have_seen_decide_nothing():
    """Layers that err on two of 200 images leave no room for a source that is better beyond chance."""
    found = within(NEAR + 0.09, NEAR + 0.09)
    assert found["task-loss-prefers-others"] == found["direct-never-prefers-others"] == "undecided"
    seen = FAR + 0.09  # the layer itself errs on many images in the middle, and others do not
    assert within(seen)["task-loss-prefers-others"] == "supported"


@pytest.mark.parametrize("later, verdict", [(True, "supported"), (False, "contradicted")])
def test_violations_of_middle_targets_tell_whether_they_come_from_behind(later, verdict):
    accuracy = np.full((LAYERS, LAYERS), 0.6)
    accuracy[3 if later else 0, 1:3] = 0.9
    assert within(accuracy)["violations-later"] == verdict
    found = within_claims(accuracy)[2]
    assert found.estimate == pytest.approx(0.5 if later else -0.5)


@pytest.mark.parametrize("kind", [SEEDS, NARROWED, WIDENED])
@pytest.mark.parametrize(
    "task_loss, direct, verdict", [(FAR, NEAR, "supported"), (NEAR, FAR, "contradicted"), (NEAR, NEAR, "undecided")]
)
def test_the_share_of_identified_targets_decides(kind, task_loss, direct, verdict):
    found = identification_claims(kind, stitched(kind, task_loss, direct), [learnt([0.9], 10)])
    names = [f"{name}-identify-better-{kind.replace(' ', '-')}" for name in ("direct-scores", "indices")]
    assert verdicts(found) == dict.fromkeys(names, verdict)
    assert [claim.networks for claim in found] == ([6, 6] if kind == SEEDS else [12, 12])
    assert (found[0].level, found[0].source) == (
        ("headline", "Stitching, abstract") if kind == SEEDS else ("detail", "ours")
    )


def distant(task_loss, direct, draw=0, **options):
    return judged(DISTANT_ROWS, stitched(SEEDS, task_loss, direct, draw, **options))


def test_distant_layers_decide_the_rest():
    found = distant(FAR, NEAR)
    assert set(verdicts(found).values()) == {"supported"} and len(found) == 4
    assert [claim.estimate for claim in found[:2]] == pytest.approx([0.3, 0.3])
    assert set(verdicts(distant(NEAR, FAR, large=0.5)).values()) == {"contradicted"}
    poor = judged(DISTANT_ROWS, stitched(SEEDS, FAR, NEAR), [learnt([0.9, 0.4], 10)])
    assert set(verdicts(poor).values()) == {"not tested"} and "0.4, 0.5 or more needed" in poor[0].gate


def test_scores_of_noise_rarely_have_a_verdict():
    """All accuracies are equal and residuals are noise: what is said of distances is chance."""
    flat = np.full((LAYERS, LAYERS), 0.5)
    found = [verdicts(distant(flat, flat, draw)) for draw in range(60)]
    for name in ("task-loss-prefers-distant", "direct-prefers-corresponding", "direct-follows-distance"):
        assert np.mean([one[name] == "undecided" for one in found]) > 0.94


@pytest.mark.parametrize("trials", [60, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("lead, expected", [(0.15, "supported"), (0, None), (-0.15, "contradicted")])
@pytest.mark.parametrize("alike", [True, False], ids=["what a front adds it adds as end", "front and end apart"])
def test_a_distant_layer_is_preferred_as_seldom_as_the_rule_promises(alike, lead, expected, trials):
    """Six networks in a ring; the last source leads the first by `lead` and by what both networks add."""
    rng, found = np.random.default_rng(trials), []
    for _ in range(trials):
        fronts, ends = rng.normal(0, 0.03, (2, 6))
        drawn = {}
        for pair, one in zip(PLAN[SEEDS], lead + fronts + np.roll(fronts if alike else ends, -1)):
            accuracy = np.full((LAYERS, LAYERS), 0.5)
            accuracy[-1, 0] += one
            drawn[pair] = planted(accuracy, NEAR)
        found.append(judged(DISTANT_ROWS[:1], Stitched(drawn, PLAN[SEEDS]))[0].verdict)
    error_rates.check(found, expected, 0.9)


def test_identification_has_shares_and_distances():
    found = identification(stitched(SEEDS, FAR, NEAR))
    assert list(found) == list(MEASURES)
    for name, of in found.items():
        assert (of["identified"][0], of["distance"][0]) == pytest.approx((0, 2) if name == TASK_LOSS else (1, 0))


def test_violations_are_counted_network_by_network():
    table = violations_table(stitched(WITHIN, FAR, NEAR))
    assert table["width, seed"].tolist() == [f"8, {seed}" for seed in range(6)]
    assert set(table[TASK_LOSS]) == {"4 (4)"} and set(table[DIRECT]) == {"0 (0)"} and set(table[RESIDUAL]) == {"0"}
    assert set(table[BEHIND]) == {"0.50 (0.50)"} and set(table["own accuracy"]) == {"0.900"}
    assert set(violations_table(stitched(WITHIN, NEAR, NEAR))[BEHIND]) == {"–"}


def test_longer_training_is_followed_in_violations_and_in_accuracy():
    found = trained_longer(after_epochs(stitched(WITHIN, FAR, NEAR), 30, [3]))
    estimates = {label: [interval[0] for interval in line.values()] for label, line in found.items()}
    assert estimates == {
        "violated": [0, 1],
        "beyond chance": [0, 1],
        "into itself": pytest.approx([0.9, 0.7]),
        "the network": pytest.approx([0.9, 0.9]),
    }
    left, right = stitching_shown.over_epochs(found).axes
    drawn = {bars.get_label(): bars.lines[0].get_ydata().tolist() for bars in (*left.containers, *right.containers)}
    assert drawn == estimates
    assert [label.get_text() for label in right.get_xticklabels()] == ["3", "30"]


def test_distance_is_that_of_the_source_behind_the_target():
    values = stitched(SEEDS, FAR, NEAR).of(lambda one: one.measures[TASK_LOSS])
    values[:, 3, 0] = 0.2  # distance +3 is the last source into the first target
    line = stitching_shown.over_distance({"accuracy": {TASK_LOSS: values}}).axes[0].lines[0]
    assert line.get_xdata().tolist() == list(range(-3, 4))
    np.testing.assert_allclose(line.get_ydata()[[0, 3, 6]], [0.9, np.diagonal(FAR).mean(), 0.2])
