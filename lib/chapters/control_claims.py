"""The claims of chapter 4 about controls: what of the alignment is due to training, labels, weights, and order."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.statistics.intervals import Interval
from lib.statistics.sample import Sample
from lib.verdicts import Claim, all_above

REAL, UNTRAINED, LABELS, WEIGHTS, ORDER = "trained", "untrained", "random labels", "same weights", "same order"
POPULATIONS = (REAL, UNTRAINED, LABELS, WEIGHTS, ORDER)
# claim -> statement, the population that should be more alike, and the other
COMPARISONS = {
    "untrained": ("Training makes networks of {} more alike than they were before it.", REAL, UNTRAINED),
    "random-labels": ("Networks of {} are more alike for labels that mean something than for shuffled ones.",
                      REAL, LABELS),
    "memorising": ("Even shuffled labels make networks of {} more alike than no training.", LABELS, UNTRAINED),
    "same-weights": ("Networks of {} that start from the same weights are more alike than others.", WEIGHTS, REAL),
    "same-order": ("Networks of {} that see the images in the same order are more alike than others.", ORDER, REAL),
}


def control_claims(family: str, matrices: Mapping[int, Sample]) -> list[Claim]:
    """`matrices`: width -> similarities of POPULATIONS, in that order."""
    images = next(iter(matrices.values())).images
    claims = []
    for name, (statement, more, less) in COMPARISONS.items():
        pair = [POPULATIONS.index(more), POPULATIONS.index(less)]
        networks = sum(matrix.networks[place] for matrix in matrices.values() for place in pair)
        claims.append(all_above(
            f"04-control-{name}-{family}", statement.format(family), f"rho(k, k) {more} - {less}",
            lambda level: difference(matrices.values(), *pair, level), 0, networks, images,
            [f"k = {width}" for width in matrices]))
    return claims


def difference(matrices: Sequence[Sample], more: int, less: int, level: float = 0.95) -> Interval:
    """rho within population `more` minus rho within `less`, of each matrix: -> three arrays [matrices]."""
    return tuple(np.array([matrix.interval(lambda rho: rho[..., more, more] - rho[..., less, less], level)
                           for matrix in matrices]).T)
