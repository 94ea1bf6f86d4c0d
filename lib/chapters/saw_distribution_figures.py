"""The pictures of chapter 5: T_k and its shape (Figs. 7 and 8), stochastic order, and the test of symmetry."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.family_widths import all_steps, union
from lib.sphere.fits import FittedShape, density, log_psi
from lib.sphere.uniform import uniform_logpdf
from lib.statistics.intervals import Interval

COSINE = "t (cosine)"
ENDS = 0.005, 0.995  # psi is drawn between these quantiles of T_k; beyond there are too few values
LEAST_FOR_DECILES = 10  # with fewer networks nine deciles would be drawn between the same two ticks

Cosines = Mapping[str, Mapping[int, np.ndarray]]  # family -> width -> t [networks, images], NaN where there is none


def first_image(families: Cosines) -> Figure:
    """Fig. 7: a panel a family, a histogram a width of the networks' t at one image, cut into tenths by dashed lines.

    `families`: family -> width -> [networks].
    """
    figure, axes = figures.panel_grid(len(families), height=3.9, sharex=True)
    everything = np.concatenate([t for widths in families.values() for t in widths.values()])
    lowest = np.min(everything[np.isfinite(everything)], initial=0)
    bins = np.arange(np.floor(20 * lowest) / 20, 1.001, 0.05)
    for axis, (family, widths) in zip(axes, families.items()):
        for row, (width, t) in enumerate(widths.items()):
            t = t[np.isfinite(t)]
            counts = np.histogram(t, bins)[0]
            heights = row + 0.75 * counts / max(counts.max(), 1)
            axis.stairs(heights, bins, baseline=row, fill=True, color=figures.COLOURS[family], alpha=0.45)
            axis.plot(t, np.full(len(t), row - 0.09), "|", color="black", markersize=6)
            if len(t) >= LEAST_FOR_DECILES:
                tenths = np.quantile(t, np.arange(1, 10) / 10)
                axis.vlines(tenths, row, row + 0.8, color="#B00020", linewidth=1, linestyle="dashed")
        axis.set_yticks(range(len(widths)), [f"k = {width}" for width in widths])
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(title=family, xlabel=COSINE, xlim=(bins[0], 1), ylim=(-0.25, len(widths)))
        axis.grid(False)
        axis.label_outer()
        axis.tick_params(labelleft=True)
    return figure


def densities(families: Cosines, dim: int) -> Figure:
    """Fig. 8, a row a family: histogram and kernel density of T_k with P_origin, log p_k, and log psi_k."""
    figure, axes = figures.subplots(len(families), 3, width=figures.PAGE / 3, height=2.7, squeeze=False, sharex=True)
    lowest = min(np.nanmin(t) for widths in families.values() for t in widths.values())
    bins = np.arange(np.floor(25 * min(lowest, -3 * dim**-0.5)) / 25, 1.001, 0.04)
    grid = np.linspace(max(bins[0], -1), 1, 401)
    origin = uniform_logpdf(grid, dim)
    colours = figures.width_shades(families)
    for row, (family, widths) in zip(axes, families.items()):
        for width, t in widths.items():
            t, colour = t[np.isfinite(t)], colours[width]
            row[0].hist(t, bins=bins, density=True, color=colour, alpha=0.3)
            p = density(t, grid)
            row[0].plot(grid, p, color=colour, label=f"k = {width}")
            row[1].plot(grid, _log(p), color=colour)
            row[2].plot(grid, log_psi(t, grid, dim), color=colour)
        row[0].plot(grid, np.exp(origin), color="black", linestyle="dashed", label=r"$P_\mathrm{origin}$")
        row[1].plot(grid, origin, color="black", linestyle="dashed")
        row[2].axhline(0, color="black", linestyle="dashed", linewidth=1)
        row[1].set_ylim(-6, 3)
        row[0].set_ylabel(f"{family}\ndensity of t")
        row[1].set_ylabel("log p (nats)")
        row[2].set_ylabel("log ψ (nats)")
        row[0].set_xlim(grid[0], 1)
    for axis, title in zip(
        axes[0], ("density of $T_k$", "log density", r"$\log\,\psi_k = \log p_k - \log P_\mathrm{origin}$")
    ):
        axis.set_title(title, fontsize=11)
    for axis in axes[-1]:
        axis.set_xlabel(COSINE)
    figures.shared_legend(figure, first=[f"k = {width}" for width in colours])
    return figure


def fitted_shapes(families: Mapping[str, tuple[np.ndarray, Sequence[FittedShape]]]) -> Figure:
    """Kernel estimate of log p_k with the log densities of fitted shapes; title -> (t [values], fitted shapes)."""
    figure, axes = figures.panel_grid(len(families), height=3.4)
    looks = {
        "exponential": ("#D55E00", "dashed"),
        "quadratic exponential": ("#009E73", "dotted"),
        "power": ("#0072B2", "solid"),
    }
    for axis, (title, (t, shapes)) in zip(axes, families.items()):
        t = t[np.isfinite(t)]
        low, high = np.quantile(t, ENDS)
        grid = np.linspace(low, high, 200)
        axis.plot(grid, _log(density(t, grid)), color="black", linewidth=5, alpha=0.25, label="kernel estimate")
        for fitted in shapes:
            colour, dashes = looks[fitted.name]
            axis.plot(grid, fitted.log_likelihood(grid), color=colour, linestyle=dashes, linewidth=2, label=fitted.name)
        axis.set(title=title, xlabel=COSINE, ylabel="log p (nats)")
    figures.shared_legend(figure)
    return figure


def gains(families: Mapping[str, Mapping[str, Interval]], widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: nats gained per direction by each shape over the exponential, [widths] each."""
    figure, axes = figures.panel_grid(len(families), height=3.4, sharex=True, sharey=True)
    for axis, (family, shapes) in zip(axes, families.items()):
        found = {shape: (widths[family], interval) for shape, interval in shapes.items()}
        figures.lines(axis, found, 1.06, [{"color": colour} for colour in ("#009E73", "#0072B2", "#000000", "#CC79A7")])
        axis.axhline(0, color="black", linewidth=1)
        figures.width_axis(axis, union(widths))
        axis.set(title=family, ylabel="gain (nats per direction)")
        axis.label_outer()
    figures.shared_legend(figure)
    return figure


def order(families: Mapping[str, Sequence[tuple[np.ndarray, Interval]]], widths: Mapping[str, Sequence[int]]) -> Figure:
    """A panel a family: P(T > q) gained at each step of the width, over q, with intervals.

    Each step is (thresholds, (estimate, low, high)).
    """
    figure, axes = figures.panel_grid(len(families), height=3.4, sharex=True, sharey=True)
    names = {step: f"k = {step[0]} → {step[1]}" for step in all_steps(widths)}
    looks = dict(zip(names, zip(figures.shades(len(names)), ("o", "s", "^", "D", "v", "P") * len(names))))
    for axis, (family, steps) in zip(axes, families.items()):
        for step, (q, (estimate, low, high)) in zip(pairwise(widths[family]), steps):
            colour, marker = looks[step]
            axis.plot(q, estimate, color=colour, marker=marker, markersize=3.5, label=names[step])
            axis.fill_between(q, low, high, color=colour, alpha=0.2, linewidth=0)
        axis.axhline(0, color="black", linewidth=1)
        axis.set(title=family, xlabel="threshold q (cosine)", ylabel="change of P(T > q)")
        axis.label_outer()
    figures.shared_legend(figure, first=names.values())
    return figure


def symmetry(
    measured: Mapping[str, Interval], symmetric: Mapping[str, np.ndarray], widths: Mapping[str, Sequence[int]], dim: int
) -> Figure:
    """Effective dimension of mu_perp over the width; hollow: populations made symmetric, [widths] each."""
    axis = figures.subplots(width=7.2, height=4.4)[1]
    for family, values in symmetric.items():
        hollow = {"color": figures.COLOURS[family], "marker": figures.MARKERS[family], "markerfacecolor": "white"}
        axis.plot(widths[family], values, linestyle="none", **hollow)
    # An end without bound is drawn at the number of dimensions, above everything else.
    bounded = {family: tuple(np.minimum(part, dim) for part in values) for family, values in measured.items()}
    figures.by_width(bounded, widths, "effective dimension of $\\mu_\\perp$", axis=axis)
    axis.axhline(dim - 1, color="black", linestyle="dashed", linewidth=1)
    axis.set_ylim(0, 1.12 * dim)
    axis.legend(ncols=2, loc="lower right")
    return axis.figure


def _log(values: np.ndarray) -> np.ndarray:
    """log, with NaN where nothing is."""
    return np.log(values, where=values > 0, out=np.full(np.shape(values), np.nan))
