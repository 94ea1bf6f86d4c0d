"""How similarity within a width grows with it, here and in the authors' released picture of one network a width.

With one network a width there is no rho(k, k).  If all widths share a mean direction, it is exp(2 a_k), with a_k from
pairs of different widths (fact sheet 5); this is the reading of the picture, and populations tell how good it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.released.released_pictures import WIDTHS
from lib.similarity.rank_one import coefficients, growth_exponent
from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample

# Of the picture's networks: all of CIFAR-10, and the epochs of the released scripts (the program's default is 200).
DATASET, TRAINING_IMAGES, EPOCHS = "cifar10", 50_000, 100
LEAST = 3  # widths for a fit


def own_similarity(rho: np.ndarray) -> np.ndarray:
    """exp(2 a_k), which stands for rho(k, k), of similarities between different widths: [..., widths, widths] ->
    [..., widths]."""
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
        widths, picture_widths: what the two were fitted to.
        networks, images: how many there are here.
    """

    here: Interval
    picture: float
    widths: tuple[int, ...]
    picture_widths: tuple[int, ...]
    networks: int
    images: int

    @property
    def ratio(self) -> Interval:
        """Exponent here over that of the picture."""
        return tuple(part / self.picture for part in self.here)


def compared_growth(matrix: Sample, widths: Sequence[int], picture: np.ndarray) -> Growth | None:
    """Both exponents, from pairs of different widths; None where fewer than `LEAST` widths lie in the other's span."""
    lowest, highest = max(min(widths), WIDTHS[0]), min(max(widths), WIDTHS[-1])
    ours, theirs = ([place for place, width in enumerate(some) if lowest <= width <= highest]
                    for some in (widths, WIDTHS))
    if min(len(ours), len(theirs)) < LEAST:
        return None
    own, other = ([some[place] for place in places] for some, places in ((widths, ours), (WIDTHS, theirs)))
    of_picture = float(growth_exponent(picture[np.ix_(theirs, theirs)], other, diagonal=False))

    def exponent(rho: np.ndarray) -> np.ndarray:
        return growth_exponent(rho[..., ours, :][..., ours], own, diagonal=False)

    here = tuple(map(float, matrix.interval(exponent)))
    return Growth(here, of_picture, tuple(own), tuple(other), sum(matrix.networks[place] for place in ours),
                  matrix.images)
