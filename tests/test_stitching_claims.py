"""The verdicts of chapter 16 follow from scores that are planted."""

import numpy as np
import pytest
from planted_stitches import FAR, IMAGES, LAYERS, NEAR, PLAN, planted, scores

from lib.chapters.stitching_claims import (
    distant_claims,
    identification,
    identification_claims,
    violated_targets,
    within_claims,
)
from lib.stitching.layers import MEASURES, RESIDUAL, TASK_LOSS
from lib.stitching.stitched_pairs import NARROWED, SEEDS, WIDENED


def verdicts(claims):
    names = [claim.name for claim in claims]
    assert len(set(names)) == len(names) and all(name.startswith("16-") for name in names)
    return {claim.name: claim.verdict for claim in claims}


def test_a_source_that_is_better_beyond_chance_violates_a_target():
    one = planted(FAR, NEAR)
    expected = FAR > np.diagonal(FAR)
    np.testing.assert_array_equal(violated_targets(one, TASK_LOSS), expected)
    barely = planted(NEAR + 0.11 * np.eye(LAYERS)[::-1], NEAR)  # one layer away 0.8 becomes 0.91: two images more
    assert violated_targets(barely, TASK_LOSS, False).sum() == 2 and not violated_targets(barely, TASK_LOSS).any()
    assert not violated_targets(one, RESIDUAL).any()


def test_within_a_network_the_number_of_violated_targets_decides():
    found = within_claims(scores(FAR, NEAR), PLAN)
    assert verdicts(found) == {"16-task-loss-prefers-others": "supported", "16-direct-never-prefers-others": "supported",
                               "16-violations-later": "undecided"}
    assert (found[0].estimate, found[1].estimate) == (4, 0)
    assert found[2].estimate == pytest.approx(0) and found[0].networks == 5 and found[0].images == IMAGES
    other = verdicts(within_claims(scores(NEAR, FAR), PLAN))
    assert other == {"16-task-loss-prefers-others": "contradicted", "16-direct-never-prefers-others": "contradicted",
                     "16-violations-later": "undecided"}


def test_violations_that_nobody_could_have_seen_decide_nothing():
    """Layers that err on two of 200 images leave no room for a source that is better beyond chance."""
    found = verdicts(within_claims(scores(NEAR + 0.09, NEAR + 0.09), PLAN))
    assert found["16-task-loss-prefers-others"] == found["16-direct-never-prefers-others"] == "undecided"
    seen = FAR + 0.09  # the layer itself errs on many images in the middle, and others do not
    assert verdicts(within_claims(scores(seen, NEAR), PLAN))["16-task-loss-prefers-others"] == "supported"


@pytest.mark.parametrize("later, verdict", [(True, "supported"), (False, "contradicted")])
def test_violations_of_middle_targets_tell_whether_they_come_from_behind(later, verdict):
    accuracy = np.full((LAYERS, LAYERS), 0.6)
    accuracy[3 if later else 0, 1:3] = 0.9
    found = within_claims(scores(accuracy, NEAR), PLAN)
    assert verdicts(found)["16-violations-later"] == verdict
    assert found[2].estimate == pytest.approx(0.5 if later else -0.5)


def test_the_share_of_identified_targets_decides():
    for kind in (SEEDS, NARROWED, WIDENED):
        suffix = kind.replace(" ", "-")
        for task_loss, direct, verdict in ((FAR, NEAR, "supported"), (NEAR, FAR, "contradicted"),
                                           (NEAR, NEAR, "undecided")):
            found = identification_claims(scores(task_loss, direct), kind, PLAN[kind])
            assert verdicts(found) == {f"16-direct-scores-identify-better-{suffix}": verdict,
                                       f"16-indices-identify-better-{suffix}": verdict}
    assert [claim.networks for claim in found] == [6, 6]


def test_distant_layers_decide_the_rest():
    names = ("task-loss-prefers-distant", "direct-prefers-corresponding", "task-loss-far-from-target",
             "direct-follows-distance")
    found = distant_claims(scores(FAR, NEAR), PLAN)
    assert verdicts(found) == {f"16-{name}": "supported" for name in names}
    assert found[0].estimate == pytest.approx(0.3) and found[1].estimate == pytest.approx(0.3)
    other = verdicts(distant_claims(scores(NEAR, FAR, large=0.5), PLAN))
    assert other == {f"16-{name}": "contradicted" for name in names}


def test_scores_of_noise_rarely_have_a_verdict():
    """All accuracies are equal and residuals are noise: what is said of distances is chance."""
    flat = np.full((LAYERS, LAYERS), 0.5)
    found = [verdicts(distant_claims(scores(flat, flat, draw), PLAN)) for draw in range(60)]
    for name in ("task-loss-prefers-distant", "direct-prefers-corresponding", "direct-follows-distance"):
        assert np.mean([one[f"16-{name}"] == "undecided" for one in found]) > 0.94


def test_identification_has_shares_and_distances():
    found = identification(scores(FAR, NEAR), PLAN[SEEDS])
    assert list(found) == list(MEASURES)
    for name, of in found.items():
        share, apart = (0, 2) if name == TASK_LOSS else (1, 0)
        assert float(of["identified"][0]) == pytest.approx(share) and float(of["distance"][0]) == pytest.approx(apart)
