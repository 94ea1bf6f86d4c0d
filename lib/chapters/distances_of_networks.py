"""Chapter 3: how far are the networks of one family from each other?  The paper's Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from lib import figures
from lib.family_widths import union
from lib.gates import Gate
from lib.rules import above, below
from lib.rules_of_several import every
from lib.similarity.network_distances import READINGS, Distances, mean_distances
from lib.statistics.intervals import bounded
from lib.statistics.sample import Estimated
from lib.verdicts import DETAIL, HEADLINE, MACHINERY, Claim, Row, judged

DEEPER = {"cnn": ("cnn-large", "cnn-small"), "resnet": ("resnet-large", "resnet-small")}
DISTANCE = (0.0, 2.0)  # 2: the distance of a network with all cosines 1 from one with all cosines -1
SMALL = DISTANCE[1] / 4

Families = Mapping[str, Sequence[Distances]]  # family -> one a width
Widths = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Apart:
    """Mean distances of some populations, and how each enters the statistic."""

    populations: Sequence[Distances]
    weights: np.ndarray
    places: Sequence[str] = ()

    def estimated(self) -> Estimated:
        """The weighted sum of the mean distances; one number a row of several weights."""
        return mean_distances(self.populations).estimated(lambda means: means @ self.weights.T, self._networks())

    def null(self, statistic) -> float:
        """A statistic of the distances of two samples of one law, averaged over the populations."""
        return float(np.mean([statistic(one.null) for one in self.populations]))

    def _networks(self) -> int:
        return sum(one.networks for one in self.populations)


ORDER = Row(
    "03-wasserstein-{pair}",
    "Networks of {deep} differ more from each other than those of {shallow}.",
    "Great Minds, Table 1",
    "WD({deep}) - WD({shallow}), mean over {over}; cosines with {reading}",
    of=Apart.estimated,
    level=HEADLINE,
    formula=r"\mathbb E\, \mathrm{WD}(S(f_1), S(f_2)) \text{ of the deeper family} \quad > \text{that of the shallower one}",
)
ORDER_REFERENCE = replace(ORDER, name=ORDER.name + "-reference", level=DETAIL)
SIZE = Row(
    "03-wasserstein-small",
    "Distances between networks of one family are far below the largest possible.",
    "Great Minds, Table 1",
    "WD, at most 2",
    of=Apart.estimated,
    rule=every(below(SMALL)),
    places=lambda apart: apart.places,
    level=MACHINERY,
    bounds=DISTANCE,
)
NULL = Row(
    "03-wasserstein-null-{family}",
    "Networks of {family} differ more than two samples of one law do.",
    "ours",
    "WD, mean over widths; two samples of one law: {usual} on average, 97.5 % point {rare}",
    of=Apart.estimated,
    rule=lambda apart: above(apart.null(_rare), contradicted_below=apart.null(np.mean)),
    told="95 % interval above the 97.5 % point of two samples of one law; contradicted if it lies below their average",
    bounds=DISTANCE,
)
DISTANCES = (ORDER, ORDER_REFERENCE, SIZE, NULL)


def _rare(distances: np.ndarray) -> float:
    return float(np.quantile(distances, 0.975))


def distance_claims(
    distances: Mapping[str, Families], widths: Widths, gates: Mapping[str, Sequence[Gate]] = MappingProxyType({})
) -> list[Claim]:
    """All claims that the families at hand allow, of `lib.similarity.network_distances.family_distances`.

    The order of two families is judged under both readings of S(f), the rest under the first; none without distances.
    """
    claims = [
        claim
        for pair, (deep, shallow) in DEEPER.items()
        for reading, families in distances.items()
        if {deep, shallow} <= set(families)
        for claim in order_claims(pair, reading, families, widths, gates)
    ]
    for families in list(distances.values())[:1]:
        every_one = [
            (f"{family}, k = {k}", one) for family in families for k, one in zip(widths[family], families[family])
        ]
        places, populations = zip(*every_one)
        claims += judged([SIZE], Apart(populations, np.eye(len(populations)), places))
        for family, row in families.items():
            apart = Apart(row, np.full(len(row), 1 / len(row)))
            null = {"usual": f"{apart.null(np.mean):.3f}", "rare": f"{apart.null(_rare):.3f}"}
            claims += judged([NULL], apart, gates.get(family, ()), family=family, **null)
    return claims


def order_claims(
    pair: str, reading: str, families: Families, widths: Widths, gates: Mapping[str, Sequence[Gate]]
) -> list[Claim]:
    """The deeper of two families has the larger mean distance, averaged over the widths that both have, if any."""
    deep, shallow = DEEPER[pair]
    shared = [width for width in widths[deep] if width in widths[shallow]]
    if not shared:
        return []
    populations = [families[family][widths[family].index(width)] for family in (deep, shallow) for width in shared]
    apart = Apart(populations, np.repeat([1 / len(shared), -1 / len(shared)], len(shared)))
    over = "widths" if widths[deep] == widths[shallow] else f"k = {', '.join(map(str, shared))}"
    row = ORDER if reading == next(iter(READINGS)) else ORDER_REFERENCE
    words = {"deep": deep, "shallow": shallow, "over": over, "reading": READINGS[reading].label}
    return judged([row], apart, [*gates.get(deep, ()), *gates.get(shallow, ())], pair=pair, **words)


def distances_by_width(distances: Mapping[str, Families], widths: Widths) -> Figure:
    """Table 1 as a picture: a panel a reading of S(f), a line a family with intervals, and the band of one law.

    The band reaches at each width from the lowest 2.5 % to the highest 97.5 % point of the families that have it.
    """
    figure, axes = figures.subplots(1, len(distances), width=5.4, height=4.2, sharey=True, squeeze=False)
    for axis, (reading, families) in zip(axes[0], distances.items()):
        lines = {
            family: bounded(mean_distances(populations).interval(), *DISTANCE)
            for family, populations in families.items()
        }
        nulls = _null_quantiles(families, widths)
        low, high = [min(lows) for lows, _ in nulls.values()], [max(highs) for _, highs in nulls.values()]
        axis.fill_between(list(nulls), low, high, color="grey", alpha=0.35, linewidth=0, label="two samples of one law")
        figures.by_width(lines, widths, "mean distance of two networks (cosine)", axis=axis, legend=False)
        axis.set(title=f"cosines with {READINGS[reading].label}")
        axis.label_outer()
    figures.shared_legend(figure)
    return figure


def _null_quantiles(families: Families, widths: Widths) -> dict[int, tuple[list[float], list[float]]]:
    """Width -> 2.5 % and 97.5 % points of the distances of two samples of one law, of each family that has it."""

    def quantiles(width: int, share: float) -> list[float]:
        measured = ((k, one) for family in families for k, one in zip(widths[family], families[family]))
        return [float(np.quantile(one.null, share)) for k, one in measured if k == width]

    return {width: (quantiles(width, 0.025), quantiles(width, 0.975)) for width in union(widths)}
