"""Tests that share a costly fixture run in one process, and others wherever there is room."""

import shutil
from pathlib import Path

import scheduling

pytest_plugins = ["pytester"]
TESTS = """
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="{scope}")
def made():
    return 3


@pytest.mark.parametrize("number", range({count}))
def test_where(number, made):
    Path(f"{scope}-{{number}}").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_file_with_a_fixture_of_its_module_stays_in_one_process_and_others_are_dealt_out(pytester):
    """Each process is given two pieces of work before any begins, so that no speed decides who gets what."""
    shutil.copy(scheduling.__file__, pytester.path)
    pytester.makeconftest("from scheduling import pytest_xdist_make_scheduler")
    pytester.makepyfile(
        test_whole=TESTS.format(scope="module", count=2), test_split=TESTS.format(scope="function", count=4)
    )
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=6)
    processes = {
        scope: {path.read_text() for path in pytester.path.glob(f"{scope}-?")} for scope in ("module", "function")
    }
    assert len(processes["module"]) == 1 and len(processes["function"]) == 2


def test_the_cells_of_a_notebook_stay_together():
    assert scheduling.stays_together(Path("no/such/chapter.ipynb"))
