"""Results of before the gates are judged by the accuracies beside them; those with gates are left alone."""

import dataclasses
import json

import pytest

import earlier_gates
from lib.verdicts import Claim

CLAIM = Claim("c", "It rises.", "step", 0.1, 0.0, 0.2, 20, 256, "rule", "supported")
SHARES = {"direct matching, accuracy": [[0.31, 0.2], [0.2, 0.31]]}


def folder_with(tmp_path, chapter, numbers):
    (tmp_path / f"{chapter}.json").write_text(json.dumps({"numbers": numbers}))
    return tmp_path


@pytest.mark.parametrize(
    "chapter, file, numbers, told",
    [
        ("03_x", "02_populations", {"test_accuracy": {"a": [[0.9], [0.6, 0.42]]}}, "lowest test accuracy 0.42"),
        (
            "12_x",
            "11_block_structure",
            {"test_accuracy": {"a": [0.9]}, "training_loss": {"a": [0.01], "b": [0.2]}},
            "largest training loss 0.2",
        ),
        ("17_x", "16_stitching", {"matrices": {"within": SHARES}}, "accuracy of the stitched networks 0.31"),
    ],
)
def test_networks_that_have_not_learnt_enough_test_nothing_and_the_gate_tells_their_number(
    tmp_path, chapter, file, numbers, told
):
    (found,) = earlier_gates.gated([CLAIM], chapter, folder_with(tmp_path, file, numbers), "cifar10")
    assert found.verdict == "not tested" and told in found.gate


@pytest.mark.parametrize(
    "changes, verdict",
    [({}, "supported"), ({"networks": 5}, "not tested"), ({"networks": 5, "level": "machinery"}, "supported")],
)
def test_networks_that_have_learnt_keep_their_verdicts_if_they_are_six(tmp_path, changes, verdict):
    folder = folder_with(tmp_path, "02_populations", {"test_accuracy": {"a": [[0.9], [0.6]]}})
    (found,) = earlier_gates.gated([dataclasses.replace(CLAIM, **changes)], "03_x", folder, "digits")
    assert found.verdict == verdict


def test_claims_that_have_gates_are_left_as_they_are(tmp_path):
    claim = dataclasses.replace(CLAIM, gate="lowest test accuracy 0.1, 0.05 or more needed")
    assert earlier_gates.gated([claim], "03_x", tmp_path, "cifar100") == [claim]
