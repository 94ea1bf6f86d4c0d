"""A training that is killed or interrupted: no workers stay, and it ends in the same bytes all the same."""

import dataclasses
import itertools
import os
import select
import signal
import subprocess
import sys

import pytest
from stored_files import contents

from lib.runtime.files import ROOT
from lib.training import store, trainer, workers
from lib.training.populations import train_or_load

RUN = """
import multiprocessing, os, signal
from lib import data
from lib.training import workers
from lib.training.populations import train_or_load
from lib.training.specification import specify

digits = data.load("digits", n_train=60, n_test=20)
tiny = specify(digits, "cnn-small", 2, epochs=4, batch_size=25)
"""
# Kills itself when the first stack is there, while its workers train others, of which it tells.
KILLED_WITH_WORKERS = """
def tell_and_die(*_):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

workers._keep = tell_and_die
train_or_load({tiny: range(16)})
"""
# Is interrupted, as by Ctrl-C in a notebook, when the first stack is there: the other trainings would take an hour.
INTERRUPTED = """
from lib.runtime import tasks

def interrupt(*_):
    signal.raise_signal(signal.SIGINT)

tasks._processes = lambda tasks: 2  # on one core too, where the first training would keep the others waiting
signal.signal(signal.SIGINT, signal.default_int_handler)
workers._keep = interrupt
long = specify(digits, "cnn-small", 32, epochs=10**6, batch_size=25)
train_or_load({long: [0], tiny: range(4)})
"""


def killed_at(rename, work):
    """Whether a process of its own killed itself when this one of its files would get its name."""
    if not (child := os.fork()):
        try:
            numbers, replace = itertools.count(1), os.replace
            os.replace = lambda *paths: (
                replace(*paths) if next(numbers) < rename else os.kill(os.getpid(), signal.SIGKILL)
            )
            workers.SPARE = 0
            work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("rename", [1, 18, 31])
def test_a_training_killed_while_it_writes_loses_an_epoch_at_most_and_ends_in_the_same_bytes(
    tiny, artifacts, inline, monkeypatch, rename
):
    """Two files a network and epoch, four networks: the kill comes in epoch (rename - 1) // 8."""
    longer = dataclasses.replace(tiny, epochs=4)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(artifacts / "whole"))
    train_or_load({longer: range(4)}, inline)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(artifacts / "killed"))
    assert killed_at(rename, lambda: train_or_load({longer: range(4)}, inline))
    begun = []
    monkeypatch.setattr(
        workers,
        "train",
        lambda *arguments, start, **options: begun.extend(start) or trainer.train(*arguments, start=start, **options),
    )
    assert len(train_or_load({longer: range(4)}, inline)[longer]) == 4
    assert {network.epochs for network in begun} == ({(rename - 1) // 8} - {0})
    assert contents(artifacts / "killed") == contents(artifacts / "whole")
    assert len(contents(artifacts / "killed")) == 12  # after 1, 2 and 4 epochs


def test_what_a_kill_behind_the_last_epoch_left_goes_once_the_whole_stack_is_stored(
    tiny, artifacts, inline, monkeypatch
):
    longer = dataclasses.replace(tiny, epochs=4)
    monkeypatch.setattr(workers, "SPARE", 0)
    with monkeypatch.context() as patch:
        patch.setattr(store, "forget_passed", lambda *_: None)
        train_or_load({longer: range(4)}, inline)
    monkeypatch.setattr(workers, "train", None)  # nothing is trained again
    left, (_, manifest) = sorted(artifacts.rglob("*.under-way-*")), store.paths(longer, 3)
    aside = manifest.rename(artifacts / "aside")
    train_or_load({longer: [0]}, inline)
    assert left and sorted(artifacts.rglob("*.under-way-*")) == left  # the fourth network would go on from there
    aside.rename(manifest)
    train_or_load({longer: [0]}, inline)
    assert not list(artifacts.rglob("*.under-way-*"))


def gone(process):
    """Waits until a process that is not our child has ended; False if it does not in a time that is ample."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open to watch processes")
def test_a_killed_training_leaves_no_workers(artifacts):
    errors = artifacts / "errors"
    with errors.open("w") as file:
        command = [sys.executable, "-c", RUN + KILLED_WITH_WORKERS]
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=file, text=True)
    assert result.returncode == -signal.SIGKILL, errors.read_text()
    pids = [int(process) for process in result.stdout.split()]
    left = [process for process in pids if not gone(process)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert pids and not left


def test_an_interrupt_ends_the_workers_and_is_passed_on(artifacts):
    """subprocess.run returns when the process and all that hold its pipe, its workers, have ended."""
    result = subprocess.run([sys.executable, "-c", RUN + INTERRUPTED], cwd=ROOT, capture_output=True, text=True)
    assert "KeyboardInterrupt" in result.stderr and result.returncode != 0
