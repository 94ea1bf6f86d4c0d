"""Chapter 17: verdicts, tables and pictures of planted numbers."""

from dataclasses import replace

import numpy as np
import pytest

from lib.chapters.out_of_distribution import detection_claims, sensitivity_claims, specificity_claims
from lib.chapters.out_of_distribution_shown import checks_table
from lib.gates import learnt
from lib.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED
from lib.statistics.intervals import bounded, mean_interval
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection

JITTER = np.array([-0.01, 0.0, 0.01, 0.004, -0.004, 0.002])  # of six pairs, so that intervals have a width
FLAT = np.linspace(0.1, 0.8, 9).reshape(3, 3)  # residuals, of which two are below 0.2
LEARNT = [learnt([0.9], 10)]


def detection(task_loss, direct, shift=0.0, foreign=1.0):
    """One pair of three layers: AUROC `task_loss` everywhere, `direct` [3, 3]; residuals that rise with the place."""
    areas = {"task loss": np.full((3, 3), task_loss + shift), "direct": np.asarray(direct) + shift}
    both = {"task loss": FLAT, "direct": FLAT}
    return Detection(
        both,
        both,
        dict.fromkeys(DETECTORS, areas),
        dict.fromkeys(DETECTORS, areas),
        dict.fromkeys(DETECTORS, np.full(3, 0.5 + shift)),
        dict.fromkeys(DETECTORS, {kind: np.full(3, foreign) for kind in FOREIGN}),
    )


def detected(task_loss, direct, **options):
    return [detection(task_loss, direct, shift, **options) for shift in JITTER]


def verdicts(found):
    return {claim.name.removeprefix("17-"): claim.verdict for claim in found}


def test_what_the_paper_describes_is_supported():
    found = detection_claims(detected(0.97, 0.5 + FLAT / 4), 20, LEARNT)
    assert set(verdicts(found).values()) == {SUPPORTED} and len(found) == 8
    assert {(claim.networks, claim.images) for claim in found} == {(6, 20)}


def test_the_reverse_is_contradicted_and_what_lies_across_a_line_undecided():
    found = verdicts(detection_claims(detected(0.6, 0.98 - FLAT / 4), 20, LEARNT))
    assert set(found.values()) == {CONTRADICTED}
    assert verdicts(detection_claims(detected(0.75, np.full((3, 3), 0.75)), 20, LEARNT)) == {
        f"{name}-{detector}": UNDECIDED
        for detector in ("mahalanobis", "energy")
        for name in ("task-loss-out", "direct-in", "task-loss-further", "direct-follows-residual")
    }


def test_an_estimate_is_the_mean_over_pairs_with_its_interval():
    found = {claim.name: claim for claim in detection_claims(detected(0.9, 0.5 + FLAT / 4), 20, LEARNT)}
    one = found["17-task-loss-out-energy"]
    expected = bounded(mean_interval(0.9 + JITTER), 0, 1)
    assert (one.estimate, one.low, one.high) == pytest.approx([float(part) for part in expected])
    matched = 0.5 + FLAT[FLAT < 0.2].mean() / 4  # AUROC where the residual, FLAT itself, is small
    assert found["17-direct-in-energy"].estimate == pytest.approx(matched + JITTER.mean())


def test_activations_that_look_too_typical_are_not_strange():
    found = verdicts(detection_claims(detected(0.97, 0.02 + FLAT / 9), 20, LEARNT))
    assert set(found.values()) == {SUPPORTED}


def test_what_cannot_be_judged_is_not_tested():
    """A detector that passes foreign images, networks that have not learnt, layers none of which can be matched."""
    for options, gates in (({"foreign": 0.85}, LEARNT), ({}, [learnt([0.4], 10)])):
        found = verdicts(detection_claims(detected(0.97, 0.5 + FLAT / 4, **options), 20, gates))
        assert set(found.values()) == {NOT_TESTED}
    apart = [replace(one, residual=dict.fromkeys(MATCHINGS, 0.2 + FLAT)) for one in detected(0.97, 0.5 + FLAT / 4)]
    found = verdicts(detection_claims(apart, 20, LEARNT))
    assert found["direct-in-energy"] == NOT_TESTED and found["task-loss-out-energy"] == SUPPORTED


@pytest.mark.parametrize("trials", [60, pytest.param(4000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("area, least, most", [(0.75, 0.0, 0.025), (0.65, 0.95, 1.0), (0.85, 0.0, 0.0)])
def test_activations_count_as_in_distribution_as_often_as_the_rule_promises(trials, area, least, most):
    """Six pairs of networks whose AUROC varies by 0.05 around a planted one."""
    rng = np.random.default_rng(trials)
    claims = (
        detection_claims([detection(0.9, np.full((3, 3), area), shift) for shift in rng.normal(0, 0.05, 6)], 20, LEARNT)
        for _ in range(trials)
    )
    found = np.mean([verdicts(several)["direct-in-energy"] == SUPPORTED for several in claims])
    assert least <= found <= most + 3 * np.sqrt(most * (1 - most) / trials)


def table(**values):
    """index -> six numbers around what is given for it, 0.5 for the others."""
    return {name: values.get(name.replace(" ", "_"), 0.5) + JITTER * (1 + place) for place, name in enumerate(INDICES)}


def test_direct_matching_is_more_specific_where_both_statistics_say_so():
    better, worse = table(direct_residual=0.9, direct_accuracy=0.8), table(direct_residual=0.1, direct_accuracy=0.2)
    found = verdicts(specificity_claims({"distance": better, "identification": worse}, 20, LEARNT))
    assert found == {
        "distance-direct-residual": SUPPORTED,
        "distance-direct-accuracy": SUPPORTED,
        "identification-direct-residual": CONTRADICTED,
        "identification-direct-accuracy": CONTRADICTED,
    }


def test_sensitivity_is_judged_by_itself_and_against_procrustes():
    found = sensitivity_claims(table(direct_residual=0.9, direct_accuracy=0.3), 20, LEARNT)
    assert verdicts(found) == {
        "sensitive-direct-residual": SUPPORTED,
        "more-sensitive-direct-residual": SUPPORTED,
        "sensitive-direct-accuracy": SUPPORTED,
        "more-sensitive-direct-accuracy": CONTRADICTED,
    }
    assert {claim.networks for claim in found} == {6}


def test_names_are_distinct():
    found = detected(0.9, FLAT)
    every = [
        *detection_claims(found, 20, LEARNT),
        *sensitivity_claims(table(), 20, LEARNT),
        *specificity_claims({"distance": table(), "identification": table()}, 20, LEARNT),
    ]
    assert len({claim.name for claim in every}) == len({claim.statement for claim in every}) == len(every) == 16


def test_the_paper_s_detector_has_the_headlines():
    found = detection_claims(detected(0.97, FLAT), 20, LEARNT)
    headlines = {claim.name for claim in found if claim.level == "headline"}
    assert headlines == {"17-task-loss-out-energy", "17-direct-in-energy"}
    assert {claim.source for claim in found if "mahalanobis" in claim.name} == {"ours"}


def test_checks_hold_what_a_detector_makes_of_foreign_images():
    table = checks_table(detected(0.9, FLAT, foreign=0.8))
    assert list(table.index) == list(DETECTORS) and set(table["negatives"]) == {"0.80 [0.80, 0.80]"}
