"""The pictures of the book: one look, readable without colour vision, captions that say how many of what."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
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


def panel_grid(count: int, columns: int = 2, **options) -> tuple[Figure, list[Axes]]:
    """Panels in rows of two, or of so many `columns`, which fill the width of a page unless `width` is given."""
    size, columns = {"width": PAGE / columns}, min(count, columns)
    figure, axes = subplots(-(-count // columns), columns, squeeze=False, **size | options)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def by_width(
    families: Mapping[str, Interval],
    widths: Widths,
    label: str,
    *,
    log: bool = False,
    axis: Axes | None = None,
    legend: bool = True,
) -> Figure:
    """One line a family over the width k, with its intervals; each value is (estimate, low, high), [widths] each."""
    axis = axis or subplots()[1]
    widths = by_family(widths, families)
    lines(axis, {family: (widths[family], interval) for family, interval in families.items()})
    width_axis(axis, union(widths))
    axis.set(ylabel=label, yscale="log" if log else "linear")
    if legend and len(families) > 4:  # no corner is free then
        axis.figure.legend(loc="outside right center")
    elif legend:
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


def lines(
    axis: Axes,
    found: Mapping[str, tuple[ArrayLike, Interval]],
    apart: float = 1.03,
    looks: Iterable[Mapping[str, Any]] = (),
    **more: Any,
) -> None:
    """A line each with its intervals, name -> places and (estimate, low, high), in the look of its position or in `looks`.

    Places are moved by the factor `apart` from line to line, so that bars do not hide others.
    """
    for position, ((name, (places, interval)), own) in enumerate(zip(found.items(), chain(looks, repeat({})))):
        shifted = np.asarray(places) * apart ** (position - (len(found) - 1) / 2)
        colour, marker = look(name, position)
        bars(axis, shifted, interval, **{"color": colour, "marker": marker, "label": name} | more | dict(own))


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


def shared_legend(
    figure: Figure, columns: int = 6, first: Iterable[str] = (), where: str = "lower center", **options: Any
) -> None:
    """One legend outside of all panels, each label once: those named `first`, then all others, in so many columns at most."""
    found: dict = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            found.setdefault(label, handle)
    labels = [label for label in dict.fromkeys([*first, *found]) if label in found]
    options |= {"loc": f"outside {where}", "ncols": min(len(labels), columns)}
    figure.legend([found[label] for label in labels], labels, **options)


def width_axis(axis: Axes, widths: Sequence[float], label: str = "width k (multiplier of the channels)") -> None:
    """A logarithmic axis of widths, or of other sizes with this `label`, that names each of them."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(widths, [f"{width:g}" for width in widths])
    axis.xaxis.minorticks_off()
    axis.set_xlabel(label)


def loss_axis(axis: Axes) -> None:
    """A logarithmic axis with plain numbers, three of them or more, after all is drawn."""
    axis.set(yscale="log", ylabel="test loss (nats)")
    lowest, highest = axis.get_ylim()
    wide = [digit * 10.0**power for power in range(-6, 2) for digit in (1, 2, 5)]
    narrow = MaxNLocator(5).tick_values(lowest, highest)
    inside = [[tick for tick in ticks if lowest <= tick <= highest] for ticks in (wide, narrow)]
    ticks = inside[0] if len(inside[0]) > 2 else inside[1]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.yaxis.set_minor_locator(NullLocator())


def by_size(axis: Axes, sizes: Sequence[int], interval: Interval, widths: Sequence[int], label: str) -> None:
    """A line a width with intervals, [widths, sizes] each, over sizes on a logarithmic axis that names them."""
    found = {f"k = {width}": (sizes, of_width) for width, *of_width in zip(widths, *interval)}
    looks = [{"color": colour, "marker": "os^Dv"[place % 5]} for place, colour in enumerate(shades(len(widths)))]
    lines(axis, found, 1.04, looks, markersize=5, capsize=2)
    width_axis(axis, sizes, label)


def curves(families: Mapping[str, Mapping[int, np.ndarray]], label: str) -> Figure:
    """A panel a family: mean curve over the networks at each width with the band that holds all of them.

    `families`: family -> width -> [networks, epochs].
    """
    figure, axes = panel_grid(len(families), height=3.2, sharex=True, sharey=True)
    colours = width_shades(families)
    for axis, (family, widths) in zip(axes, families.items()):
        for width, values in widths.items():
            band_of_curves(axis, np.arange(1, values.shape[1] + 1), values, colours[width], f"k = {width}")
        axis.set(title=family, xlabel="epoch", ylabel=label, yscale="log")
        axis.label_outer()
    shared_legend(figure, 1, [f"k = {width}" for width in colours], "right center")
    return figure


def band_of_curves(axis: Axes, places: ArrayLike, values: np.ndarray, colour: Any, label: str) -> None:
    """The mean of curves [networks, places] with the band that holds all of them."""
    axis.plot(places, values.mean(0), color=colour, label=label)
    axis.fill_between(places, values.min(0), values.max(0), color=colour, alpha=0.25, linewidth=0)


def against_equality(panels: Mapping[str, Mapping[str, tuple[Interval, Interval]]], label: str) -> Figure:
    """A panel a family: foretold over measured on logarithmic axes with the line of equality, a colour for each kind.

    panels: family -> kind -> measured and foretold.  Points that are not positive are not drawn; dotted: a quarter off.
    """
    figure, axes = panel_grid(len(panels), height=4.2)
    names = list(dict.fromkeys(name for kinds in panels.values() for name in kinds))
    for axis, (title, kinds) in zip(axes, panels.items()):
        for name, (measured, found) in kinds.items():
            colour, marker = look(name, names.index(name))
            looks: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 5, "capsize": 2, "elinewidth": 0.8}
            x, y = (tuple(np.ravel(part) for part in some) for some in (measured, found))
            bars(axis, x[0], y, label=name, **looks)
            bars(axis, y[0], x, sideways=True, **looks)
        ends = [end for both in kinds.values() for some in both for end in np.ravel(some[0]) if end > 0]
        line = np.array([0.8 * min(ends), 1.25 * max(ends)])
        axis.plot(line, line, color="black", linewidth=1)
        for side in (line / 1.25, line * 1.25):
            axis.plot(line, side, color="grey", linestyle="dotted", linewidth=1)
        axis.set(title=title, xscale="log", yscale="log", xlim=line, ylim=line)
        axis.set(xlabel=f"measured {label}", ylabel=f"foretold {label}")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(LogLocator(subs=(1, 2, 5)))
            side.set_major_formatter(FormatStrFormatter("%g"))
            side.set_minor_formatter(NullFormatter())
    shared_legend(figure, 2, names)
    return figure
