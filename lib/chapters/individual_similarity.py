"""Chapter 3: do input gradients get more alike with width, and beyond chance?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.gates import Gate
from lib.rules import above
from lib.rules_of_several import Share, every
from lib.statistics.sample import Sample
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged


@dataclass(frozen=True)
class Growth:
    """rho(k1, k2) of one family, and the ends of the band that holds 95 % of pairs of its untrained networks."""

    matrix: Sample
    widths: Sequence[int]
    chance: tuple[float, float]

    @property
    def words(self) -> dict[str, object]:
        """What fills the rows' texts beside the family's name."""
        return {"narrowest": self.widths[0], "widest": self.widths[-1], "chance": f"{self.chance[1]:.3f}"}


def steps(rho: np.ndarray) -> np.ndarray:
    """Change of rho(k1, k2) when k2 moves to the next width: [..., widths, widths] -> [..., widths, widths - 1]."""
    return np.diff(rho, axis=-1)


def rises(rho: np.ndarray) -> np.ndarray:
    """rho(k, widest) - rho(k, narrowest) beside every width k: [..., widths, widths] -> [..., widths]."""
    return rho[..., :, -1] - rho[..., :, 0]


GROWTH = (
    Row(
        "03-growth-{family}",
        "Networks of {family} get more alike when either gets wider.",
        "Great Minds, abstract; Figs 2, 12",
        "rho(k, {widest}) - rho(k, {narrowest}) beside every width k",
        of=lambda growth: growth.matrix.estimated(rises),
        rule=every(above(0)),
        places=lambda growth: [f"beside k = {width}" for width in growth.widths],
        level=HEADLINE,
        formula=r"\rho(k, k_{\max}) > \rho(k, k_{\min}) \quad \text{for every } k",
    ),
    Row(
        "03-range-{family}",
        "The widest networks of {family} are more alike than the narrowest.",
        "Great Minds, Fig. 12",
        "rho({widest}, {widest}) - rho({narrowest}, {narrowest})",
        of=lambda growth: growth.matrix.estimated(lambda rho: rho[..., -1, -1] - rho[..., 0, 0]),
    ),
    Row(
        "03-every-step-{family}",
        "Nine in ten steps to the next width make networks of {family} more alike.",
        "Great Minds, Fig. 12",
        "step of rho to the next width",
        of=lambda growth: growth.matrix.estimated(steps),
        rule=Share(above(0), 0.9),
    ),
    Row(
        "03-above-chance-{family}",
        "Already the narrowest networks of {family} are alike beyond chance.",
        "ours",
        "rho({narrowest}, {narrowest}); 97.5 % of pairs of untrained networks stay below {chance}",
        of=lambda growth: growth.matrix.estimated(lambda rho: rho[..., 0, 0]),
        rule=lambda growth: above(growth.chance[1]),
        told="95 % interval above the 97.5 % point of pairs of untrained networks; contradicted if it lies below",
        level=MACHINERY,
        bounds=(-1, 1),
    ),
)
GROWS, RANGE, EVERY_STEP, ABOVE_CHANCE = GROWTH  # chapters 9 and A1 put them to other populations


def growth_claims(family: str, growth: Growth, gates: Sequence[Gate]) -> list[Claim]:
    """The claims about one family's matrix."""
    return judged(GROWTH, growth, gates, family=family, **growth.words)
