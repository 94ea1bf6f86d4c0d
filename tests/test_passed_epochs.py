"""Bars move within an epoch, and what they are told changes and hinders no training."""

import dataclasses

import numpy as np
import pytest
import torch
from stored_files import contents

from lib.training import trainer, workers
from lib.training.populations import train_or_load

SEEDS = (0, 1, 2, 3)


def test_after_every_batch_it_is_told_and_the_networks_are_the_same(tiny, digits, tiny_networks):
    told = []
    for one, other in zip(trainer.train(tiny, SEEDS, digits, advance=told.append), tiny_networks, strict=True):
        assert all(torch.equal(one.state[name], other.state[name]) for name in other.state)
    np.testing.assert_allclose(told, np.arange(1, 7) / 3)  # 60 images in batches of 25, twice


def test_what_is_left_falls_with_every_batch_and_nothing_is_left_behind(tiny, artifacts, inline, monkeypatch):
    longer, left = dataclasses.replace(tiny, epochs=4), []

    def watched(*arguments, advance, **options):
        def look(epochs):
            advance(epochs)
            left.append(workers.work((longer, SEEDS)))

        return trainer.train(*arguments, advance=look, **options)

    monkeypatch.setattr(workers, "OFTEN", 0)
    monkeypatch.setattr(workers, "SPARE", 0)
    monkeypatch.setattr(workers, "train", watched)
    before = workers.work((longer, SEEDS))
    train_or_load({longer: SEEDS}, inline)
    np.testing.assert_allclose(np.diff([before, *left[:-1]]), -before / 12)
    assert left[-1] == pytest.approx(before / 40)  # nothing is left to train but to evaluate
    assert not list(artifacts.rglob("*.passed")) and len(contents(artifacts)) == 12


@pytest.mark.parametrize("content, expected", [("7.25", 7.25), ("6.5", 7), ("99.5", 8), ("", 7), ("7.2.", 7)])
def test_what_was_told_before_or_is_torn_moves_a_bar_by_an_epoch_at_most(tiny, artifacts, content, expected):
    path = workers._passed_path(tiny, SEEDS)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert workers.passed(tiny, SEEDS, 7) == expected
    with workers.told(tiny, SEEDS):
        assert workers.passed(tiny, SEEDS, 7) == 7


def test_where_it_cannot_be_told_training_goes_on(tiny, artifacts, inline, monkeypatch):
    monkeypatch.setattr(workers, "OFTEN", 0)
    workers._passed_path(tiny, SEEDS).mkdir(parents=True)
    assert len(train_or_load({tiny: SEEDS}, inline)[tiny]) == 4
