"""Chapters in turn: after those whose networks they load, beside each other, and all ended by a failure or by Ctrl-C."""

import os
import select
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

import chapters
import order
from lib.runtime.files import ROOT


def test_a_chapter_begins_after_those_that_train_its_networks_and_the_longest_way_goes_first(monkeypatch):
    monkeypatch.setattr(order, "LOADS", {"b": ("a",), "c": ("b", "elsewhere")})
    monkeypatch.setattr(order, "SECONDS", {"a": 1, "b": 1, "c": 100, "d": 50})
    begun, ended = [], []

    def work(name):
        begun.append(name)
        assert set(order.LOADS.get(name, ())) & set("abcde") <= set(ended)
        ended.append(name)

    order.in_turn(["e", "d", "c", "b", "a"], work, at_once=1)
    assert begun == ["a", "b", "c", "d", "e"] and ended == begun
    assert order.way_to_go("a", ["a", "b", "c"]) == 102 and order.way_to_go("a", ["a"]) == 1


def test_two_chapters_run_beside_each_other():
    both = threading.Barrier(2, timeout=60)  # breaks where one waits for the end of the other
    order.in_turn(["a", "b"], lambda name: both.wait(), at_once=2)


def test_after_a_chapter_that_fails_no_other_begins():
    begun = []

    def work(name):
        begun.append(name)
        sys.exit(f"chapter {name} failed")

    with pytest.raises(SystemExit, match="chapter a failed"):
        order.in_turn(["a", "b"], work, at_once=1)
    assert begun == ["a"]


def test_a_failure_is_told_while_others_are_at_work(monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=lambda text: "chapter a" in text and told.set()))

    def work(name):
        if name == "a":
            sys.exit("chapter a failed")
        assert told.wait(60)

    with pytest.raises(SystemExit, match="chapter a failed"):
        order.in_turn(["a", "b"], work, at_once=2)
    assert told.is_set()


ENDLESS = """
import signal
import sys
from pathlib import Path

import nbformat

import order
from lib import execution

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with Ctrl-C ignored
code = 'import os, time; open("pipe", "w").write(f"{os.getpid()} "); time.sleep(10**6)'
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
order.in_turn(["a", "b", "c"], lambda name: execution.executed(name, notebook, {}, Path.cwd()), at_once=2)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open to watch processes")
def test_control_c_ends_the_chapters_and_their_kernels(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)  # open for writing too, so that no end of it is read
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'book'}:{ROOT}"},
        stderr=subprocess.PIPE,
        text=True,
    )
    kernels = set()
    try:
        while len(kernels) < 2:
            assert select.select([pipe], [], [], 60)[0]
            kernels |= {int(number) for number in os.read(pipe, 100).split()}
        handles = [os.pidfd_open(number) for number in kernels]
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        os.close(pipe)
    assert process.returncode == 1 and "stopped; finished chapters and what was trained are kept" in said
    assert "Traceback" not in said
    for handle in handles:
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)


def test_the_order_of_the_chapters_names_chapters_and_has_no_circle():
    names = set(chapters.chapter_names())
    assert {*order.LOADS, *order.SECONDS} <= names and {one for those in order.LOADS.values() for one in those} <= names
    assert all(order.way_to_go(name, sorted(names)) < 3600 for name in names)  # a circle would have no end
