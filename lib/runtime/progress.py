"""One look for every progress bar: what is being done, how far it is, and the time left."""

import sys

from tqdm import tqdm

FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"


def progress(total: float, description: str, delay: float = 0) -> tqdm:
    """A bar on standard error, `with progress(...) as bar: bar.update(done)`; it goes away when the work is done.

    delay: seconds before it shows, so that short work goes without one.
    """
    return tqdm(total=total, desc=description, bar_format=FORMAT, mininterval=1, ncols=100, leave=False,
                file=sys.stderr, delay=delay)
