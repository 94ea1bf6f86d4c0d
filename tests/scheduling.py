"""How xdist deals tests out to its processes: one by one, but what shares something costly together.

`--dist loadgroup`, which is meant for that, does nothing with pytest 9.2 (pytest-xdist issue 1386).
"""

from functools import cache
from pathlib import Path

import pytest


@cache
def stays_together(file: Path) -> bool:
    """Whether the tests of a file go to one process: cells of a notebook, and a module that makes fixtures once."""
    return file.suffix == ".ipynb" or 'scope="module"' in file.read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return file if stays_together(config.rootpath / file) else nodeid

    return Scheduler(config, log) if config.getvalue("dist") == "load" else None
