"""Gates: what networks must have learnt before a claim about them is judged, also in results of before the gates."""

import dataclasses
import json
import math

import pytest

import earlier_gates
from lib import gates
from lib.gates import Gate, as_authors, drawn, enough, fitted, learnt, of_families
from lib.rules import NOT_TESTED, SUPPORTED
from lib.statistics.sample import Estimated
from lib.training import TrainedNetwork
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged


@pytest.mark.parametrize(
    "gate, passed",
    [
        (learnt([0.5, 0.9], 10), True),
        (learnt([0.49, 0.9], 10), False),
        (learnt([0.05], 100), True),
        (learnt([math.nan, 0.9], 10), False),
        (fitted([0.01, 0.05]), True),
        (fitted([0.01, 0.06]), False),
        (fitted([math.nan]), False),
        (drawn([2.0, 1.0], 10), True),
        (drawn([2.1, 1.0], 10), False),
        (enough(6), True),
        (enough(5), False),
    ],
)
def test_each_gate_opens_and_closes(gate, passed):
    assert gate.passed is passed
    assert f"{gate.found:.3g}" in str(gate)  # a reader sees the number


def test_networks_of_the_authors_widths_are_held_against_theirs():
    theirs = gates.AUTHORS["cifar10", "cnn-small"]
    good, bad = as_authors({8: [0.9 * theirs[8] + 0.01], 16: [0.5], 4: [0.1]}, "cifar10", "cnn-small")
    assert good.passed and not bad.passed and "k = 16" in str(bad)
    assert as_authors({8: [0.1]}, "digits", "cnn-small") == []  # theirs are of CIFAR-10 alone


@pytest.mark.parametrize("classes, least", [(10, 0.5), (100, 0.05), (2, 0.75), (5, 0.6)])
def test_families_pass_where_all_their_networks_have_learnt_and_every_population_is_large_enough(classes, least):
    def passed(**accuracies):
        (gates,) = of_families({"vit": accuracies}, "digits", classes).values()
        return [gate.passed for gate in gates]

    assert passed(a=[least] * 6, b=[0.99] * 7) == [True, True]
    assert passed(a=[least] * 5, b=[0.99] * 7) == [True, False]
    assert passed(a=[0.99] * 6, b=[0.99] * 5 + [least - 0.01]) == [False, True]


@pytest.mark.parametrize(
    "change, accuracy, train_loss",
    [
        ({}, 0.5, None),
        ({"num_classes": 100}, 0.05, None),
        ({"dataset": "cifar10", "width": 8}, 0.63, None),
        ({"dataset": "cifar10", "width": 4}, 0.5, None),
        ({"control": "random-labels"}, None, 0.9 * math.log(10)),
        ({"control": "shortcut-100"}, None, 0.9 * math.log(10)),
        ({"control": "shifts"}, 0.5, None),
        ({"family": "resnet-14"}, 0.3, 0.05),
    ],
)
def test_the_gates_of_a_population_are_those_of_its_kind_and_each_of_them_counts(tiny, change, accuracy, train_loss):
    def network(far=0.0, loss=0.0):
        return TrainedNetwork(
            0, {}, [2.0, (train_loss or 1) + loss], [0.1] * 2, [2], [1.0], [(accuracy or 0) + far], ["float32"] * 2,
            "cpu", 1.0,
        )  # fmt: skip

    kind = dataclasses.replace(tiny, **change)
    missed = [network(-1e-6)] * bool(accuracy) + [network(0, 1e-6)] * bool(train_loss)
    assert [gates.passing(kind, [one]) for one in (network(1e-9, -1e-9), *missed)] == [1] + [0] * len(missed)
    assert all(f"{bound:.3g} or" in gates.asked_of(kind) for bound in (accuracy, train_loss) if bound)


def test_too_few_classes_for_the_gate_are_refused():
    with pytest.raises(ValueError, match="5 times chance with 5 classes"):
        learnt([1.0], 5)


@pytest.mark.parametrize(
    "networks, gates, level, verdict",
    [
        (6, [], HEADLINE, SUPPORTED),
        (5, [], HEADLINE, NOT_TESTED),
        (6, [Gate("x", 0.1, least=0.5)], HEADLINE, NOT_TESTED),
        (0, [Gate("x", 0.1, least=0.5)], MACHINERY, SUPPORTED),  # mathematics needs no networks
    ],
)
def test_a_claim_is_judged_behind_all_its_gates(networks, gates, level, verdict):
    row = Row(
        "a", "It is.", "ours", "x", lambda x: Estimated(lambda at: (x, x - 0.1, x + 0.1), networks, 0), level=level
    )
    (claim,) = judged([row], 1.0, gates)
    assert claim.verdict == verdict and (claim.p is None) is (verdict != SUPPORTED or level != HEADLINE)
    assert all(str(gate) in claim.gate for gate in gates if level != MACHINERY)


CLAIM = Claim("c", "It rises.", "step", 0.1, 0.0, 0.2, 20, 256, "rule", "supported")


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
