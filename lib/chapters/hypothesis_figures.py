"""The pictures of chapter 4: estimators of E[t], mean directions, the rank-one law, and the promise."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.family_widths import either, union
from lib.figures import PAGE, look, subplots, width_axis
from lib.similarity.rank_one import coefficients, direction_cosine, power_law, resultants
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample


def estimators(truths: Mapping[str, float], estimates: Mapping[str, Mapping[str, np.ndarray]], networks: Sequence[int]
               ) -> Figure:
    """A panel a planted population: mean estimates of E[t] over the number of networks, the truth as a line.

    `estimates`: panel -> estimator -> [networks].
    """
    figure, axes = subplots(1, len(truths), width=PAGE / len(truths), height=4.0, squeeze=False, sharey=True)
    for axis, (title, truth) in zip(axes[0], truths.items()):
        axis.axhline(truth, color="grey", linewidth=4, alpha=0.5, label="truth")
        for position, (name, values) in enumerate(estimates[title].items()):
            colour, marker = look(name, position)
            # Lines that lie on each other stay visible: markers get smaller from one to the next.
            axis.plot(networks, values, color=colour, marker=marker, label=name, markersize=11 - 2 * position,
                      linestyle=("solid", "dashed", "dotted", "dashdot")[position % 4])
        axis.set_xscale("log")
        axis.set_xticks(networks, [str(count) for count in networks])
        axis.minorticks_off()
        axis.set(title=title, xlabel="networks in the population", ylim=(0, 1))
    axes[0, 0].set_ylabel("estimate of E[t] (cosine)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


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
        axis.text(columns.mean(), rows.mean(), f"{mean:.2f}", ha="center", va="center",
                  fontsize=13, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2})
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


def rank_one(families: Mapping[str, Sample], per_image: Mapping[str, np.ndarray]) -> Figure:
    """Left: measured rho against exp(a_i + a_j).  Right: share of images whose own fit explains at most so much.

    `per_image`: family -> R^2 of each image's fit, NaN where a similarity was not positive.
    """
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=4.4)
    lowest = 1.0
    for position, (family, matrix) in enumerate(families.items()):
        colour, marker = look(family, position)
        pairs = np.triu_indices(len(matrix.networks))
        a = coefficients(matrix.values)
        fitted = np.exp(a[:, None] + a)[pairs]
        measured, low, high = (part[pairs] for part in matrix.interval())
        left.errorbar(fitted, measured, [measured - low, high - measured], fmt=marker, markersize=5, color=colour,
                      alpha=0.8, label=family, elinewidth=1)
        lowest = min(lowest, np.nanmin(fitted), np.nanmin(measured))
        found = np.sort(per_image[family][np.isfinite(per_image[family])])
        right.plot(found, np.arange(1, len(found) + 1) / max(len(found), 1), color=colour, label=family,
                   linestyle=("solid", "dashed", "dotted", "dashdot")[position % 4])
    ends = np.array([0.8 * lowest, 1])
    left.plot(ends, ends, color="black", linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="exp(a(k1) + a(k2)) (cosine)", ylabel="ρ(k1, k2) (cosine)",
             title="averages over images")
    right.set(xlabel="R² of the image's own fit", ylabel="share of the images up to here", xlim=(0, 1),
              title="single images")
    left.legend()
    return figure


def promise(families: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> Figure:
    """Left: R(k), and the power law of all but the last width.  Right: cosines with the widest mean direction."""
    figure, (left, right) = subplots(1, 2, width=PAGE / 2, height=4.4)
    for position, (family, matrix) in enumerate(families.items()):
        colour, marker = look(family, position)
        own = widths[family]
        at = np.geomspace(own[0], own[-1], 50)
        estimate, low, high = matrix.interval(resultants)
        left.errorbar(own, estimate, [estimate - low, high - estimate], fmt=marker, color=colour, capsize=3,
                      label=family)
        left.plot(at, power_law(estimate[:-1], own[:-1], at), color=colour, linestyle="dashed", linewidth=1.2)
        single = [part[-1] for part in matrix.interval(resultants)]
        mean = matrix.interval(lambda rho: direction_cosine(rho, matrix.networks))
        _bar(right, position - 0.15, single, colour, "white", marker)
        _bar(right, position + 0.15, mean, colour, colour, marker)
    width_axis(left, union(widths))
    left.set(yscale="log", ylabel="E[t] (cosine)", title="dashed: fitted without the last width")
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1) if left.get_ylim()[0] <= tick]
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    left.legend()
    right.set_xticks(range(len(families)), families, rotation=15)
    widest = either(own[-1] for own in widths.values())
    right.set(ylim=(0, 1), ylabel="cosine with the widest mean direction",
              title=f"hollow: one network, k = {widest}\nfilled: mean of all narrower ones")
    return figure


def _bar(axis: Axes, place: float, interval: Interval, colour: str, face: str, marker: str) -> None:
    estimate, low, high = interval
    axis.errorbar([place], [estimate], [[estimate - low], [high - estimate]], fmt=marker, color=colour, capsize=3,
                  markerfacecolor=face, markersize=8)
