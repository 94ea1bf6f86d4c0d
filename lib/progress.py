"""One look for every progress bar: what is done, out of how much, and the time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"


@contextmanager
def progress(total: float, description: str) -> Iterator[tqdm]:
    """A bar on standard error with the time left; in a notebook it goes away when the work is done.

    Stored outputs must not hold a bar: it would differ at every run, and standard error fails the build of the book.
    """
    with tqdm(total=total, desc=description, bar_format=FORMAT, mininterval=1, ncols=100, file=sys.stderr) as bar:
        yield bar
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import clear_output
        clear_output()
