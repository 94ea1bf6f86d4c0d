"""The tables and words of chapter 16 have the numbers of scores that are planted."""

import numpy as np
import pytest
from planted_stitches import FAR, NEAR, PLAN, scores

from lib.chapters.stitching_findings import (
    distance_table,
    distant_table,
    findings,
    identification_table,
    tied_targets,
    trained_longer,
    violations_table,
)
from lib.stitching.layers import DIRECT, MEASURES, TASK_LOSS
from lib.stitching.stitched_pairs import NARROWED, SEEDS, WIDENED, WITHIN

BEHIND = "behind their target (at random)"


@pytest.fixture(scope="module")
def far_and_near():
    """Task loss matching takes the furthest layer, all else the nearest."""
    return scores(FAR, NEAR)


def test_violations_are_counted_network_by_network(far_and_near):
    table = violations_table(far_and_near, PLAN[WITHIN])
    assert table["width, seed"].tolist() == [f"8, {seed}" for seed in range(5)]
    assert set(table[TASK_LOSS]) == {"4 (4)"} and set(table[DIRECT]) == {"0 (0)"}
    assert set(table[BEHIND]) == {"0.50 (0.50)"} and set(table["own accuracy"]) == {"0.900"}


def test_where_nothing_is_violated_nothing_lies_behind():
    assert set(violations_table(scores(NEAR, NEAR), PLAN[WITHIN])[BEHIND]) == {"–"}


def test_longer_training_is_followed_in_violations_and_in_accuracy(far_and_near):
    found = trained_longer({3: far_and_near, 30: scores(NEAR, NEAR)}, PLAN[WITHIN])
    assert {label: {epochs: interval[0] for epochs, interval in line.items()} for label, line in found.items()} == {
        "violated": {3: 4, 30: 0}, "beyond chance": {3: 4, 30: 0}, "into itself": {3: pytest.approx(0.7), 30: pytest.approx(0.9)},
        "the network": {3: pytest.approx(0.9), 30: pytest.approx(0.9)}}


def test_tables_have_a_row_a_measure_and_columns_for_kinds_of_pairs(far_and_near):
    table = identification_table(far_and_near, PLAN).set_index("measure")
    assert list(table.index) == list(MEASURES)
    assert list(table) == [f"{kind}: {what}" for kind in (SEEDS, NARROWED, WIDENED) for what in ("identified", "distance")]
    assert table.loc[TASK_LOSS, f"{SEEDS}: identified"] == "0.00 [0.00, 0.00]"
    assert table.loc[DIRECT, f"{NARROWED}: identified"] == "1.00 [1.00, 1.00]"
    assert table.loc[TASK_LOSS, f"{WIDENED}: distance"] == "2.00 [2.00, 2.00]"
    distances = distance_table(far_and_near, PLAN).set_index("measure")
    assert list(distances.index) == list(MEASURES) and list(distances) == list(PLAN)
    assert distances.loc[DIRECT, SEEDS] == "1.00 [1.00, 1.00]"
    assert float(distances.loc[TASK_LOSS, SEEDS].split()[0]) < 0


def test_a_measure_that_is_the_same_everywhere_has_no_correlation():
    table = distance_table(scores(np.full((4, 4), 0.5), NEAR), PLAN).set_index("measure")
    assert set(table.loc[TASK_LOSS]) == {"not to be told"}


def test_distant_layers_have_both_matchings_and_the_end_s_own(far_and_near):
    table = distant_table(far_and_near, PLAN).set_index("pairs")
    assert list(table.index) == list(PLAN)
    for name, last, first in (("task loss matching", 0.9, 0.6), ("direct matching", 0.6, 0.9)):
        assert set(table[f"{name}, last into first block"]) == {f"{last:.3f} [{last:.3f}, {last:.3f}]"}
        assert set(table[f"{name}, first into first"]) == {f"{first:.3f} [{first:.3f}, {first:.3f}]"}
    assert set(table["end's own accuracy"]) == {"0.900 [0.900, 0.900]"}


def test_ties_are_no_misses(far_and_near):
    assert tied_targets(far_and_near, PLAN[SEEDS]) == {TASK_LOSS: (0, 20, 20), DIRECT: (0, 0, 0)}
    assert tied_targets(scores(np.full((4, 4), 0.5), NEAR), PLAN[SEEDS])[TASK_LOSS] == (20, 0, 0)
    barely = scores(NEAR + 0.11 * np.eye(4)[::-1], NEAR)  # the other end of the middle targets is two images better
    assert tied_targets(barely, PLAN[SEEDS])[TASK_LOSS] == (0, 10, 0)


def test_words_have_the_numbers(far_and_near):
    words = findings(far_and_near, PLAN)
    assert "for 20 of 20 targets under task loss matching, and for 0 under direct" in words
    assert "task loss matching, accuracy 0.00 [0.00, 0.00]; direct matching, accuracy 1.00" in words
    assert "at random 0.25" in words and "is 1.00 [1.00, 1.00]." in words
    assert "classifies 0.900 [0.900, 0.900] of the test images rightly" in words
    kinds = "Within a network", "Across seeds", "Wide into narrow", "Narrow into wide", "Distant layers"
    assert [line.split("**")[1] for line in words.split("\n")] == list(kinds)
