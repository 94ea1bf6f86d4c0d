"""Chapter 13: what do linear probes and deleted residual blocks say of the block structure?"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.cka.block_effects import BlockMeasures, inside_and_outside, plateaus, rank_correlations
from lib.cka.blocks import mean_where
from lib.figures import PAGE, panel_grid, shared_legend, subplots
from lib.gates import LEAST_NETWORKS, Gate
from lib.map_figures import frame, layer_map
from lib.rules import above, below
from lib.rules_of_several import every
from lib.statistics.contrasts import estimated_means, known_interval, known_values, slope_within, varying
from lib.statistics.intervals import bounded, in_brackets
from lib.statistics.sample import Estimated
from lib.training.wide_and_deep import Architecture
from lib.verdicts import DETAIL, HEADLINE, Claim, Row, judged

Found = Mapping[Architecture, BlockMeasures]
AFTER, BEFORE, BOUNDARY = "#0072B2", "#D55E00", "#009E73"

# attribute of BlockMeasures -> what it is called
QUANTITIES = {
    "gain": "probe accuracy gained by a block",
    "lead": "probe accuracy after − before the addition",
    "cost": "accuracy lost by deleting a block",
}


def contrast(measures: BlockMeasures, quantity: str) -> np.ndarray:
    """One of QUANTITIES outside the block structure less inside, [networks]; NaN for a network without both."""
    inside, outside = inside_and_outside(measures, getattr(measures, quantity))
    return outside - inside


def lead_inside(measures: BlockMeasures) -> np.ndarray:
    """Probe accuracy after less before the addition, mean over the blocks inside: [networks]."""
    return mean_where(measures.lead, measures.inside)


def slope_on_share(found: Found) -> Estimated:
    """Slope of the mean loss over all deletions on the share of the layers in the block structure."""
    shares = {key: np.array([one.share() for one in measures.structures]) for key, measures in found.items()}
    losses = {key: measures.loss for key, measures in found.items()}
    return Estimated(partial(slope_within, shares, losses), varying(shares), images_of(found))


def images_of(found: Found) -> int:
    """How many images the accuracies are measured on."""
    return next(iter(found.values())).images


def _everywhere(
    name: str,
    says: str,
    figure: int,
    statistic: str,
    value: Callable[[BlockMeasures], np.ndarray],
    bounds: tuple[float, float] = (-2, 2),
    level: str = DETAIL,
    formula: str = "",
) -> Row:
    """The claim that the mean over networks is above 0 in every architecture that has enough networks with a value."""

    def values(found: Found) -> dict[Architecture, np.ndarray]:
        return {key: value(measures) for key, measures in found.items()}

    return Row(
        f"13-{name}",
        says,
        f"Wide and Deep, Fig. {figure}",
        statistic,
        lambda found: estimated_means(values(found), float, LEAST_NETWORKS, images_of(found)),
        rule=every(above(0)),
        places=lambda found: list(map(str, known_values(values(found), float, LEAST_NETWORKS))),
        level=level,
        bounds=bounds,
        formula=formula,
    )


CLAIMS = (
    _everywhere(
        "probe-rises-without-block",
        "Without a block structure the accuracy of linear probes rises with depth.",
        4,
        "rank correlation of depth and probe accuracy",
        rank_correlations,
        (-1, 1),
    ),
    _everywhere(
        "probe-gain-smaller-in-block",
        "Residual blocks inside the block structure add less to the accuracy of linear probes than those outside.",
        4,
        f"{QUANTITIES['gain']}, outside − inside (share of images)",
        lambda measures: contrast(measures, "gain"),
        level=HEADLINE,
        formula=r"\overline{a_{l+1} - a_l}^{\,\mathrm{outside}} > \overline{a_{l+1} - a_l}^{\,\mathrm{inside}}",
    ),
    _everywhere(
        "after-exceeds-before-in-block",
        "Inside the block structure probes are better after the residual addition than before it.",
        4,
        f"{QUANTITIES['lead']}, inside (share of images)",
        lead_inside,
        (-1, 1),
    ),
    _everywhere(
        "deletion-cheaper-in-block",
        "Deleting a residual block inside the block structure costs less accuracy than deleting one outside.",
        5,
        f"{QUANTITIES['cost']}, outside − inside (share of images)",
        lambda measures: contrast(measures, "cost"),
        level=HEADLINE,
        formula=r"\overline{\mathrm{cost}}^{\,\mathrm{outside}} > \overline{\mathrm{cost}}^{\,\mathrm{inside}}",
    ),
    Row(
        "13-deletion-cheaper-with-larger-block",
        "Among networks of one architecture, deletions cost those with a larger block structure less accuracy.",
        "Wide and Deep, Fig. 5",
        "slope of the mean loss of accuracy over all deletions on the share of the layers in the block structure, an "
        "intercept for every architecture",
        slope_on_share,
        rule=below(0),
    ),
)


def probe_claims(found: Found, fit: Sequence[Gate]) -> list[Claim]:
    """Three claims on probes and two on deletions; `fit`: what the networks have learnt."""
    return judged(CLAIMS, found, fit)


def networks_table(found: Found) -> pd.DataFrame:
    """A row an architecture; what is listed has one number a network."""
    return pd.DataFrame(
        [
            {
                "architecture": str(key),
                "with a block structure": f"{measures.inside.any(1).sum()} of {len(measures.whole)}",
                "residual blocks": measures.inside.shape[1],
                "inside": _listed(measures.inside.sum(1)),
                "mean accuracy": f"{measures.whole.mean():.3f}",
                "of the probe at the stem": f"{measures.after[:, 0].mean():.3f}",
                "after the last addition": f"{measures.after[:, -1].mean():.3f}",
                "plateau (blocks)": _listed(plateaus(measures)),
                "mean loss over all deletions": _listed(np.round(measures.loss, 3)),
            }
            for key, measures in found.items()
        ]
    )


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values)


def effects_table(found: Found) -> pd.DataFrame:
    """A row an architecture and quantity: means over the blocks inside and over those outside, each over the networks
    with a block structure that have such blocks, the difference over those that have both, and the mean over all
    blocks of the networks without a block structure; with intervals over networks."""
    rows = []
    for key, measures in found.items():
        inside, having = measures.inside, measures.inside.any(1)
        for name, words in QUANTITIES.items():
            values = getattr(measures, name)
            columns = {
                "inside": mean_where(values, inside),
                "outside": np.where(having, mean_where(values, ~inside), np.nan),
                "outside − inside": contrast(measures, name),
                "networks without": np.where(having, np.nan, mean_where(values, np.ones_like(inside))),
            }
            written = {column: _mean_and_count(one) for column, one in columns.items()}
            rows.append({"architecture": str(key), "quantity": words, **written})
    return pd.DataFrame(rows)


def _mean_and_count(values: np.ndarray) -> str:
    return f"{in_brackets(bounded(known_interval(values), -1, 1), '+.3f')} ({np.isfinite(values).sum()})"


def probes(found: Found) -> Figure:
    """A column an architecture: the first network's CKA map, its block structure outlined, above the probe accuracy of
    all networks, thin, and their mean, thick, with a bar for each network's block structure."""
    figure, axes = subplots(2, len(found), width=PAGE / len(found), height=3.1, squeeze=False, sharex="col")
    for (upper, lower), (key, measures) in zip(axes.T, found.items()):
        image = layer_map(upper, measures.maps[0], aspect="auto")
        upper.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        frame(upper, measures.structures[0], colour=BEFORE)
        upper.set_title(str(key))
        layers = np.arange(measures.after.shape[1])
        lines(lower, layers, measures.after, AFTER, "after the addition", "-")
        lines(lower, layers[1:], measures.before, BEFORE, "before it", "--")
        lower.set_xlabel("layer (number)")
    structure_bars(axes[1], list(found.values()), "block structure, one bar a network")
    axes[0, 0].set_ylabel("layer (number)")
    axes[1, 0].set_ylabel("probe accuracy (share)")
    figure.colorbar(image, ax=axes[0], label="CKA", pad=0.02)
    shared_legend(figure, 3)
    return figure


def deletions(found: Found) -> Figure:
    """A panel an architecture: accuracy without a block and all behind it in its stage, over that block's number."""
    figure, axes = panel_grid(len(found), len(found), height=3.6)
    for axis, (key, measures) in zip(axes, found.items()):
        blocks = 1 + np.arange(measures.deleted.shape[1])
        lines(axis, blocks, measures.deleted, AFTER, "this block and all behind it in its stage deleted", "-")
        axis.axhline(measures.whole.mean(), color="grey", linewidth=1.5, label="whole networks, mean")
        for place in np.flatnonzero(np.diff(measures.stages)):
            axis.axvline(place + 1.5, color=BOUNDARY, linewidth=1, label="boundary of two stages")
        axis.set_title(str(key))
        axis.set_xlabel("first block deleted (number)")
    structure_bars(axes, list(found.values()), "blocks inside the block structure, one bar a network", skipped=1)
    axes[0].set_ylabel("test accuracy (share)")
    shared_legend(figure, 2)
    return figure


def lines(axis: Axes, places: np.ndarray, values: np.ndarray, colour: str, label: str, style: str) -> None:
    """A thin line a network, and their mean: values [networks, places]; NaN leaves a gap."""
    axis.plot(places, values.T, style, color=colour, linewidth=0.8, marker=".", markersize=2, alpha=0.45)
    axis.plot(places, values.mean(0), style, color=colour, linewidth=2.2, marker="o", markersize=3, label=label)


def structure_bars(axes: Sequence[Axes], found: Sequence[BlockMeasures], label: str, skipped: int = 0) -> None:
    """One height for all panels, and at their foot a bar for each network over the layers of its block structure, less
    the first `skipped` of them; the first network's bar is on top."""
    low, high = np.transpose([axis.get_ylim() for axis in axes])
    low, high = low.min(), high.max()
    count = max(len(measures.structures) for measures in found)
    step = min(0.035, 0.25 / (count + 1))  # of the panel's height
    for axis, measures in zip(axes, found):
        axis.set_ylim(high - (high - low) / (1 - step * (count + 1)), high)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        for row, structure in enumerate(measures.structures):
            if structure.share():
                y, foot = step * (count - row), axis.get_xaxis_transform()
                line: dict[str, Any] = {"color": "black", "linewidth": 2, "transform": foot, "label": label}
                axis.hlines(y, structure.start + skipped, structure.stop - 1, **line)
