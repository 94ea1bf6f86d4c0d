"""Chapter 10: what do this book's programs find in the authors' own networks?

There is one network a width, so intervals come from images alone.  Similarities and attack ratios are [..., widths, widths],
NaN on the diagonal; of attacks the rows are the sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import rankdata

from lib.chapters.black_box_attack import fall_a_doubling
from lib.chapters.hypotheses import OFF
from lib.figures import bars, figure_of, look, subplots, width_axis
from lib.gates import Gate
from lib.rules import above, below
from lib.rules_of_several import every
from lib.similarity import rank_one
from lib.similarity.rank_one import pairs
from lib.statistics.intervals import Interval
from lib.statistics.sample import Estimated, Sample
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged

HERE, PICTURE = "here", "released picture"
Lines = Mapping[str, tuple[Sequence[int], Interval]]  # name -> its widths, (estimate, low, high)


def pair_names(widths: Sequence[int]) -> list[str]:
    """k1, k2 of every pair of different widths, in the order of `pairs`."""
    return [f"k = {widths[i]}, {widths[j]}" for i, j in combinations(range(len(widths)), 2)]


def width_order(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Spearman's correlation of k1 k2 and rho over pairs of different widths: -> [...]."""
    ranks = rankdata(pairs(rho), axis=-1)
    products = rankdata(pairs(np.outer(widths, widths)))
    ranks, products = ranks - ranks.mean(-1, keepdims=True), products - products.mean()
    return (ranks @ products) / np.sqrt((ranks**2).sum(-1) * (products @ products))


def rises(rho: np.ndarray) -> np.ndarray:
    """rho with the widest of the other networks less that with the narrowest, for every network: -> [..., widths]."""
    rows = np.arange(rho.shape[-1])
    narrowest, widest = np.where(rows == 0, 1, 0), np.where(rows == rows[-1], rows[-1] - 1, rows[-1])
    return rho[..., rows, widest] - rho[..., rows, narrowest]


def source_means(alpha: np.ndarray) -> np.ndarray:
    """Mean over the other networks as targets: -> [..., widths]."""
    return np.nanmean(alpha, axis=-1)


def target_means(alpha: np.ndarray) -> np.ndarray:
    """Mean over the other networks as sources: -> [..., widths]."""
    return np.nanmean(alpha, axis=-2)


@dataclass(frozen=True)
class Released:
    """Numbers of one network a width: `sample`, [widths] or [widths, widths].

    chance: what 97.5 % of the similarities of two untrained networks stay below.
    """

    sample: Sample
    widths: Sequence[int]
    chance: float = np.nan

    def estimated(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Estimated:
        return self.sample.estimated(statistic, len(self.widths))


ACCURACY = Row(
    "10-accuracy",
    "Each wider network of the released ones classifies better than the one before.",
    "ours",
    "rise of the accuracy at a step of the width",
    lambda found: found.estimated(lambda right: np.diff(right, axis=-1)),
    rule=every(above(0)),
    places=lambda found: [f"k = {a} to {b}" for a, b in zip(found.widths, found.widths[1:])],
    bounds=(-1, 1),
)
SIMILARITY = (
    Row(
        "10-above-chance",
        "All pairs of released networks are alike beyond chance.",
        "ours",
        "rho_ind, where 97.5 % of pairs of untrained networks stay below {chance}",
        lambda found: found.estimated(pairs),
        rule=lambda found: every(above(found.chance)),
        told="all 95 % intervals above what 97.5 % of pairs of untrained networks stay below; contradicted if one lies below, "
        "at a level corrected for their number",
        places=lambda found: pair_names(found.widths),
        level=MACHINERY,
        bounds=(-1, 1),
    ),
    Row(
        "10-width",
        "Released networks get more alike when either gets wider.",
        "Great Minds, abstract; Fig. 2; released pictures",
        "rho(k, widest other) - rho(k, narrowest other), for every k",
        lambda found: found.estimated(rises),
        rule=every(above(0)),
        places=lambda found: [f"k = {width}" for width in found.widths],
        level=HEADLINE,
        bounds=(-2, 2),
        formula=r"\rho(k, k_{\max}) > \rho(k, k_{\min}) \quad \text{for every } k",
    ),
    Row(
        "10-rank-one",
        "The similarity of two released networks is a product of one number for each of them.",
        "ours, of H1 and H2",
        "root mean square residual of log rho_ij = a_i + a_j over pairs, a share of rho",
        lambda found: found.estimated(lambda rho: rank_one.residual_size(rho, diagonal=False)).cut(0, np.inf),
        rule=below(OFF),
    ),
)
ATTACKS = (
    Row(
        "10-wide-sources",
        "Wide released networks attack better than narrow ones.",
        "Great Minds, Fig. 25; released pictures",
        "fall of α when the source width doubles, by least squares",
        lambda found: found.estimated(lambda alpha: fall_a_doubling(source_means(alpha), found.widths)),
        level=HEADLINE,
        formula=r"-\frac{\Delta\, \mathbb{E}_{k_2}\, \alpha(k_1, k_2)}{\Delta \log_2 k_1} > 0",
    ),
    Row(
        "10-target-little",
        "An attack on a released network depends less on its own width than on the source's.",
        "Great Minds, Fig. 25; released pictures",
        "standard deviation of α over source widths less that over target widths",
        lambda found: found.estimated(lambda alpha: source_means(alpha).std(-1) - target_means(alpha).std(-1)),
    ),
)


def accuracy_claims(right: Sample, widths: Sequence[int], gates: Sequence[Gate]) -> list[Claim]:
    """`right`: shares of images that are classified rightly, [widths]; the same images for all networks."""
    return judged([ACCURACY], Released(right, widths), gates)


def similarity_claims(rho: Sample, widths: Sequence[int], chance: float, gates: Sequence[Gate]) -> list[Claim]:
    """Beyond `chance`, growing with either width, and of rank one."""
    return judged(SIMILARITY, Released(rho, widths, chance), gates, chance=f"{chance:.4f}")


def attack_claims(alpha: Sample, widths: Sequence[int], gates: Sequence[Gate]) -> list[Claim]:
    """Source and target widths; lower is stronger."""
    return judged(ATTACKS, Released(alpha, widths), gates)


def over_width(lines: Lines, label: str, axis: Axes | None = None) -> Figure:
    """A line each over its own widths; no bars where low is the estimate."""
    axis = axis or subplots(width=7)[1]
    for position, (name, (widths, interval)) in enumerate(lines.items()):
        colour, marker = look(name, 3 * position)  # black and blue
        bars(axis, widths, interval, label=name, color=colour, marker=marker, zorder=3 - position)
    longest = max((list(widths) for widths, _ in lines.values()), key=len)
    width_axis(axis, longest)
    axis.tick_params(axis="x", labelrotation=60 if len(longest) > 8 else 0)
    axis.set_ylabel(label)
    if len(lines) > 1:
        axis.legend()
    return figure_of(axis)


def attack_means(sources: Lines, targets: Lines) -> Figure:
    """alpha averaged over targets, over the source width, and averaged over sources, over the target width."""
    figure, (left, right) = subplots(1, 2, width=5.6, height=4.2, sharey=True)
    over_width(sources, "α, mean over targets (ratio)", left)
    over_width(targets, "α, mean over sources (ratio)", right)
    left.set_xlabel("source width k")
    right.set_xlabel("target width k")
    return figure
