"""Chapter 4: where does the alignment come from?  Populations that share more, or have learnt less, than trained ones."""

from collections.abc import Mapping
from functools import partial

from lib.rules import above
from lib.rules_of_several import every
from lib.statistics.sample import Estimated, Sample, side_by_side
from lib.verdicts import DETAIL, MACHINERY, Row

REAL, UNTRAINED, LABELS, WEIGHTS, ORDER = "trained", "untrained", "random labels", "same weights", "same order"
POPULATIONS = (REAL, UNTRAINED, LABELS, WEIGHTS, ORDER)


def more_alike(matrices: Mapping[int, Sample], more: str, less: str) -> Estimated:
    """rho within one of POPULATIONS minus rho within another, at every width; `matrices`: width -> of POPULATIONS."""
    a, b = POPULATIONS.index(more), POPULATIONS.index(less)
    return side_by_side(
        [
            matrix.estimated(lambda rho: rho[..., a, a] - rho[..., b, b], matrix.networks[a] + matrix.networks[b])
            for matrix in matrices.values()
        ]
    )


def _control(name: str, says: str, more: str, less: str, level: str = DETAIL) -> Row:
    return Row(
        f"04-control-{name}-{{family}}",
        says,
        "ours",
        f"rho(k, k) {more} - {less}",
        of=partial(more_alike, more=more, less=less),
        rule=every(above(0)),
        places=lambda matrices: [f"k = {width}" for width in matrices],
        level=level,
    )


CONTROLS = (
    _control(
        "untrained",
        "Training makes networks of {family} more alike than they were before it.",
        REAL,
        UNTRAINED,
        MACHINERY,
    ),
    _control(
        "same-weights",
        "Networks of {family} that start from the same weights are more alike than others.",
        WEIGHTS,
        REAL,
    ),
    _control(
        "same-order",
        "Networks of {family} that see the images in the same order are more alike than others.",
        ORDER,
        REAL,
    ),
)
LABEL_CONTROLS = (  # these also need networks that have learnt some of the shuffled labels
    _control(
        "random-labels",
        "Networks of {family} are more alike for labels that mean something than for shuffled ones.",
        REAL,
        LABELS,
    ),
    _control(
        "memorising", "Even shuffled labels make networks of {family} more alike than no training.", LABELS, UNTRAINED
    ),
)
