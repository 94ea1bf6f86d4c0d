"""Chapter 17: do detectors know stitched activations, and do scores of stitches know layers and what these are good for?

Every number is one of a pair of networks, or of a network; none is in two pairs, so that they are independent samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import methodcaller

import numpy as np

from lib.gates import Gate
from lib.rules import above, below
from lib.statistics.intervals import mean_interval
from lib.statistics.sample import Estimated
from lib.stitching.detection import DETECTORS, FOREIGN, MATCHINGS, Detection
from lib.stitching.identification import rank_correlation
from lib.verdicts import DETAIL, HEADLINE, Claim, Row, judged

TASK_LOSS, DIRECT = MATCHINGS
ENERGY = DETECTORS[1]  # the paper's; the other is an addition
STRANGE = 0.75  # AUROC half-way from 0.5, where a detector tells nothing, to 1, where it tells all
MATCHED = 0.2  # residual on test images below which direct matching is possible
REFUSED = 0.9  # AUROC of foreign images by which a detector is one
SHARES, DIFFERENCES, WIDER = (0, 1), (-1, 1), (-2, 2)  # AUROC; differences of them, correlations; differences of these
SCORES = "direct residual", "direct accuracy"  # the two ways to score direct matching
Table = Mapping[str, Sequence[float]]  # index -> one number a pair, or a network


def mean_of(values: np.ndarray, images: int) -> Estimated:
    """The mean of independent numbers; NaN where there are fewer than two."""
    too_few = len(values) < 2
    return Estimated(lambda level: (np.nan,) * 3 if too_few else mean_interval(values, level), len(values), images)


@dataclass(frozen=True, eq=False)
class Detected:
    """What one detector makes of the stitches of independent pairs of networks."""

    pairs: Sequence[Detection]
    detector: str
    images: int

    def auroc(self, matching: str) -> np.ndarray:
        """[pairs, sources, targets]."""
        return np.array([one.auroc[self.detector][matching] for one in self.pairs])

    def where_matched(self) -> np.ndarray:
        """AUROC of direct matching, mean over the layers with a residual below MATCHED: [pairs that have any]."""
        both = zip(self.auroc(DIRECT), (one.residual[DIRECT] for one in self.pairs))
        return np.array([areas[missed < MATCHED].mean() for areas, missed in both if (missed < MATCHED).any()])

    def by_residual(self) -> np.ndarray:
        """Rank correlation of AUROC with the residual of direct matching, over pairs of layers: [pairs]."""
        residuals = [one.residual[DIRECT] for one in self.pairs]
        return np.array([rank_correlation(*both) for both in zip(residuals, self.auroc(DIRECT))])

    def mean(self, values: np.ndarray) -> Estimated:
        """Over pairs of networks, the independent units."""
        return mean_of(values, self.images)

    def gate(self) -> Gate:
        """The detector refuses the end's activations of images that it was not trained on."""
        return Gate(f"AUROC of foreign images ({self.detector} detector)", min(self.foreign().values()), REFUSED)

    def foreign(self) -> dict[str, float]:
        """Kind of foreign images -> AUROC, mean over ends and layers."""
        return {kind: float(np.mean([one.foreign[self.detector][kind] for one in self.pairs])) for kind in FOREIGN}


def over_layers(values: np.ndarray) -> np.ndarray:
    """Mean over all layers: [pairs, sources, targets] -> [pairs]."""
    return values.mean((1, 2))


def corresponding(values: np.ndarray) -> np.ndarray:
    """Mean over source and target of one place: [pairs, layers, layers] -> [pairs]."""
    return np.einsum("pii->pi", values).mean(1)


DETECTION = (
    Row(
        "17-task-loss-out-{short}",
        "Activations stitched by task loss matching are out of distribution for the end network ({detector} detector).",
        "Stitching, abstract",
        "AUROC, mean over all pairs of layers",
        lambda by: by.mean(over_layers(by.auroc(TASK_LOSS))),
        rule=above(STRANGE),
        level=HEADLINE,
        bounds=SHARES,
        formula=r"\mathbb{E}_{ij}\,\mathrm{AUROC}(T^\text{task loss}_{ij} f_i \text{ against } g_j) > 0.75",
    ),
    Row(
        "17-task-loss-further-{short}",
        "They are further out of it than those of direct matching ({detector} detector).",
        "Stitching, abstract",
        "AUROC, mean over all pairs of layers, task loss less direct matching",
        lambda by: by.mean(over_layers(by.auroc(TASK_LOSS)) - over_layers(by.auroc(DIRECT))),
        bounds=DIFFERENCES,
    ),
    Row(
        "17-direct-in-{short}",
        "Activations stitched directly are in distribution wherever matching is possible ({detector} detector).",
        "Stitching, abstract",
        f"AUROC, mean over pairs of layers with a residual below {MATCHED:g} on test images",
        lambda by: by.mean(by.where_matched()),
        rule=below(STRANGE),
        level=HEADLINE,
        bounds=SHARES,
        formula=r"\mathbb{E}_{ij : r_{ij} < 0.2}\,\mathrm{AUROC}(T^\text{direct}_{ij} f_i \text{ against } g_j) < 0.75",
    ),
    Row(
        "17-direct-follows-residual-{short}",
        "The worse direct matching succeeds, the stranger its activations are to the end ({detector} detector).",
        "Stitching, abstract",
        "rank correlation of the residual with AUROC, over all pairs of layers",
        lambda by: by.mean(by.by_residual()),
        bounds=DIFFERENCES,
    ),
)


@dataclass(frozen=True, eq=False)
class Indexed:
    """A statistic of every index: one number a pair, or a network."""

    table: Table
    images: int

    def mean(self, index: str, less: str | None = None) -> Estimated:
        """Of an index, or by how much it exceeds another's."""
        values = np.asarray(self.table[index])
        return mean_of(values if less is None else values - self.table[less], self.images)


def _specific(statistic: str, says: str, words: str, bounds: tuple[float, float]) -> list[Row]:
    """The statement on either score of direct matching, for one statistic of specificity."""
    return [
        Row(
            f"17-{statistic}-{score.replace(' ', '-')}",
            f"Across seeds, {score} {says} than task loss accuracy.",
            "Stitching, summaries",
            f"{words}, difference",
            methodcaller("mean", score, less="task loss accuracy"),
            level=HEADLINE if (statistic, score) == ("distance", SCORES[0]) else DETAIL,
            bounds=bounds,
            formula=r"r_S(1 - r_{ij}, -|i - j|) > r_S(a^\text{task loss}_{ij}, -|i - j|)"
            if statistic == "distance"
            else "",
        )
        for score in SCORES
    ]


SPECIFICITY = {
    "distance": _specific(
        "distance",
        "falls off with the distance of layers more regularly",
        "rank correlation with the distance of layers",
        WIDER,
    ),
    "identification": _specific(
        "identification",
        "tells corresponding layers from others better",
        "chance that corresponding layers are more alike than others",
        DIFFERENCES,
    ),
}

_PROBE = "rank correlation with the accuracy of a linear probe, over ranks and layers"
SENSITIVITY = [
    row
    for score in SCORES
    for row in (
        Row(
            f"17-sensitive-{score.replace(' ', '-')}",
            f"{score.capitalize()} falls as truncation takes away what a linear probe can use.",
            "Stitching, summaries",
            _PROBE,
            methodcaller("mean", score),
            level=HEADLINE if score == SCORES[0] else DETAIL,
            bounds=DIFFERENCES,
            formula=r"r_S(1 - r(x_{\text{rank } r}, x),\ \text{probe}(x_{\text{rank } r})) > 0",
        ),
        Row(
            f"17-more-sensitive-{score.replace(' ', '-')}",
            f"{score.capitalize()} follows the probe better than the Procrustes distance.",
            "Stitching, summaries",
            f"{_PROBE}, difference",
            methodcaller("mean", score, less="Procrustes"),
            bounds=WIDER,
        ),
    )
]


def foreign_checks(found: Sequence[Detection]) -> dict[str, Gate]:
    """detector -> whether it refuses foreign images, without which what it passes means nothing."""
    return {detector: Detected(found, detector, 0).gate() for detector in DETECTORS}


def detection_claims(found: Sequence[Detection], images: int, gates: Sequence[Gate]) -> list[Claim]:
    """Four claims a detector, of which the paper's are about the energy detector; `gates`: of the networks."""
    claims = []
    for detector, check in foreign_checks(found).items():
        by = Detected(found, detector, images)
        own = judged(DETECTION, by, [*gates, check], detector=detector, short=detector.lower())
        claims += own if detector == ENERGY else [replace(claim, source="ours", level=DETAIL) for claim in own]
    return claims


def specificity_claims(found: Mapping[str, Table], images: int, gates: Sequence[Gate]) -> list[Claim]:
    """Direct matching knows the place of layers better than task loss matching; `found`: statistic -> table."""
    by_statistic = [judged(rows, Indexed(found[name], images), gates) for name, rows in SPECIFICITY.items()]
    return [claim for of_score in zip(*by_statistic) for claim in of_score]


def sensitivity_claims(found: Table, images: int, gates: Sequence[Gate]) -> list[Claim]:
    """Direct matching falls as a representation of low rank loses its use, and does so better than Procrustes."""
    return judged(SENSITIVITY, Indexed(found, images), gates)
