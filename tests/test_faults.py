"""Kills at every place and at any moment, and every bit of every kind of file turned round: how often, and what was lost."""

import dataclasses
import itertools
import json
import os
import random
import signal
import tempfile
import time
import warnings

import nbformat
import numpy as np
import pytest
from released_files import loaded
from stored_files import contents

import chapters
import pages
from lib import data
from lib.data import pixel_cache
from lib.runtime import array_store
from lib.salience import direction_store
from lib.training import releases, store, workers
from lib.training.populations import train_or_load

pytestmark = pytest.mark.slow
SEEDS = range(4)
CALLS = ((tempfile, "mkstemp"), (os, "fdopen"), (os, "fsync"), (os, "chmod"), (os, "replace"), (os, "unlink"))
MOMENTS = 25


@pytest.fixture
def tell(capsys):
    def said(what, tries, losses=0):
        with capsys.disabled():
            print(f"\n{what}: {tries} tries, {losses} losses")

    return said


@pytest.fixture
def work(tiny, digits, inline, monkeypatch):
    """Trains four networks and takes their directions, and stores all that after every epoch."""
    monkeypatch.setattr(workers, "SPARE", 0)

    def do():
        population = train_or_load({dataclasses.replace(tiny, epochs=4): SEEDS}, inline)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*gradients are zero")
            direction_store.population_directions(dict(enumerate(population.values())), digits)

    return do


def counting(patch, place=None):
    """Calls of CALLS so far; the process kills itself at the one at `place`, a file half written."""
    called = []

    def counted(name, do):
        def call(*given, **options):
            called.append(name)
            if len(called) == place:
                if name == "fdopen":
                    os.write(given[0], b"half of a file")
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*given, **options)

        return call

    for module, name in CALLS:
        patch.setattr(module, name, counted(name, getattr(module, name)))
    return called


def killed(work, place=None, after=None):
    """Whether a process of its own that works was killed: at a call, or from outside after some seconds."""
    if not (child := os.fork()):
        try:
            with pytest.MonkeyPatch.context() as patch:
                if place:
                    counting(patch, place)
                work()
            os._exit(0)
        finally:
            os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.fixture
def whole(work, tmp_path, monkeypatch):
    """What work without a kill leaves, its calls, and its seconds."""
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path / "whole"))
    with pytest.MonkeyPatch.context() as patch:
        called, start = counting(patch), time.monotonic()
        work()
    return contents(tmp_path / "whole"), called, time.monotonic() - start


@pytest.mark.filterwarnings("error:.*set aside", "error:.*computed again")
def test_a_kill_at_any_call_or_moment_loses_nothing(work, whole, tmp_path, monkeypatch, tell):
    expected, called, seconds = whole
    assert len(expected) == 16 and set(called) == {name for _, name in CALLS}  # after 1, 2 and 4 epochs; directions
    drawn = random.Random(0)
    places = [{"place": place} for place in range(1, len(called) + 1)]
    moments = [{"after": drawn.uniform(0, seconds)} for _ in range(MOMENTS)]
    reached = 0
    for number, kill in enumerate([*places, *moments]):
        folder = tmp_path / str(number)
        monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(folder))
        reached += killed(work, **kill)
        work()
        assert contents(folder) == expected, kill
        assert not list(folder.rglob("*.damaged*")) and not list(folder.rglob("*.passed"))
    assert reached >= len(places)
    tell(f"kills at calls of {', '.join(name for _, name in CALLS)}", len(places))
    tell("kills at random moments", MOMENTS)


def flips(path):
    """The file with every bit turned round in turn, and afterwards as it was; (byte, bit)."""
    content = path.read_bytes()
    try:
        for place, bit in itertools.product(range(len(content)), range(8)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            yield place, bit
    finally:
        path.write_bytes(content)


@pytest.fixture
def stored(tiny, tiny_networks, artifacts):
    store.write_network(tiny, tiny_networks[3])
    return store.paths(tiny, 3)


@pytest.mark.parametrize("which", ["weights", "manifest"])
def test_every_flip_in_a_network_is_noticed(stored, which, tell):
    tries = 0
    for tries, flip in enumerate(flips(stored[which == "manifest"]), 1):
        with pytest.raises(store.DamagedFile):
            store.read_pair(*stored)
            pytest.fail(f"{flip} was not noticed")
    tell(f"flips in {which}", tries)


@pytest.mark.filterwarnings("ignore:.*computed again")
def test_every_flip_in_directions_and_statistics_is_noticed(artifacts, tell):
    path, rows = artifacts / "a.safetensors", np.random.default_rng(0).standard_normal((20, 64)).astype("f4")
    array_store.write(path, {"directions": rows})
    tries = 0
    for tries, flip in enumerate(flips(path), 1):
        assert array_store.read(path, ["directions"]) is None, flip
    tell("flips in directions and statistics", tries)


@pytest.mark.filterwarnings("ignore:.*decoded again")
def test_every_flip_in_stored_pixels_is_noticed(artifacts, tell):
    path = artifacts / "a.pixels"
    pixels = np.random.default_rng(0).integers(0, 255, (4, 3, 6, 6), np.uint8)
    pixel_cache._write(path, "fingerprint", data.pixel_cache.Decoded(pixels, np.arange(4) % 2, ("a", "b")))
    tries = 0
    for tries, flip in enumerate(flips(path), 1):
        assert pixel_cache._read(path, "fingerprint") is None, flip
    tell("flips in pixels", tries)


def test_every_flip_in_a_release_or_its_list_is_noticed(tiny, released_file, untrainable, tell):
    (release,) = releases.listed("few")
    tries = 0
    for tries, flip in enumerate(flips(released_file), 1):
        assert not release.whole, flip
    tell("flips in releases", tries)
    for tries, flip in enumerate(flips(releases.list_path("few")), 1):
        try:
            found = [one for one in releases.listed("few") if one.whole]
        except (RuntimeError, ValueError) as refusal:
            assert str(refusal)
        else:
            assert found in ([], [release]), flip
    tell("flips in lists of releases", tries)
    assert len(loaded(tiny)) == 4


@pytest.mark.parametrize("product", ["page", "results"])
def test_no_flip_in_a_page_or_its_results_passes_for_current(project, capsys, product, tell):
    """What was executed stands, or is executed again; prose is taken from the source."""
    chapters.refresh("trial", {"study": "mine"}, False)
    page, results = project / "book" / "chapters" / "trial.ipynb", project / "results" / "mine" / "trial.json"
    results.write_text(json.dumps({"verdicts": [{"estimate": 0.123456789, "verdict": "supported"}]}))
    notebook = pages.read(page)
    pages.seal(notebook, results)
    pages.write(notebook, page)
    before, tries = outputs(page), 0
    assert chapters.is_current("trial", {"study": "mine"}, page)
    for tries, flip in enumerate(flips({"page": page, "results": results}[product]), 1):
        if chapters.is_current("trial", {"study": "mine"}, page):
            assert product == "page" and outputs(page) == before, flip
        for damaged in page.parent.glob("*.damaged*"):
            damaged.unlink()
    capsys.readouterr()
    tell(f"flips in {product}", tries)


def outputs(page):
    return [(cell.outputs, cell.execution_count) for cell in nbformat.read(page, 4).cells if cell.cell_type == "code"]
