"""Numbers of every two networks or groups as labelled tables."""

from collections.abc import Mapping, Sequence

import pandas as pd

from lib.statistics.intervals import Interval


def pair_table(
    names: Sequence[str], pairs: Sequence[tuple[int, int]], measures: Mapping[str, Interval], index: Sequence[str]
) -> pd.DataFrame:
    """A row for each of the pairs, named as `index` says, and columns (measure, estimate | low | high).

    measures: name -> (estimate, low, high), each [names, names].
    """
    columns = {
        (name, end): [values[pair] for pair in pairs]
        for name, interval in measures.items()
        for end, values in zip(("estimate", "low", "high"), interval)
    }
    rows = pd.MultiIndex.from_tuples([(names[i], names[j]) for i, j in pairs], names=index)
    return pd.DataFrame(columns, rows)
