"""Numbers of this book beside those read off a picture that was made from another sample of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.statistics.resampling import other_sample
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim

DRAWS = 5000  # of other samples: quantiles far out, for many numbers at once


@dataclass(frozen=True, eq=False)
class PictureComparison:
    """What a picture shows of several numbers, and what would be expected there.

    Attributes:
        places: what each number is about.
        ours, theirs: [numbers], here over all images and in the picture.
        resolution: [numbers], the reading's.
        others: [draws, numbers], what random samples of as many images as the picture's would give here.
    """

    places: tuple[str, ...]
    ours: np.ndarray
    theirs: np.ndarray
    resolution: np.ndarray
    others: np.ndarray

    def band(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Where the picture's numbers are expected, one at a time: quantiles over `others`, and the resolution."""
        low, high = np.quantile(self.others, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return low - self.resolution, high + self.resolution

    def within(self, level: float = 0.95) -> np.ndarray:
        """Which of the picture's numbers lie in their bands."""
        low, high = self.band(level)
        return (low <= self.theirs) & (self.theirs <= high)

    def table(self) -> pd.DataFrame:
        """A row a number: here, in the picture, the difference, and the band."""
        low, high = self.band()
        return pd.DataFrame({"here": self.ours, "picture": self.theirs, "difference": self.theirs - self.ours,
                             "expected from": low, "to": high, "within": self.within()},
                            index=list(self.places))

    def claim(self, name: str, statement: str, what: str, widest: float, networks: int, images: int) -> Claim:
        """That the picture shows nothing else: every number lies in its band, at a level corrected for how many.

        Undecided if a 95 % band reaches further than `widest` from its middle: it would hold what is something else.
        The number that decides is named: the one furthest out in its corrected band, or that of the widest band.
        """
        count = len(self.theirs)
        low, high = self.band()
        ends = self.band(1 - 0.05 / count)
        out = np.abs(self.theirs - np.mean(ends, axis=0)) / ((ends[1] - ends[0]) / 2)  # 1 at an end of the band
        widths = (high - low) / 2
        if not self.within(1 - 0.05 / count).all():
            verdict, shown, why = CONTRADICTED, out.argmax(), "the furthest outside its band at the corrected level"
        elif widths.max() > widest:
            verdict, shown, why = UNDECIDED, widths.argmax(), f"the one with the widest band, +-{widths.max():.3f}"
        else:
            verdict, shown, why = SUPPORTED, out.argmax(), "the one nearest to an end of its band"
        return Claim(name, statement, f"{what} in the picture less here: {self.places[shown]}, of {count} {why}; "
                     f"{self.within().sum()} of {count} lie in their 95 % bands",
                     *(float(self.theirs[shown] - part[shown]) for part in (self.ours, high, low)), networks, images,
                     "every number in the picture is one that a random sample of as many images can give, with the "
                     f"reading's resolution, at the level 1 - 0.05 / {count}; contradicted if one is not; undecided "
                     f"if a 95 % band is wider than +-{widest:g}", verdict)


def compare(by_image: np.ndarray, theirs: np.ndarray, resolution: np.ndarray, places: Sequence[str], size: int,
            rng: np.random.Generator, top: float = np.inf) -> PictureComparison:
    """Means over images, [n, numbers], beside a picture's, [numbers], that were taken over another sample of `size`.

    `top`: the largest value the picture can show; larger ones count as this one on both sides.
    """
    others = np.minimum(other_sample(by_image, size, rng, DRAWS), top)
    return PictureComparison(tuple(places), np.minimum(np.nanmean(by_image, axis=0), top), np.minimum(theirs, top),
                             resolution, others)
