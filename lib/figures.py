"""The pictures of the book: one look, readable without colour vision, captions that say how many of what."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lib.family_widths import Widths, by_family, union
from lib.statistics.intervals import Interval

# Okabe and Ito's palette, told apart with every kind of colour vision; markers repeat the distinction.
COLOURS = {"cnn-small": "#0072B2", "cnn-large": "#56B4E9", "resnet-small": "#D55E00", "resnet-large": "#E69F00"}
MARKERS = {"cnn-small": "o", "cnn-large": "s", "resnet-small": "^", "resnet-large": "D"}
SIMILARITY = 0.7  # end of the colours of expected similarities: one scale in all chapters and studies
PAGE = 9.2  # inches, the width of a figure of several panels; wider ones are scaled down until nobody can read them
STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.1,
    "image.cmap": "viridis",
}


def show(figure: Figure, caption: str) -> None:
    """Display a figure with its caption below, and close it.  Captions name the numbers behind the figure."""
    display(figure)
    display(Markdown(caption))
    plt.close(figure)


def subplots(rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float = 4.2, **options):
    """`matplotlib.pyplot.subplots` in the book's style; sizes in inches for one panel."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width * columns, height * rows), **options)


def panel_grid(count: int, **options) -> tuple[Figure, list[Axes]]:
    """Panels in rows of two, large enough to be read on a page."""
    columns = min(count, 2)
    figure, axes = subplots(-(-count // columns), columns, squeeze=False, **options)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def by_width(
    families: Mapping[str, Interval], widths: Widths, label: str, *, log: bool = False, axis: Axes | None = None
) -> Figure:
    """One line a family over the width k, with its intervals; each value is (estimate, low, high), [widths] each."""
    axis = axis or subplots()[1]
    widths = by_family(widths, families)
    for position, (family, interval) in enumerate(families.items()):
        # So that bars do not hide others.
        shifted = np.asarray(widths[family]) * 1.03 ** (position - (len(families) - 1) / 2)
        colour, marker = look(family, position)
        bars(axis, shifted, interval, label=family, color=colour, marker=marker)
    width_axis(axis, union(widths))
    axis.set(ylabel=label, yscale="log" if log else "linear")
    if len(families) > 4:  # no corner is free then
        axis.figure.legend(loc="outside right center")
    else:
        axis.legend()
    return figure_of(axis)


def figure_of(axis: Axes) -> Figure:
    """The figure that an axis stands in."""
    assert isinstance(axis.figure, Figure)  # the book has no figures within figures
    return axis.figure


def bars(axis: Axes, at: ArrayLike, interval: Interval, *, sideways: bool = False, **look: Any) -> None:
    """Estimates with their intervals as error bars at places of the x axis, `sideways` of the y axis."""
    estimate, low, high = map(np.atleast_1d, interval)
    lengths = np.abs([estimate - low, high - estimate])
    places = (estimate, at, None, lengths) if sideways else (at, estimate, lengths, None)
    axis.errorbar(*places, **{"capsize": 3} | look)


def dots(axis: Axes, rows: ArrayLike, interval: Interval, name: str, position: int, **more: object) -> None:
    """Estimates as dots in rows, their intervals along the x axis, in the look of what stands at this position."""
    colour, marker = look(name, position)
    looks = {"fmt": marker, "color": colour, "label": name, "markersize": 5, "capsize": 2}
    bars(axis, rows, interval, sideways=True, **looks | more)


def look(name: str, position: int) -> tuple[str, str]:
    """Colour and marker of a family, or of whatever else stands at this position of a legend."""
    colours = "#000000", "#009E73", "#CC79A7", "#0072B2", "#D55E00"
    markers = "o", "s", "^", "D", "v", "P", "X"  # their number shares no factor with the colours': pairs differ longer
    return COLOURS.get(name, colours[position % 5]), MARKERS.get(name, markers[position % 7])


def shades(count: int) -> np.ndarray:
    """Colours of so many widths, dark to light, told apart in print too: [count, 4]."""
    return plt.get_cmap("cividis")(np.linspace(0, 0.9, count))


def width_shades(widths: Mapping[str, Iterable[int]]) -> dict[int, np.ndarray]:
    """The colour of every width that some family has, the same in all panels."""
    return dict(zip(union(widths), shades(len(union(widths)))))


def legend_entries(axes: Iterable[Axes], first: Iterable[str] = ()) -> tuple[list, list[str]]:
    """Handles and labels of several panels, each label once: those named `first`, then all others."""
    found: dict = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            found.setdefault(label, handle)
    labels = list(dict.fromkeys([*first, *found]))
    return [found[label] for label in labels], labels


def legend_below(figure: Figure, axes: Iterable[Axes], first: Iterable[str] = (), columns: int = 6) -> None:
    """One legend below all panels, as `legend_entries`, in so many columns at most."""
    handles, labels = legend_entries(axes, first)
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), columns))


def width_axis(axis: Axes, widths: Sequence[float], label: str = "width k (multiplier of the channels)") -> None:
    """A logarithmic axis of widths, or of other sizes with this `label`, that names each of them."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(widths, [f"{width:g}" for width in widths])
    axis.xaxis.minorticks_off()
    axis.set_xlabel(label)


def by_size(axis: Axes, sizes: Sequence[int], interval: Interval, widths: Sequence[int], label: str) -> None:
    """A line a width with intervals, [widths, sizes] each, over sizes on a logarithmic axis that names them."""
    for position, (width, colour, *found) in enumerate(zip(widths, shades(len(widths)), *interval)):
        shifted = np.asarray(sizes) * 1.04 ** (position - (len(widths) - 1) / 2)  # so that bars do not hide others
        marker = "os^Dv"[position % 5]
        bars(axis, shifted, found, color=colour, marker=marker, markersize=5, capsize=2, label=f"k = {width}")
    width_axis(axis, sizes, label)


def curves(families: Mapping[str, Mapping[int, np.ndarray]], label: str) -> Figure:
    """A panel a family: mean curve over the networks at each width with the band that holds all of them.

    `families`: family -> width -> [networks, epochs].
    """
    figure, axes = panel_grid(len(families), width=4.6, height=3.2, sharex=True, sharey=True)
    colours = width_shades(families)
    for axis, (family, widths) in zip(axes, families.items()):
        for width, values in widths.items():
            epochs = np.arange(1, values.shape[1] + 1)
            axis.plot(epochs, values.mean(0), color=colours[width], label=f"k = {width}")
            axis.fill_between(epochs, values.min(0), values.max(0), color=colours[width], alpha=0.25, linewidth=0)
        axis.set(title=family, xlabel="epoch", ylabel=label, yscale="log")
        axis.label_outer()
    figure.legend(*legend_entries(axes, [f"k = {width}" for width in colours]), loc="outside right center")
    return figure
