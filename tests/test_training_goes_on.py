"""A training goes on where it stopped, bit for bit, and longer ones contain the shorter."""

import dataclasses
import math

import pytest
import torch

from lib.training import trainer

SEEDS = range(4)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"momentum": 0.9},
        {"optimiser": "adam", "learning_rate": 0.01},
        {"schedule": "cosine"},
        {"precision": "bfloat16"},
        {"precision": "float64"},
    ],
)
@pytest.mark.parametrize("stop", [1, 3])
def test_a_training_that_stops_and_goes_on_is_the_one_that_went_through(tiny, digits, recipe, stop):
    """Bit for bit: weights, buffers of the optimiser, random streams and curves."""
    whole = dataclasses.replace(tiny, epochs=4, **recipe)
    seen = []
    through = trainer.train(whole, SEEDS, digits, keep=seen.append)
    assert [networks[0].epochs for networks in seen] == [1, 2, 3, 4]
    again = trainer.train(whole, SEEDS, digits, start=seen[stop - 1])
    for a, b in zip(through, again, strict=True):
        assert a.state.keys() == b.state.keys() and a.resume.keys() == b.resume.keys()
        assert all(torch.equal(a.state[name], b.state[name]) for name in a.state)
        assert all(torch.equal(a.resume[name], b.resume[name]) for name in a.resume)
        assert (a.train_loss, a.train_accuracy, a.test_loss) == (b.train_loss, b.train_accuracy, b.test_loss)


def test_what_is_kept_between_snapshots_waits_for_the_time_that_may_be_lost(tiny, digits):
    seen = []
    trainer.train(dataclasses.replace(tiny, epochs=6), SEEDS, digits, keep=seen.append, spare=math.inf)
    assert [networks[0].epochs for networks in seen] == [1, 2, 5, 6]


def test_a_network_after_some_epochs_of_a_longer_training_is_that_of_the_shorter_one(tiny, digits):
    seen = []
    trainer.train(dataclasses.replace(tiny, epochs=5), SEEDS, digits, keep=seen.append)
    for long, short in zip(seen[1], trainer.train(tiny, SEEDS, digits), strict=True):
        assert all(torch.equal(long.state[name], short.state[name]) for name in long.state)


def test_going_on_from_the_end_evaluates_and_changes_nothing(tiny, digits, tiny_networks):
    unseen = [dataclasses.replace(one, test_epochs=[], test_loss=[], test_accuracy=[]) for one in tiny_networks]
    for again, first in zip(trainer.train(tiny, SEEDS, digits, start=unseen), tiny_networks, strict=True):
        assert again.test_epochs == [2] and again.test_loss == first.test_loss[-1:]
        assert all(torch.equal(again.state[name], first.state[name]) for name in first.state)
