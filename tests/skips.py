"""The ledger of skips: a test that is skipped for a reason outside tests/skips.toml, or without need, fails the run.

`conftest.py` takes the hooks of pytest from here, and tests ask here for what this machine may lack.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def browser() -> str | None:
    """The path of a browser that playwright can start."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def other_pythons() -> list[str]:
    """Paths of interpreters of the other versions that this code is promised to work with."""
    others = [f"python3.{minor}" for minor in (11, 12, 13) if minor != sys.version_info.minor]
    found = filter(None, map(shutil.which, others))
    return [path for path in found if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0]


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def has_dask() -> bool:
    return all(map(importlib.util.find_spec, ("distributed", "dask_jobqueue")))


def has_every_chapter_s_data() -> bool:
    import chapters

    return not any(map(chapters.missing, chapters.NEEDS))


# What can be lacking, besides paths -> whether it is here.
FINDERS = {
    "a browser": browser,
    "another Python": other_pythons,
    "a CUDA device": has_cuda,
    "timm and transformers": lambda: all(map(importlib.util.find_spec, ("timm", "transformers"))),
    "Dask": has_dask,
    "pidfd_open": lambda: hasattr(os, "pidfd_open"),
    "the data of every chapter": has_every_chapter_s_data,
}


def ledger() -> dict[str, dict[str, str]]:
    """Reason, where `*` stands for anything -> `goes_away` and `allowed_without`."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def accounts(reasons: Iterable[str]) -> tuple[list[str], list[str]]:
    """A line for every reason of skipped tests: of those that the ledger allows, and of the others."""
    allowed, refused = [], []
    for reason, count in sorted(Counter(reasons).items()):
        entry = next((entry for known, entry in ledger().items() if fnmatchcase(reason, known)), None)
        if entry is None:
            refused.append(f"{count} skipped: {reason!r} is not in tests/skips.toml")
        elif _is_here(entry["allowed_without"]):
            refused.append(f"{count} skipped: {reason!r}, though {entry['allowed_without']} is here")
        else:
            allowed.append(f"{count} skipped: {reason}; goes away {entry['goes_away']}")
    return allowed, refused


def _is_here(what: str) -> bool:
    return bool(FINDERS[what]()) if what in FINDERS else (ROOT / what).exists()


def _reported(reporter) -> tuple[list[str], list[str]]:
    return accounts(report.longrepr[2].removeprefix("Skipped: ") for report in reporter.stats.get("skipped", []))


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # the workers of xdist have none
    if reporter and exitstatus == pytest.ExitCode.OK and _reported(reporter)[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    allowed, refused = _reported(terminalreporter)
    if allowed or refused:
        terminalreporter.section("skipped tests")
    for line in allowed:
        terminalreporter.write_line(line)
    for line in refused:
        terminalreporter.write_line(line, red=True)
