"""`make train`: the plan first, then round after round; one at a time, over failures, and from where it stopped."""

import dataclasses
import errno
import os
import sys
from pathlib import Path

import pytest
from filelock import FileLock

import studies
import train as command
from lib.runtime import tasks
from lib.training import plan, populations, store, workers

ROOT = Path(__file__).resolve().parents[1]
TABLE = """
[few]
title = "Few digits"
dataset = "digits"
[few.parameters]
[few.chapters]
[[few.training]]
line = "b"
families = ["cnn-small"]
widths = [2]
n_train = 60
seeds = 4
epochs = 3
[[few.training]]
line = "a"
families = ["cnn-small"]
widths = [2]
n_train = 60
controls = ["random-labels"]
seeds = 4
epochs = 1

[none]
title = "No networks"
dataset = "digits"
[none.parameters]
[none.chapters]
"""


@pytest.fixture
def table(tmp_path, artifacts, monkeypatch):
    """A table of one study, training in this process at the usual priority, without measuring."""
    path = tmp_path / "studies.toml"
    path.write_text(TABLE)
    monkeypatch.setattr(studies, "TABLE", path)
    monkeypatch.setattr(plan, "SECONDS", 0.0)
    monkeypatch.setattr(os, "nice", lambda increment: increment)
    return path


@pytest.fixture
def here(inline, monkeypatch):
    monkeypatch.setattr(tasks, "local_executor", lambda *_: inline)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    command.main()


def test_named_lines_are_worked_through_in_the_order_given_up_to_so_many_epochs(table, here, monkeypatch, capsys):
    run(monkeypatch, "--lines", "b", "a", "--epochs", "2")
    rounds = [line.partition("line ")[2] for line in capsys.readouterr().out.splitlines() if line[2:3] == ":"]
    assert rounds == ["b (few) to 1 epochs", "b (few) to 2 epochs", "a (few) to 1 epochs"]
    with pytest.raises(SystemExit, match="the lines are a, b"):
        run(monkeypatch, "--lines", "c")


@pytest.mark.parametrize("names", [(), ("b", "a")])
def test_lines_of_two_studies_with_one_name_are_both_worked_through(table, names):
    table.write_text(TABLE + TABLE.partition("\n[none]")[0].replace("few", "again"))
    order = [(line.name, line.study) for line in command.planned(None, names)]
    assert order == [(name, study) for name in names or "ab" for study in ("few", "again")]


def test_it_says_its_plan_and_trains_lines_by_name_in_rounds(table, here, monkeypatch, capsys, artifacts):
    run(monkeypatch, "few")
    said = capsys.readouterr().out
    plan, _, work = said.partition("hours: of ")
    assert [row.split()[:3] for row in plan.splitlines()[1:]] == [["a", "few", "4"], ["b", "few", "4"]]
    assert "4 of    4" in plan and "12 of   12" in plan and "1 2 3" in plan
    assert "random-labels: largest training loss 2.07 or less; no round finished" in work
    rounds = [line.partition("line ")[2] for line in work.splitlines() if line[2:3] == ":"]
    assert rounds == ["a (few) to 1 epochs", "b (few) to 1 epochs", "b (few) to 2 epochs", "b (few) to 3 epochs"]
    run(monkeypatch, "few", "--plan")
    again = capsys.readouterr().out
    assert "0 of    4" in again and "0 of   12" in again and "3 epochs, test accuracy 0." in again
    assert " of 4 pass" in again and ":" not in {line[2:3] for line in again.splitlines()}


def test_a_network_that_fails_is_told_and_left_behind(table, here, monkeypatch, capsys):
    train = workers.train

    def failing(specification, seeds, *rest, **options):
        if specification.control == "random-labels":
            raise ArithmeticError("no luck")
        return train(specification, seeds, *rest, **options)

    monkeypatch.setattr(workers, "train", failing)
    run(monkeypatch, "few")
    said = capsys.readouterr().out
    assert "line a, 1 epochs: 1 of 1 trainings failed" in said and "no luck; going on" in said
    assert store.stored_epochs(list(command.planned("few"))[1].specifications[0], 0) == [1, 2, 3]


def test_a_second_one_in_the_same_store_ends_with_a_sentence(table, here, monkeypatch, artifacts):
    monkeypatch.setattr(populations, "train_or_load", None)  # would fail if it were called
    with FileLock(artifacts / "training.lock"):
        with pytest.raises(SystemExit, match="another training is at work in .*; it goes on, and this one ends"):
            run(monkeypatch, "few")


def test_a_full_disk_ends_with_a_sentence(table, here, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "the disk of here is full; make room")

    monkeypatch.setattr(store, "write_whole", full)
    with pytest.raises(SystemExit, match="^the disk of here is full; make room$"):
        run(monkeypatch, "few")


def test_control_c_ends_with_a_sentence(table, monkeypatch):
    def interrupted(requests):
        raise KeyboardInterrupt

    monkeypatch.setattr(populations, "train_or_load", interrupted)
    with pytest.raises(SystemExit, match="stopped; what was trained is kept, and the same command goes on from there"):
        run(monkeypatch, "few")


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("fwe", "there is no study fwe; the studies are few, none: make train STUDY=NAME"),
        ("none", "study none has no training lines in studies.toml: make study STUDY=none trains what its chapters"),
    ],
)
def test_a_study_that_does_not_exist_or_trains_nothing_is_refused(table, monkeypatch, name, sentence):
    with pytest.raises(SystemExit, match=sentence):
        run(monkeypatch, name)


def test_a_wrong_line_is_told_before_any_work(table, monkeypatch):
    table.write_text(TABLE.replace("seeds = 4", "seed = 4", 1))
    with pytest.raises(SystemExit, match="study few, line b: there is no seed; did you mean 'seeds'?"):
        run(monkeypatch, "few")


def test_lib_from_another_checkout_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "ROOT", tmp_path)
    with pytest.raises(
        SystemExit, match=f"^lib/ would be taken from {ROOT}, and this is the checkout {tmp_path}: make"
    ):
        command.check_house()


def test_the_lines_of_the_project_s_table_are_named_once_and_their_networks_can_be_specified(monkeypatch, digits):
    # The digits stand for whatever is not on this machine: fields, families, widths and recipes are read all the same.
    monkeypatch.setattr(plan.loading, "load", lambda name, n_train=None: data_of_size(digits, n_train))
    lines = [line for name, study in studies.read_table().items() for line in plan.lines(name, study)]
    names = [line.name for line in lines]
    assert len(names) == len(set(names)) > 15
    assert {line.study for line in lines} == {"cifar10-50k", "cifar100-50k", "tiny-imagenet-20", "cifar10-wide-deep"}
    assert min(line.seeds for line in lines if line.name != "f2") >= 6


def data_of_size(digits, n_train):
    """Images whose number is that asked for: what they show is of no matter here."""
    count = n_train or 60
    index = [place % 60 for place in range(count)]
    return dataclasses.replace(digits, train_images=digits.train_images[index], train_labels=digits.train_labels[index])
