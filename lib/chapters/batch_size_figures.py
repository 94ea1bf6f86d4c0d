"""The pictures of chapter 8: similarity, loss and accuracy over the batch size (Fig. 18), and similarity over loss."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from lib.effects.batch_size import Protocols
from lib.effects.paired import UNITS, Measures, by_population
from lib.figures import PAGE, look, shades, subplots, width_axis
from lib.statistics.intervals import Interval

MARKERS = "o", "s", "^", "D", "v"
LABELS = {"similarity": "similarity ρ(k, k)"}


def over_batch_size(families: Mapping[str, Measures], protocols: Protocols, widths: Sequence[int], name: str) -> Figure:
    """The paper's Fig. 18, one measure: a row a family, a column a protocol, a line with intervals a width."""
    figure, axes = subplots(len(families), len(protocols), width=PAGE / len(protocols), height=2.9, sharex=True,
                            sharey=True, squeeze=False)
    for row, (family, measures) in zip(axes, families.items()):
        estimates, lows, highs = by_population(measures, name)
        for axis, (protocol, recipes) in zip(row, protocols.items()):
            places = [measures.recipes.index(recipe) for recipe in recipes]
            line_a_width(axis, [recipe.batch_size for recipe in recipes],
                         [part[:, places] for part in (estimates, lows, highs)], widths, "batch size (images)")
            axis.label_outer()
            axis.set_title(f"{family}, {protocol}", fontsize=10)
        row[0].set_ylabel(f"{LABELS.get(name, name)} ({UNITS[name]})")
    if name == "test loss":
        axes[0, 0].set_yscale("log")  # of all: they share it
        axes[0, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(widths), 6))
    return figure


def similarity_over_loss(families: Mapping[str, Measures], protocols: Protocols, widths: Sequence[int]) -> Figure:
    """rho(k, k) over the training loss reached: a row a family, a column a width, a line a protocol, larger markers for
    larger batches."""
    figure, axes = subplots(len(families), len(widths), width=PAGE / min(len(widths), 3), height=2.9, sharex="col",
                            squeeze=False)
    for row, (family, measures) in zip(axes, families.items()):
        for axis, width, similarity, losses in zip(row, widths, measures.similarity, measures.training_loss):
            for position, (protocol, recipes) in enumerate(protocols.items()):
                places = [measures.recipes.index(recipe) for recipe in recipes]
                colour, marker = look(protocol, position)
                x, y = losses.mean(0)[places], similarity.values[places]
                axis.plot(x, y, color=colour, linewidth=1.2, alpha=0.7)
                axis.scatter(x, y, s=14 * 2.0 ** np.arange(len(places)), color=colour, marker=marker, alpha=0.6,
                             linewidths=0, label=protocol)
            axis.set_title(f"{family}, k = {width}", fontsize=10)
        row[0].set_ylabel("similarity ρ(k, k) (cosine)")
    for axis in axes[-1]:
        axis.set(xlabel="training loss (nats)", xscale="log")
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(protocols))
    return figure


def line_a_width(axis: Axes, sizes: Sequence[int], found: Interval, widths: Sequence[int], label: str) -> None:
    """Lines with intervals, [widths, sizes] each, over sizes on a logarithmic axis that names them."""
    for position, (width, colour, middle, low, high) in enumerate(zip(widths, shades(len(widths)), *found)):
        shifted = np.asarray(sizes) * 1.04 ** (position - (len(widths) - 1) / 2)  # so that bars do not hide others
        axis.errorbar(shifted, middle, [middle - low, high - middle], color=colour,
                      marker=MARKERS[position % len(MARKERS)], markersize=5, capsize=2, label=f"k = {width}")
    width_axis(axis, sizes, label)
