"""The pictures of the book: one look, readable without colour vision, captions that say how many of what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.cka.blocks import Block
from lib.family_widths import Widths, all_steps, by_family, union
from lib.statistics.intervals import Interval

# Okabe and Ito's palette, told apart with every kind of colour vision; markers repeat the distinction.
COLOURS = {"cnn-small": "#0072B2", "cnn-large": "#56B4E9", "resnet-small": "#D55E00", "resnet-large": "#E69F00"}
MARKERS = {"cnn-small": "o", "cnn-large": "s", "resnet-small": "^", "resnet-large": "D"}
SIMILARITY = 0.7  # end of the colours of expected similarities: one scale in all chapters and studies
PAGE = 9.2  # inches, the width of a figure of several panels; wider ones are scaled down until nobody can read them
STYLE = {
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
    return axis.figure


def bars(axis: Axes, at: Sequence[float], interval: Interval, *, sideways: bool = False, **look: object) -> None:
    """Estimates with their intervals as error bars at places of the x axis, `sideways` of the y axis."""
    estimate, low, high = map(np.atleast_1d, interval)
    lengths = np.abs([estimate - low, high - estimate])
    places = (estimate, at, None, lengths) if sideways else (at, estimate, lengths, None)
    axis.errorbar(*places, **{"capsize": 3} | look)


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


def width_axis(axis: Axes, widths: Sequence[int], label: str = "width k (multiplier of the channels)") -> None:
    """A logarithmic axis of widths, or of other sizes with this `label`, that names each of them."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(widths, [str(width) for width in widths])
    axis.minorticks_off()
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


def heatmaps(
    panels: Mapping[str, np.ndarray],
    widths: Widths,
    label: str,
    half_widths: Mapping[str, np.ndarray] | None = None,
    low: float = 0,
    top: float | None = None,
    axes_labels: tuple[str, str] = ("width k1", "width k2"),
) -> Figure:
    """A panel a family: [widths, widths] values in the cells, below them the half width of the interval if given.

    Colours go from `low` to `top`, by default the largest value.  `axes_labels`: of the columns and of the rows.
    """
    figure, axes = panel_grid(len(panels), width=4.6, height=4.2)
    widths = by_family(widths, panels)
    top = max(np.nanmax(values) for values in panels.values()) if top is None else top
    for axis, (title, values) in zip(axes, panels.items()):
        image = heatmap(axis, values, widths[title], top, (half_widths or {}).get(title), low)
        axis.set(title=title, xlabel=axes_labels[0], ylabel=axes_labels[1])
    figure.colorbar(image, ax=axes, label=label, shrink=0.7, pad=0.02)
    return figure


def heatmap(
    axis: Axes,
    values: np.ndarray,
    widths: Sequence[int],
    top: float,
    half_widths: np.ndarray | None = None,
    low: float = 0,
):
    """One similarity matrix over k1 and k2, colours from `low` to `top`, its numbers in the cells."""
    image = axis.imshow(values, vmin=low, vmax=top, origin="lower")
    axis.grid(False)
    for row, column in np.ndindex(values.shape):
        known = np.isfinite(values[row, column])
        text = f"{values[row, column]:z.2f}" if known else "–"
        if half_widths is not None and np.isfinite(half_widths[row, column]):
            text += f"\n±{half_widths[row, column]:.2f}"
        axis.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if known and values[row, column] <= low + 0.6 * (top - low) else "black",
        )
    ticks = range(len(widths))
    axis.set_xticks(ticks, widths)
    axis.set_yticks(ticks, widths)
    axis.set(xlabel="width k1", ylabel="width k2")
    return image


def cell_numbers(
    axis: Axes, values: np.ndarray, text: Callable[[float], str], dark: Callable[[float], bool], size: float = 9
) -> None:
    """The numbers of a map [rows, columns] in its cells, white on those that are dark; no grid."""
    axis.grid(False)
    for (row, column), value in np.ndenumerate(values):
        axis.text(
            column, row, text(value), ha="center", va="center", fontsize=size, color="white" if dark(value) else "black"
        )


def frame(axis: Axes, rows: Block, columns: Block | None = None, *, colour: str = "#D55E00", width: float = 2) -> None:
    """A frame about the block of a layer map, or about those of two networks, whose layers are its rows and columns.

    Nothing is drawn where one of them is too short to be a block.
    """
    columns = rows if columns is None else columns
    if rows.exists and columns.exists:
        corner = columns.start - 0.5, rows.start - 0.5
        axis.add_patch(
            Rectangle(corner, len(columns), len(rows), fill=False, edgecolor=colour, linewidth=width, clip_on=False)
        )


def population_cosines(values: np.ndarray, family_of: Sequence[str], width_of: Sequence[int]) -> Figure:
    """Corrected mean-direction cosines of all populations, families framed, the mean of each frame written in.

    `family_of`, `width_of`: of each population; those of a family stand together.
    """
    figure, axis = subplots(width=7.6, height=6.6)
    image = axis.imshow(values, vmin=0, vmax=1, origin="lower")
    places = {family: np.flatnonzero(np.array(family_of) == family) for family in dict.fromkeys(family_of)}
    for rows, columns in product(places.values(), places.values()):
        block = values[np.ix_(rows, columns)]
        mean = np.nanmean(block[~np.eye(len(block), dtype=bool)] if rows is columns else block)
        axis.text(
            columns.mean(),
            rows.mean(),
            f"{mean:.2f}",
            ha="center",
            va="center",
            fontsize=13,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2},
        )
    for rows in list(places.values())[1:]:
        axis.axhline(rows[0] - 0.5, color="white", linewidth=2)
        axis.axvline(rows[0] - 0.5, color="white", linewidth=2)
    ticks = range(len(family_of))
    axis.set_xticks(ticks, [str(width) for width in width_of], fontsize=8)
    axis.set_yticks(ticks, [str(width) for width in width_of], fontsize=8)
    axis.grid(False)
    for family, rows in places.items():
        middle = (rows.mean() + 0.5) / len(family_of)
        axis.annotate(family, (middle, -0.055), xycoords="axes fraction", ha="center", va="top")
        axis.annotate(family, (-0.055, middle), xycoords="axes fraction", ha="right", va="center", rotation=90)
    axis.set_xlabel("width k and family", labelpad=22)
    axis.set_ylabel("width k and family", labelpad=24)
    figure.colorbar(image, ax=axis, label="corrected cosine of mean directions", shrink=0.8)
    return figure


def steps(families: Mapping[str, Interval], widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: each change to the next width with its interval, [widths, widths - 1] each, colour by row."""
    figure, axes = panel_grid(len(families), width=4.6, height=3.2, sharex=True, sharey=True)
    colours, moves = width_shades(widths), all_steps(widths)
    for axis, (family, interval) in zip(axes, families.items()):
        places = np.array([moves.index(move) for move in pairwise(widths[family])])
        for row, width in enumerate(widths[family]):
            shifted = places + 0.13 * (list(colours).index(width) - (len(colours) - 1) / 2)
            bars(
                axis,
                shifted,
                [part[row] for part in interval],
                fmt="o",
                markersize=4,
                capsize=2,
                color=colours[width],
                label=f"other k = {width}",
            )
        axis.axhline(0, color="black", linewidth=1)
        axis.set_xticks(range(len(moves)), [f"{a}→{b}" for a, b in moves])
        axis.set(title=family, xlabel="step of the width k", ylabel="change of ρ (cosine)")
        axis.label_outer()
    figure.legend(*legend_entries(axes, [f"other k = {width}" for width in colours]), loc="outside right center")
    return figure


def gradient_gallery(images: np.ndarray, columns: Mapping[str, np.ndarray], titles: Sequence[str]) -> Figure:
    """A row an image: the image, then its gradient in every column, each scaled to its own largest entry.

    `images`: [rows, height, width, channels], from 0 to 1, grey or colour; `columns`: title -> [rows, height, width],
    signed; `titles`: one a row.
    """
    figure, axes = subplots(len(images), 1 + len(columns), width=1.45, height=1.5, squeeze=False)
    for row, panels in enumerate(axes):
        panels[0].imshow(images[row], cmap="gray", vmin=0, vmax=1)  # the map is of grey images alone
        panels[0].set_ylabel(fill(titles[row], 14), fontsize=9)
        for panel, gradients in zip(panels[1:], columns.values()):
            scale = np.abs(gradients[row]).max() or 1
            image = panel.imshow(gradients[row] / scale, cmap="PuOr", vmin=-1, vmax=1)
        for panel in panels:
            panel.grid(False)
            panel.spines[:].set_visible(False)
            panel.set(xticks=[], yticks=[])
    for panel, title in zip(axes[0], ("image", *columns)):
        panel.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, label="gradient / its largest entry", shrink=0.6, pad=0.02)
    return figure


def main_result(
    family: str,
    values: np.ndarray,
    diagonals: Mapping[str, Interval],
    widths: Mapping[str, Sequence[int]],
    chance: tuple[float, float],
) -> Figure:
    """The trend in one picture: one family's similarity matrix, and rho(k, k) of all families over k."""
    figure, (left, right) = subplots(1, 2, width=5.6, height=4.4, gridspec_kw={"width_ratios": [1, 1.2]})
    image = heatmap(left, values, widths[family], SIMILARITY)
    left.set_title(f"{family}: similarity between widths")
    figure.colorbar(image, ax=left, label="expected similarity (cosine)", shrink=0.8)
    by_width(diagonals, widths, "expected similarity ρ(k, k) (cosine)", axis=right)
    right.axhspan(*chance, color="grey", alpha=0.5)
    right.annotate("untrained networks", (union(widths)[-1], chance[1]), ha="right", va="bottom", fontsize=9)
    right.set(title="Two networks of one width", ylim=(min(-0.03, chance[0]), None))
    return figure
