"""The pictures of chapter 4: estimators of E[t], the rank-one law, and the promise."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.chapters.hypotheses import Family
from lib.family_widths import either, union
from lib.similarity.rank_one import coefficients, direction_cosine, power_law, resultants
from lib.statistics.intervals import bounded, cut
from lib.statistics.sample import Sample

DASHES = ("solid", "dashed", "dotted", "dashdot")


def estimators(
    truths: Mapping[str, float], estimates: Mapping[str, Mapping[str, np.ndarray]], networks: Sequence[int]
) -> Figure:
    """A panel a planted population: mean estimates of E[t] over the number of networks, the truth as a line.

    `estimates`: panel -> estimator -> [networks].
    """
    figure, axes = figures.panel_grid(len(truths), len(truths), height=4.0, sharey=True)
    for axis, (title, truth) in zip(axes, truths.items()):
        axis.axhline(truth, color="grey", linewidth=4, alpha=0.5, label="truth")
        for position, (name, values) in enumerate(estimates[title].items()):
            colour, marker = figures.look(name, position)
            # Lines that lie on each other stay visible: markers get smaller from one to the next.
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 11 - 2 * position, "label": name}
            axis.plot(networks, values, linestyle=DASHES[position % 4], **look)
        figures.width_axis(axis, networks, "networks in the population")
        axis.set(title=title, ylim=(0, 1))
    axes[0].set_ylabel("estimate of E[t] (cosine)")
    figures.shared_legend(figure, 3)
    return figure


def rank_one(families: Mapping[str, Sample], per_image: Mapping[str, np.ndarray]) -> Figure:
    """Left: measured rho against exp(a_i + a_j).  Right: share of images whose own fit explains at most so much.

    `per_image`: family -> R^2 of each image's fit, NaN where a similarity was not positive.
    """
    figure, (left, right) = figures.subplots(1, 2, width=figures.PAGE / 2, height=4.4)
    lowest = 1.0
    for position, (family, matrix) in enumerate(families.items()):
        colour, marker = figures.look(family, position)
        pairs = np.triu_indices(len(matrix.networks))
        a = coefficients(matrix.values)
        fitted, measured = np.exp(a[:, None] + a)[pairs], [part[pairs] for part in bounded(matrix.interval(), -1, 1)]
        points: dict[str, Any] = {"fmt": marker, "markersize": 5, "capsize": 0, "elinewidth": 1}
        figures.bars(left, fitted, measured, color=colour, alpha=0.8, label=family, **points)
        lowest = min(lowest, np.nanmin(fitted), np.nanmin(measured[0]))
        found = np.sort(per_image[family][np.isfinite(per_image[family])])
        share = np.arange(1, len(found) + 1) / max(len(found), 1)
        right.plot(found, share, color=colour, label=family, linestyle=DASHES[position % 4])
    ends = np.array([0.8 * lowest, 1])
    left.plot(ends, ends, color="black", linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="exp(a(k₁) + a(k₂)) (cosine)", ylabel="ρ(k₁, k₂) (cosine)")
    left.set_title("averages over images")
    right.set(xlabel="R² of the image's own fit", ylabel="share of the images up to here", xlim=(0, 1))
    right.set_title("single images")
    left.legend()
    return figure


def promise(families: Mapping[str, Family]) -> Figure:
    """Left: R(k), and the power law of all but the last width.  Right: cosines with the widest mean direction."""
    figure, (left, right) = figures.subplots(1, 2, width=figures.PAGE / 2, height=4.4)
    for position, (family, one) in enumerate(families.items()):
        colour, marker = figures.look(family, position)
        own, found = one.widths, bounded(one.matrix.interval(resultants), 0, 1)
        figures.bars(left, own, found, fmt=marker, color=colour, label=family)
        at = np.geomspace(own[0], own[-1], 50)
        left.plot(at, power_law(found[0][:-1], own[:-1], at), color=colour, linestyle="dashed", linewidth=1.2)
        single = [part[-1] for part in found]
        mean = cut(one.matrix.interval(lambda rho: direction_cosine(rho, one.matrix.networks)), -1, 1)
        for shift, interval, face in ((-0.15, single, "white"), (0.15, mean, colour)):
            look: dict[str, Any] = {"fmt": marker, "color": colour, "markerfacecolor": face, "markersize": 8}
            figures.bars(right, [position + shift], interval, **look)
    figures.width_axis(left, union({family: one.widths for family, one in families.items()}))
    left.set(yscale="log", ylabel="E[t] (cosine)", title="dashed: fitted without the last width")
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1) if left.get_ylim()[0] <= tick]
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    left.legend()
    right.set_xticks(range(len(families)), families, rotation=15)
    widest = either(one.widths[-1] for one in families.values())
    right.set(ylim=(0, 1), ylabel="cosine with the widest mean direction")
    right.set_title(f"hollow: one network, k = {widest}\nfilled: mean of all narrower ones")
    return figure
