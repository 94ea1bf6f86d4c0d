"""Chapter 10: do this book's programs find in the authors' own networks what the authors' own pictures show?

There is one network a width, so intervals come from images alone.  Similarities and attack ratios are [..., widths, widths],
NaN on the diagonal; of attacks the rows are the sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lib.chapters.black_box_attack import fall_a_doubling
from lib.chapters.hypotheses import OFF
from lib.gates import Gate
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Judged, above, below, every
from lib.similarity import rank_one
from lib.statistics.intervals import Interval
from lib.statistics.resampling import other_sample
from lib.statistics.sample import Estimated, Sample
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged

DRAWS = 5000  # of other samples: quantiles far out, for many numbers at once


def pair_names(widths: Sequence[int]) -> list[str]:
    """k1, k2 of every pair of different widths, in the order of `pairs`."""
    return [f"k = {widths[i]}, {widths[j]}" for i, j in zip(*np.triu_indices(len(widths), 1))]


def pairs(square: np.ndarray) -> np.ndarray:
    """The upper triangle: [..., widths, widths] -> [..., pairs]."""
    return square[..., *np.triu_indices(square.shape[-1], 1)]


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


@dataclass(frozen=True, eq=False)
class PictureComparison:
    """What a picture shows of several numbers, and what would be expected there.

    Attributes:
        places: what each number is about.
        ours, theirs: [numbers], here over all images and in the picture.
        resolution: [numbers], the reading's.
        others: [draws, numbers], what random samples of as many images as the picture's would give here.
        images: how many there are here.
    """

    places: tuple[str, ...]
    ours: np.ndarray
    theirs: np.ndarray
    resolution: np.ndarray
    others: np.ndarray
    images: int

    def band(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Where the picture's numbers are expected, one at a time: quantiles over `others`, and the resolution."""
        low, high = np.quantile(self.others, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return low - self.resolution, high + self.resolution

    def difference(self, level: float = 0.95) -> Interval:
        """The picture's numbers less those here; an interval holds zero where the number lies in its band."""
        low, high = self.band(level)
        return self.theirs - self.ours, self.theirs - high, self.theirs - low

    def table(self) -> pd.DataFrame:
        """A row a number: here, in the picture, the difference, and the band."""
        low, high = self.band()
        columns = {"here": self.ours, "picture": self.theirs, "difference": self.theirs - self.ours}
        columns |= {"expected from": low, "to": high, "within": (low <= self.theirs) & (self.theirs <= high)}
        return pd.DataFrame(columns, index=list(self.places))


def compare(
    by_image: np.ndarray,
    theirs: np.ndarray,
    resolution: np.ndarray,
    places: Sequence[str],
    size: int,
    rng: np.random.Generator,
    top: float = np.inf,
) -> PictureComparison:
    """Means over images, [n, numbers], beside a picture's, [numbers], that were taken over another sample of `size`.

    `top`: the largest value the picture can show; larger ones count as this one on both sides.
    """
    others = np.minimum(other_sample(by_image, size, rng, DRAWS), top)
    ours = np.minimum(np.nanmean(by_image, axis=0), top)
    return PictureComparison(tuple(places), ours, np.minimum(theirs, top), resolution, others, len(by_image))


@dataclass(frozen=True)
class Equal:
    """Every difference may be none; undecided where an interval is so wide that it would hold what is something else."""

    widest: float  # half of a 95 % interval

    def judge(self, found: Estimated, places: Sequence[str] = (), level: float = 0.95) -> Judged:
        """The number that decides is named: the one furthest out in its corrected interval, or that of the widest."""
        difference, low, high = found.interval(level)
        count, widths = len(difference), (high - low) / 2
        ends = found.interval(1 - (1 - level) / count)[1:]
        out = np.abs(np.mean(ends, axis=0)) / ((ends[1] - ends[0]) / 2)  # 1 where zero is an end
        if (ends[0] > 0).any() or (ends[1] < 0).any():
            verdict, shown, why = CONTRADICTED, out.argmax(), "the furthest outside its band at the corrected level"
        elif widths.max() > self.widest:
            verdict, shown, why = UNDECIDED, widths.argmax(), f"the one with the widest band, +-{widths.max():.3f}"
        else:
            verdict, shown, why = SUPPORTED, out.argmax(), "the one nearest to an end of its band"
        inside = ((low <= 0) & (high >= 0)).sum()
        note = f": {places[shown]}, of {count} {why}; {inside} of {count} lie in their 95 % bands"
        return Judged(float(difference[shown]), float(low[shown]), float(high[shown]), verdict, note)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """What the numbers are held against."""
        return (0.0,)

    def __str__(self) -> str:
        return (
            "every number in the picture is one that a random sample of as many images can give, with the reading's "
            "resolution, at a level corrected for their number; contradicted if one is not; undecided if a 95 % band is "
            f"wider than +-{self.widest:g}"
        )


def _of_picture(what: str, widest: float, source: str) -> Row:
    return Row(
        f"10-picture-{what.replace(' ', '-')}",
        f"The released picture of the {what} shows what this book finds.",
        source,
        f"{what} in the picture less here",
        lambda at: Estimated(at[0].difference, at[1], at[0].images),
        rule=Equal(widest),
        places=lambda at: at[0].places,
        level=HEADLINE,
        formula=rf"|\text{{picture}} - \text{{here}}| \text{{ within what }} 256 \text{{ other images make: {what}}}",
    )


PICTURES = {
    "similarity": _of_picture("similarity", 0.05, "released pictures; Great Minds, Fig. 2"),
    "attack ratio": _of_picture("attack ratio", 0.2, "released pictures; Great Minds, Fig. 25"),
}


def picture_claims(comparisons: Mapping[str, PictureComparison], networks: int, gates: Sequence[Gate]) -> list[Claim]:
    """One for each picture that is compared."""
    return [
        claim for what, found in comparisons.items() for claim in judged([PICTURES[what]], (found, networks), gates)
    ]
