"""Chapter 16: verdicts, tables and pictures follow from scores that are planted."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from planted_stitches import FAR, IMAGES, LAYERS, NEAR, PLAN, planted, scores

from lib.chapters.stitching import DISTANT_ROWS, WITHIN_ROWS, Stitched, identification_claims, violated
from lib.gates import learnt
from lib.stitching.layers import RESIDUAL, TASK_LOSS
from lib.stitching.stitched_pairs import NARROWED, SEEDS, WIDENED, WITHIN
from lib.verdicts import judged


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


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


@pytest.mark.parametrize("trials", [100, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("better, least, most", [(0.0, 0, 0.025), (0.15, 0.9, 1)])
def test_violations_are_claimed_as_often_as_the_rule_promises(trials, better, least, most):
    """Eight layers that are right as often, or two targets in each network that another source serves better."""
    accuracy = np.full((8, 8), 0.8)
    accuracy[7, :2] += better
    rng = np.random.default_rng(trials)
    found = [judged(WITHIN_ROWS[:1], drawn(accuracy, rng))[0].verdict for _ in range(trials)]
    spread = 3 * np.sqrt(0.025 / trials)
    assert least - spread <= np.mean([verdict == "supported" for verdict in found]) <= most + spread


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
