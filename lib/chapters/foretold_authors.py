"""Chapter 21: do some of the authors' released networks foretell the others?  There is one a width, read off two pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.chapters.foretold import NEAR, OWN, size
from lib.chapters.hypotheses import OFF
from lib.rules import below
from lib.similarity.foretold import from_near, log_ratio
from lib.similarity.rank_one import coefficients, pairs, power_law
from lib.statistics.sample import Sample, jackknifed
from lib.verdicts import HEADLINE, Row

REACH = 2  # places in the list of widths that count as near


@dataclass(frozen=True, eq=False)
class Picture:
    """What was read off the authors' pictures, of single networks: similarities, 1 - alpha (rows: sources), and widths.

    Losses that are not positive, where the picture's colours end, are not looked at.
    """

    similarity: np.ndarray
    losses: np.ndarray
    widths: Sequence[int]

    def without(self, place: int) -> "Picture":
        """With one network less."""
        similarity, losses = (np.delete(np.delete(one, place, 0), place, 1) for one in (self.similarity, self.losses))
        return Picture(similarity, losses, [*self.widths[:place], *self.widths[place + 1 :]])

    @property
    def far(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of pairs of networks more than REACH places apart."""
        rows, columns = np.triu_indices(len(self.widths), REACH + 1)
        return rows, columns

    @property
    def half(self) -> int:
        """How many of the networks are narrow."""
        return len(self.widths) // 2

    def far_errors(self) -> np.ndarray:
        """log of foretold over measured similarity of far pairs, from near ones."""
        return log_ratio(from_near(self.similarity, REACH), self.similarity)[self.far]

    def wide_errors(self) -> np.ndarray:
        """log of foretold over measured similarity of two wide networks, by a power law through the narrow ones."""
        narrow, wide = slice(self.half), slice(self.half, None)
        own = np.exp(coefficients(self.similarity[narrow, narrow], diagonal=False))
        r = power_law(own, self.widths[narrow], self.widths[wide])
        return pairs(log_ratio(np.outer(r, r), self.similarity[wide, wide]))

    def source_exponent(self) -> float:
        """b of 1 - alpha(k1, k2) ~ R_k1^b at each target, by least squares of logarithms; 1 where R foretells attacks."""
        known = (self.losses > 0) & ~np.eye(len(self.losses), dtype=bool)
        x = np.where(known, coefficients(self.similarity, diagonal=False)[:, None], np.nan)
        y = np.log(np.where(known, self.losses, np.nan))
        x, y = x - np.nanmean(x, axis=0), y - np.nanmean(y, axis=0)
        return float(np.nansum(x * y) / np.nansum(x**2))

    def numbers(self) -> np.ndarray:
        """What the claims are about: size of the far errors, factor of the wide ones, exponent of the sources."""
        return np.array([size(self.far_errors()), np.exp(self.wide_errors().mean()), self.source_exponent()])

    def sample(self, images: int) -> Sample:
        """`numbers`, each network left out in turn; images are what they are."""
        without = np.stack([self.without(place).numbers() for place in range(len(self.widths))])
        return jackknifed(self.numbers(), [without], images)


AUTHORS = (
    Row(
        "21-authors-matrix",
        "Similarities of neighbouring widths foretell those of all others, in the authors' released networks.",
        OWN,
        "root mean square over far pairs of the logarithm of foretold over measured",
        of=lambda found: found.estimated(lambda numbers: numbers[..., 0]).cut(0, np.inf),
        rule=below(OFF),
        level=HEADLINE,
        formula=r"\log \rho_{ij} \approx a_i + a_j \quad \text{with } a \text{ from near pairs}",
    ),
    Row(
        "21-authors-widths",
        "The narrow half of the authors' released networks foretells the similarities of the wide half.",
        OWN,
        "foretold over measured similarity, geometric mean over pairs of wide networks",
        of=lambda found: found.estimated(lambda numbers: numbers[..., 1]),
        rule=NEAR,
        level=HEADLINE,
        formula=r"\rho(k_1, k_2) \approx \hat R_{k_1} \hat R_{k_2}, \quad \hat R_k \sim k^b \text{ through the narrow half}",
    ),
    Row(
        "21-authors-attack",
        "Similarities foretell which of the authors' released networks attack best, and by how much.",
        OWN,
        "exponent b of 1 - α(k1, k2) ~ R_k1^b at each target",
        of=lambda found: found.estimated(lambda numbers: numbers[..., 2]),
        rule=NEAR,
        level=HEADLINE,
        formula=r"1 - \alpha(k_1, k_2) \sim R_{k_1}",
    ),
)
