"""Chapter 5: directions at a single image (Fig. 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.rules import above
from lib.rules_of_several import every
from lib.similarity.cosines import expected
from lib.statistics.intervals import Interval
from lib.statistics.sample import Estimated, jackknifed, side_by_side
from lib.verdicts import HEADLINE, Row


@dataclass(frozen=True)
class FirstImage:
    """Directions at one image, [networks, dims] of each width."""

    directions: Sequence[np.ndarray]
    widths: Sequence[int]

    def estimated(self) -> Estimated:
        """R^2 there: the mean cosine of two networks, with a jackknife's interval over the networks of each width."""

        def interval(one: np.ndarray, level: float) -> Interval:
            without = np.array([expected(np.delete(one, place, 0)[:, None]) for place in range(len(one))])
            return jackknifed(expected(one[:, None]), [without]).interval(level=level)

        return side_by_side([Estimated(partial(interval, one), len(one), 1) for one in self.directions])


FIRST = Row(
    "05-first-image-{family}",
    "At the first test image the networks of {family} keep to one direction, at every width.",
    "Great Minds, Fig. 7",
    "mean cosine of two networks at that image",
    of=FirstImage.estimated,
    rule=every(above(0)),
    places=lambda one: [f"k = {width}" for width in one.widths],
    level=HEADLINE,
    bounds=(-1, 1),
    formula=r"\mathbb E[t_k(x)]^2 = \mathbb E[u_i(x) \cdot u_j(x)] > 0 \quad \text{at one image } x",
)
