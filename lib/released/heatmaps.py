"""The two heatmaps that the authors released with their networks: numbers read off them, and how they grow with the width.

17 cnn-small networks for CIFAR-10, one a width; 256 test images; gradients on an 8 x 8 grid for similarities, at full
resolution for attacks.  `heatmaps.json` holds what was read through the colour bars.

With one network a width there is no rho(k, k).  If all widths share a mean direction, it is exp(2 a_k), with a_k from
pairs of different widths; populations tell how good this reading is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.attacks.one_step import PAPER_EPS
from lib.similarity.rank_one import coefficients, growth_exponent
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample

FAMILY = "cnn-small"
# As the axes of both pictures name them, from left to right and from top to bottom.
WIDTHS = (8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
IMAGES = 256  # how many test images the pictures average over
# Of the networks: all of CIFAR-10, and the epochs of the released scripts (the program's default is 200).
DATASET, TRAINING_IMAGES, EPOCHS = "cifar10", 50_000, 100
SIMILARITY, ATTACK = "saliency_similarity.png", "black-box_attack.png"
TOP = 1.0  # where the colours of attack ratios end
# What a run needs to have too, if its numbers are to stand beside a picture's.
MADE_WITH = {SIMILARITY: {"family": FAMILY, "output": "logit", "grid": 8}, ATTACK: {"family": FAMILY, "eps": PAPER_EPS}}
LEAST = 3  # widths for a fit


@dataclass(frozen=True, eq=False)
class Reading:
    """What the cells of a heatmap stand for, by default of all WIDTHS.

    Attributes:
        values: [widths, widths], NaN where a cell is empty.  SIMILARITY: rho_ind, symmetric.  ATTACK: alpha of sources
            (rows) against targets; ratios above TOP have its colour.
        resolution: [widths, widths], half the range of values that share the cell's colour, and one and a half pixels
            of the colour bar.
    """

    values: np.ndarray
    resolution: np.ndarray

    def select(self, widths: Sequence[int]) -> "Reading":
        """The rows and columns of these widths; NaN for a width that the picture does not show."""
        places = [WIDTHS.index(width) if width in WIDTHS else len(WIDTHS) for width in widths]
        padded = (np.pad(part, (0, 1), constant_values=np.nan) for part in (self.values, self.resolution))
        return Reading(*(part[np.ix_(places, places)] for part in padded))


def read(name: str) -> Reading:
    """What was read off the picture SIMILARITY or ATTACK."""
    numbers = json.loads(Path(__file__).with_suffix(".json").read_text())[name]
    return Reading(*(np.array(numbers[part], dtype=float) for part in ("values", "resolution")))  # None becomes NaN


def comparable(name: str, folder: str | Path, widths: Sequence[int], **settings: object) -> tuple[Reading | None, str]:
    """The picture beside the networks of `folder` if their numbers can stand beside it, else None; and a sentence.

    settings: of the networks' numbers, those that `MADE_WITH` names for this picture.
    """
    if not (Path(folder) / name).exists():
        return None, f"{name} is not compared: it does not lie beside the networks."
    made = MADE_WITH[name]
    if other := [what for what in made if made[what] != settings[what]]:
        theirs, ours = (", ".join(f"{what} = {some[what]}" for what in other) for some in (made, settings))
        return None, f"{name} is not compared: it was made with {theirs}, and this run has {ours}."
    reading = read(name)
    chosen = reading.select(widths)
    if not np.isfinite(chosen.values).any():
        return None, f"{name} is not compared: it shows no two of the widths {', '.join(map(str, widths))}."
    return reading, f"{name} is compared; each of its numbers is read to ±{np.nanmax(chosen.resolution):.3f} or better."


def own_similarity(rho: np.ndarray) -> np.ndarray:
    """exp(2 a_k), which stands for rho(k, k), of rho between different widths: [..., widths, widths] -> [..., widths]."""
    return np.exp(2 * coefficients(rho, diagonal=False))


def neighbours(rho: np.ndarray, widths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Geometric mean of each two neighbouring widths, and their similarity: two arrays [widths - 1]."""
    widths = np.asarray(widths, dtype=float)
    return np.sqrt(widths[:-1] * widths[1:]), np.diagonal(rho, 1)


def at_width(picture: np.ndarray, width: int) -> float:
    """exp(2 a_k) of the picture's matrix at any width that it spans, between its own ones by a power law; else NaN."""
    if not WIDTHS[0] <= width <= WIDTHS[-1]:
        return float("nan")
    return float(np.exp(np.interp(np.log(width), np.log(WIDTHS), np.log(own_similarity(picture)))))


@dataclass(frozen=True, eq=False)
class Growth:
    """Exponents b of E[t] ~ k^b, that is rho(k, k) ~ k^2b, over the span of widths that both have.

    Attributes:
        here: of the populations, with its interval over networks and images.
        picture: of the picture, whose networks are taken as they are.
        widths: what the populations were fitted to.
        networks, images: how many there are here.
    """

    here: Interval
    picture: float
    widths: tuple[int, ...]
    networks: int
    images: int

    @property
    def ratio(self) -> Interval:
        """Exponent here over that of the picture."""
        return tuple(part / self.picture for part in self.here)


def compared_growth(matrix: Sample, widths: Sequence[int], picture: np.ndarray) -> Growth | None:
    """Both exponents, from pairs of different widths; None where fewer than `LEAST` widths lie in the other's span."""
    lowest, highest = max(min(widths), WIDTHS[0]), min(max(widths), WIDTHS[-1])
    ours, theirs = ([at for at, width in enumerate(some) if lowest <= width <= highest] for some in (widths, WIDTHS))
    if min(len(ours), len(theirs)) < LEAST:
        return None
    own = tuple(widths[at] for at in ours)

    def exponent(rho: np.ndarray) -> np.ndarray:
        return growth_exponent(rho[..., ours, :][..., ours], own, diagonal=False)

    here = tuple(map(float, matrix.interval(exponent)))
    of_picture = float(growth_exponent(picture[np.ix_(theirs, theirs)], [WIDTHS[at] for at in theirs], diagonal=False))
    return Growth(here, of_picture, own, sum(matrix.networks[at] for at in ours), matrix.images)
