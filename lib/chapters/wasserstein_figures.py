"""The picture of Table 1: distances between networks of one family over the width."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.family_widths import union
from lib.similarity.wasserstein_distances import READINGS, Distances, interval


def distances_by_width(distances: Mapping[str, Mapping[str, Sequence[Distances]]],
                       widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a reading of S(f), a line a family with intervals, and the band of two samples of one law.

    The band reaches at each width from the lowest 2.5 % to the highest 97.5 % point of the families that have it.
    """
    figure, axes = figures.subplots(1, len(distances), width=5.4, height=4.2, sharey=True, squeeze=False)
    for axis, (name, families) in zip(axes[0], distances.items()):
        lines = {family: tuple(np.array([interval([found]) for found in populations]).T)
                 for family, populations in families.items()}
        nulls = {width: [found.null for family, populations in families.items()
                         for own, found in zip(widths[family], populations) if own == width] for width in union(widths)}
        axis.fill_between(list(nulls), [min(np.quantile(null, 0.025) for null in of_all) for of_all in nulls.values()],
                          [max(np.quantile(null, 0.975) for null in of_all) for of_all in nulls.values()],
                          color="grey", alpha=0.35, linewidth=0, label="two samples of one law")
        figures.by_width(lines, widths, "mean distance of two networks (cosine)", axis=axis)
        axis.set(title=f"cosines with {READINGS[name].label}")
        axis.label_outer()
        axis.get_legend().remove()
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(families) + 1)
    return figure
