"""The pictures of directions on the sphere, and of the chance level of a cosine (salience paper, Figs. 1, 4 and 22).

Each function takes data and returns a figure; `lib.figures.show` displays it with its caption.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.figures import PAGE, bars, subplots
from lib.map_figures import heatmaps

# Okabe and Ito's palette in an order whose neighbours also differ in lightness; markers and dashes repeat the order.
COLOURS = ("#E69F00", "#0072B2", "#D55E00", "#56B4E9", "#CC79A7", "#009E73")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("solid", "dashed", "dashdot", "dotted", (0, (5, 1)), (0, (1, 1)))
ELEVATION, AZIMUTH = 20, 30  # degrees, where every sphere is seen from
GREY = "#666666"


def direction(latitude: float, longitude: float) -> np.ndarray:
    """[3] unit vector, in degrees; latitude 0 and longitude 0 face the reader of these figures."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    towards, right, up = _view()
    return np.cos(lat) * np.cos(lon) * towards + np.cos(lat) * np.sin(lon) * right + np.sin(lat) * up


def families_on_spheres(
    panels: Mapping[str, Sequence[np.ndarray]], centres: Mapping[str, Sequence[np.ndarray]], labels: Sequence[str]
) -> Figure:
    """Fig. 1: one sphere a panel; panels[title] holds [n, 3] directions a family, centres[title] their mu [3]."""
    figure, axes = _spheres(panels)
    for ax, (title, families) in zip(axes, panels.items(), strict=True):
        for i, points in enumerate(families):
            front = points @ _view()[0] > 0
            look = {"color": COLOURS[i % 6], "marker": MARKERS[i % 6], "depthshade": False, "linewidths": 0}
            ax.scatter(*points[~front].T, s=14, alpha=0.18, zorder=2, **look)
            ax.scatter(*points[front].T, s=20, alpha=0.8, zorder=4, label=labels[i], **look)
        for i, mu in enumerate(centres[title]):
            _centre(ax, mu, COLOURS[i % 6])
    _legend(figure, axes[0])
    return figure


def caps(panels: Mapping[str, Sequence[tuple[np.ndarray, float]]], labels: Sequence[str]) -> Figure:
    """Fig. 4a: panels[title] holds (mu [3], cosine of the cap's half-angle) of each family."""
    figure, axes = _spheres(panels)
    for ax, families in zip(axes, panels.values(), strict=True):
        for i, (mu, cosine) in enumerate(families):
            rim = _circle(mu, cosine)
            front = rim @ _view()[0] > 0
            look = {"color": COLOURS[i % 6], "linestyle": DASHES[i % 6], "linewidth": 2.6, "zorder": 4}
            for side, alpha, label in ((front, 1.0, labels[i]), (~front, 0.25, None)):
                ax.plot(*np.where(side[:, None], rim, np.nan).T, alpha=alpha, label=label, **look)
            _centre(ax, mu, COLOURS[i % 6])
    _legend(figure, axes[0])
    return figure


def decomposition(
    t: float, families: Sequence[np.ndarray], concentrations: Sequence[float], labels: Sequence[str]
) -> Figure:
    """Fig. 4b: a direction split along mu and across it; densities of t by family, with their exact form.

    Args:
        t: the cosine that the left panel shows.
        families: [n] values of t for each family of three-dimensional directions.
        concentrations: kappa of each family, whose exact density is kappa exp(kappa t) / (2 sinh kappa).
    """
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=4.4)
    _split(left, t)
    grid = np.linspace(-1, 1, 400)
    for i, (values, kappa) in enumerate(zip(families, concentrations, strict=True)):
        right.hist(values, bins=80, range=(-1, 1), density=True, color=COLOURS[i % 6], alpha=0.25)
        exact = np.exp(kappa * (grid - 1)) * kappa / -np.expm1(-2 * kappa)  # the same, safe for a large kappa
        right.plot(grid, exact, color=COLOURS[i % 6], linestyle=DASHES[i % 6], linewidth=2.2, label=labels[i])
    right.axhline(0.5, color="black", linewidth=1.5, label="uniform on the sphere")
    right.set(
        yscale="log",
        ylim=(5e-3, 200),
        xlim=(-1, 1),
        xticks=np.linspace(-1, 1, 5),
        xlabel=r"cosine $t=\mu\cdot u$ (dimensionless)",
        ylabel=r"density of $t$ (dimensionless)",
        title=r"marginal of $t$, $\mu_\perp$ integrated out",
    )
    right.legend(loc="upper left", fontsize=10)
    return figure


def similarity_matrices(panels: Mapping[str, np.ndarray], labels: Sequence[str]) -> Figure:
    """rho(k1, k2) as one heatmap [k, k] a panel, all on one colour scale, with the numbers written in."""
    lowest = min(0.0, *(matrix.min() for matrix in panels.values()))
    names = "width of the second family", "width of the first family"
    label = r"expected similarity $\rho$ (dimensionless)"
    return heatmaps(panels, labels, label, low=lowest, top=1, axes_labels=names)


def chance_level(
    p: np.ndarray,
    tails: Mapping[int, np.ndarray],
    sampled: Mapping[int, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
) -> Figure:
    """Fig. 22: P(Z > p) by dimension, on the left as far as it goes, on the right where it can be sampled.

    Args:
        p: [points] thresholds; tails[dim]: [points] probabilities by the formula.
        sampled: by dim, thresholds, sampled shares and their intervals' ends.
    """
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=4.2)
    points: dict[str, Any] = {"linestyle": "none", "markersize": 6, "markeredgecolor": "black", "markeredgewidth": 0.6}
    for i, (dim, tail) in enumerate(tails.items()):
        colour, shown = COLOURS[i % 6], tail > 0
        for ax in (left, right):
            ax.plot(p[shown], tail[shown], color=colour, linestyle=DASHES[i % 6], linewidth=2.2, label=f"$d={dim}$")
        at, *share = sampled[dim]
        bars(right, at, share, color=colour, marker=MARKERS[i % 6], **points)
    left.set(title="formula", xlim=(0, 0.4), ylim=(1e-120, 2))
    right.set(title="formula (lines), samples (points)", xlim=(0, 1), ylim=(2e-4, 2))
    for ax in (left, right):
        ax.set(yscale="log", xlabel="threshold $p$ of the cosine (dimensionless)", ylabel="$P(Z > p)$ (dimensionless)")
    left.legend(loc="lower left")
    right.legend(loc="upper right")
    return figure


def _view() -> np.ndarray:
    """[3, 3] rows: unit vectors towards the reader, to the right, and up in the picture."""
    lat, lon = np.radians(ELEVATION), np.radians(AZIMUTH)
    towards = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    right = np.array([-np.sin(lon), np.cos(lon), 0.0])
    return np.stack([towards, right, np.cross(towards, right)])


def _circle(mu: np.ndarray, cosine: float, points: int = 361) -> np.ndarray:
    """[points, 3] rim of the cap around mu, the directions at that cosine from it."""
    across = np.linalg.svd(mu[None])[2][1:]  # two unit vectors orthogonal to mu
    angle = np.linspace(0, 2 * np.pi, points)
    rim = np.stack([np.cos(angle), np.sin(angle)], 1) @ across
    return cosine * mu + np.sqrt(1 - cosine**2) * rim


def _spheres(titles: Collection[str]) -> tuple[Figure, np.ndarray]:
    """One pale unit sphere a title, all seen from one place."""
    side = PAGE / len(titles)
    kind = {"projection": "3d", "proj_type": "ortho", "computed_zorder": False}
    figure, axes = subplots(1, len(titles), width=side, height=side + 0.2, squeeze=False, subplot_kw=kind)
    polar, around = np.mgrid[0 : np.pi : 37j, 0 : 2 * np.pi : 73j]
    surface = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.plot_surface(*surface, color="#DDDDDD", alpha=0.25, linewidth=0, zorder=1, shade=False)
        ax.plot_wireframe(*surface, color=GREY, alpha=0.18, linewidth=0.5, rcount=9, ccount=12, zorder=1)
        ax.plot(*_circle(_view()[0], 0.0).T, color=GREY, linewidth=1, zorder=3)
        ax.view_init(ELEVATION, AZIMUTH)
        ax.set_box_aspect((1, 1, 1), zoom=1.42)
        ax.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1), title=title)
        ax.set_axis_off()
    return figure, axes[0]


def _centre(ax: Axes, mu: np.ndarray, colour: str) -> None:
    """The mean direction, as an arrow that leaves the sphere."""
    ax.quiver(*mu, *(0.3 * mu), color="black", linewidth=3.4, arrow_length_ratio=0.35, zorder=5)
    ax.quiver(*mu, *(0.3 * mu), color=colour, linewidth=1.8, arrow_length_ratio=0.35, zorder=6)


def _legend(figure: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def _split(ax: Axes, t: float) -> None:
    """The plane through mu and u: u, its part t mu, and its part sqrt(1 - t^2) mu_perp."""
    s = np.sqrt(1 - t**2)
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=GREY, linewidth=1)
    for start, step, colour in (
        ((0, 0), (0, 1), "#999999"),
        ((0, 0), (1, 0), "#999999"),
        ((0, 0), (0, t), COLOURS[1]),
        ((0, t), (s, 0), COLOURS[2]),
        ((0, 0), (s, t), "black"),
    ):
        ax.quiver(*start, *step, color=colour, angles="xy", scale_units="xy", scale=1, width=0.011, zorder=3)
    for x, y, text, colour, align in (
        (-0.06, t / 2, r"$t\,\mu$", COLOURS[1], "right"),
        (s / 2 - 0.04, t + 0.07, r"$\sqrt{1-t^2}\,\mu_\perp$", COLOURS[2], "center"),
        (s / 2 + 0.08, t / 2 - 0.04, "$u$", "black", "left"),
        (0.04, 1.05, r"$\mu$", GREY, "left"),
        (1.04, 0.04, r"$\mu_\perp$", GREY, "left"),
    ):
        ax.text(x, y, text, color=colour, ha=align, fontsize=12)
    ax.set(
        aspect="equal",
        xlim=(-1.25, 1.25),
        ylim=(-1.25, 1.25),
        title=r"$u=t\,\mu+\sqrt{1-t^2}\,\mu_\perp$",
        xlabel=r"component along $\mu_\perp$ (dimensionless)",
        ylabel=r"component along $\mu$ (dimensionless)",
    )
