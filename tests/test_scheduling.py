"""Tests that share a costly fixture run in one process, and others wherever there is room."""

import shutil
from pathlib import Path

import scheduling

pytest_plugins = ["pytester"]
WHOLE = """
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def made():
    return 3


@pytest.mark.parametrize("number", range(6))
def test_where(number, made):
    Path(f"whole-{number}").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""
# Each waits until one of them runs in the other process.
SPLIT = """
import os
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range(4))
def test_in_two_processes(number):
    Path("split-" + os.environ["PYTEST_XDIST_WORKER"]).touch()
    end = time.monotonic() + 60
    while len(list(Path().glob("split-*"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
"""


def test_a_file_with_a_fixture_of_its_module_stays_in_one_process_and_others_are_dealt_out(pytester):
    shutil.copy(scheduling.__file__, pytester.path)
    pytester.makeconftest("from scheduling import pytest_xdist_make_scheduler")
    pytester.makepyfile(test_whole=WHOLE, test_split=SPLIT)
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=10)
    assert len({path.read_text() for path in pytester.path.glob("whole-?")}) == 1


def test_the_cells_of_a_notebook_stay_together():
    assert scheduling.stays_together(Path("no/such/chapter.ipynb"))
