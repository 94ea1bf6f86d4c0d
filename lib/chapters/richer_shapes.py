"""Chapter 5: is psi richer than an exponential?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lib.rules import above
from lib.rules_of_several import some
from lib.statistics.intervals import combined_interval
from lib.statistics.sample import Estimated, side_by_side
from lib.verdicts import Row

RICHER = ("quadratic exponential", "power")
Scores = Mapping[str, np.ndarray]  # shape -> [networks, images], as `lib.similarity.shapes.held_out` gives them


@dataclass(frozen=True)
class Gains:
    """Scores of networks and images that were held out, a mapping a width, and of a control whose psi is exponential.

    `control`: of `lib.similarity.symmetry.with_exponential_cosines`; its gain is taken off.
    """

    scores: Sequence[Scores]
    control: Sequence[Scores]

    def estimated(self) -> Estimated:
        """Gain of each of the richer shapes over the exponential, mean over widths."""
        share = np.repeat([1 / len(self.scores), -1 / len(self.control)], [len(self.scores), len(self.control)])
        first = [score[RICHER[0]] for score in self.scores]
        networks, images = sum(map(len, first)), first[0].shape[1]
        parts = []
        for shape in RICHER:
            tables = [one[shape] - one["exponential"] for one in (*self.scores, *self.control)]
            parts.append(Estimated(partial(combined_interval, tables, share), networks, images))
        return side_by_side(parts, networks)


BEYOND_VMF = Row(
    "05-beyond-vmf-{family}",
    "A richer psi than the exponential predicts networks and images of {family} that were held out better.",
    "ours",
    "gain over the exponential, less the gain where psi is exponential, nats per direction, mean over widths",
    of=Gains.estimated,
    rule=some(above(0)),
    places=lambda gains: [f"{shape} shape" for shape in RICHER],
)
