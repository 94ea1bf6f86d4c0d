"""Under nbval, chapters whose data is missing on this machine are skipped, with the path that would bring them back.

pytest looks for this file beside the notebooks that it collects.
"""

from pathlib import Path

import pytest

import chapters


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent and (absent := chapters.missing(item.path.stem)):
            reason = f"needs {' and '.join(absent)}, seen from the root of the checkout"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Kernels show no progress bars: the committed pages have none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        return (yield)
