"""The numbers of the chapters, as kept in the project and as the latest `make book` found them on this machine.

Bounds are wide enough for another processor, whose networks differ in rounding, and far too narrow for another trend.
"""

import json
from pathlib import Path

import numpy as np
import pytest

RESULTS = Path(__file__).resolve().parents[1] / "results"
FAMILIES = ("cnn-small", "cnn-large", "resnet-small", "resnet-large")


@pytest.fixture(params=["digits", "book"])
def read(request):
    if not (RESULTS / request.param).exists():
        pytest.skip("needs the results of this machine; goes away after `make book`")
    return lambda chapter: json.loads((RESULTS / request.param / f"{chapter}.json").read_text())


def verdicts(chapter):
    return {claim["name"]: claim["verdict"] for claim in chapter["claims"]}


def test_the_analytic_chapter_finds_no_claim_contradicted(read):
    assert "contradicted" not in verdicts(read("01_introduction")).values()


def test_wider_networks_classify_better_and_all_of_them_well(read):
    chapter = read("02_populations")
    assert set(verdicts(chapter).values()) == {"supported"}
    for family in FAMILIES:
        accuracy = [np.mean(row) for row in chapter["numbers"]["test_accuracy"][family]]
        assert accuracy[0] > 0.75 and accuracy[-1] > 0.96


def test_similarity_rises_as_it_did_in_the_trial_that_came_before_the_book(read):
    """design.md: 0.15 at k = 2 and 0.63 at k = 32 for cnn-small on native 8x8 gradients."""
    values = np.array(read("03_individual_similarity")["numbers"]["expected"]["cnn-small"]["estimate"])
    assert abs(values[0, 0] - 0.15) < 0.04 and abs(values[-1, -1] - 0.63) < 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_the_similarity_matrix_is_one_and_lies_within_its_intervals(read, family):
    estimate, low, high = (np.array(read("03_individual_similarity")["numbers"]["expected"][family][part])
                           for part in ("estimate", "low", "high"))
    np.testing.assert_allclose(estimate, estimate.T)
    assert (low < estimate).all() and (estimate < high).all() and (estimate < 1).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_similarity_grows_with_width_in_every_family(read, family):
    found = verdicts(read("03_individual_similarity"))
    assert {found[f"03-{claim}-{family}"] for claim in ("growth", "range", "above-chance")} == {"supported"}
    assert found[f"03-every-step-{family}"] != "contradicted"
