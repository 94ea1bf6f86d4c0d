"""Chapter 10: do the authors' own pictures show what this book's programs find in the authors' own networks?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.figures import shared_legend, subplots
from lib.gates import Gate
from lib.rules import CONTRADICTED, SUPPORTED, UNDECIDED, Judged
from lib.statistics.intervals import Interval
from lib.statistics.sample import Estimated, other_sample
from lib.verdicts import HEADLINE, Claim, Row, judged

DRAWS = 5000  # of other samples: quantiles far out, for many numbers at once


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
        formula=rf"|\text{{picture}} - \text{{here}}| \text{{ within what }} \quad 256 \text{{ other images make: {what}}}",
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


def against_picture(comparisons: Mapping[str, PictureComparison]) -> Figure:
    """Each number in the picture over the number here, with the band of other images and the line of equality."""
    figure, axes = subplots(1, len(comparisons), width=5.2, height=4.4, squeeze=False)
    for axis, (title, found) in zip(axes[0], comparisons.items()):
        low, high = found.band()
        bands = {"color": "#56B4E9", "linewidth": 5, "alpha": 0.6}
        axis.vlines(found.ours, low, high, **bands, label="where 95 % of other samples lie")
        axis.plot(found.ours, found.theirs, "o", color="black", markersize=5, label="picture")
        ends = [min(low.min(), found.theirs.min()), max(high.max(), found.theirs.max())]
        axis.plot(ends, ends, color="#D55E00", linewidth=1.5, linestyle="dashed", label="equal")
        axis.set(title=title, xlabel="here", ylabel="in the released picture")
    shared_legend(figure)
    return figure
