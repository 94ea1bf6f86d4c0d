"""A population is judged only if every network of it has learnt enough."""

import dataclasses
import math

import pytest

from lib.training import TrainedNetwork
from lib.training.gates import Gate, gate_of


def network(accuracy, train_loss=1.0):
    return TrainedNetwork(0, {}, [2.0, train_loss], [0.1, 0.2], [2], [1.0], [accuracy], ["float32"] * 2, "cpu", 1.0)


@pytest.mark.parametrize("change, accuracy, train_loss", [
    ({}, 0.5, None),
    ({"num_classes": 100}, 0.05, None),
    ({"dataset": "cifar10", "width": 8}, 0.63, None),
    ({"dataset": "cifar10", "width": 4}, 0.5, None),
    ({"control": "random-labels"}, None, 0.9 * math.log(10)),
    ({"control": "labels-75"}, None, 0.9 * math.log(10)),
    ({"control": "shortcut-100"}, None, 0.9 * math.log(10)),
    ({"control": "same-order"}, 0.5, None),
    ({"control": "shifts"}, 0.5, None),
    ({"family": "resnet-14"}, 0.3, 0.05)])
def test_the_gate_is_that_of_the_kind_of_network(tiny, change, accuracy, train_loss):
    assert gate_of(dataclasses.replace(tiny, **change)) == Gate(
        pytest.approx(accuracy) if accuracy else None, pytest.approx(train_loss) if train_loss else None)


@pytest.mark.parametrize("gate, passes", [(Gate(0.5), [False, True, True]), (Gate(train_loss=0.5), [True, False, True]),
                                          (Gate(0.5, 0.5), [False, False, True])])
def test_every_bound_counts(gate, passes):
    assert [gate.passed(one) for one in (network(0.4, 0.1), network(0.5, 0.6), network(0.9, 0.5))] == passes


def test_a_gate_says_its_bounds():
    assert str(Gate(0.3, 0.05)) == "test accuracy of at least 0.30 and training loss of at most 0.05"
    assert str(Gate(train_loss=2.07)) == "training loss of at most 2.07"
