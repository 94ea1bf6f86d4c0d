"""Chapter 17: do detectors know stitched activations, and do scores of stitches know layers and what these are good for?

Every number is one of a pair of networks, or of a network; none is in two pairs, so that they are independent samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lib.rules import above, below
from lib.statistics.intervals import Interval, in_brackets, mean_interval
from lib.statistics.sample import Estimated
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection
from lib.stitching.identification import rank_correlation
from lib.verdicts import DETAIL, HEADLINE, Claim, Row, judged

TASK_LOSS, DIRECT = MATCHINGS
ENERGY = DETECTORS[1]  # the paper's; the other is an addition
HALF_WAY = 0.25  # of AUROC from 0.5, where a detector tells nothing, to 0 or 1, where it tells all
SCORES = "direct residual", "direct accuracy"  # the two ways to score direct matching
Table = Mapping[str, Sequence[float]]  # index -> one number a pair, or a network


def mean_of(values: np.ndarray, networks: int, images: int) -> Estimated:
    """The mean of independent numbers, of so many networks each."""
    return Estimated(lambda level: mean_interval(values, level), networks * len(values), images)


@dataclass(frozen=True, eq=False)
class Detected:
    """What one detector makes of the stitches of independent pairs of networks."""

    pairs: Sequence[Detection]
    detector: str
    images: int

    def auroc(self, matching: str) -> np.ndarray:
        """[pairs, sources, targets]."""
        return np.array([one.auroc[self.detector][matching] for one in self.pairs])

    def told(self, matching: str) -> np.ndarray:
        """How far AUROC is from 0.5, on either side: [pairs, sources, targets]."""
        return np.abs(self.auroc(matching) - 0.5)

    def told_by_residual(self) -> np.ndarray:
        """Rank correlation of that with the residual of direct matching, over pairs of layers: [pairs]."""
        residuals = [one.residual[DIRECT] for one in self.pairs]
        return np.array([rank_correlation(one, told) for one, told in zip(residuals, self.told(DIRECT))])

    def mean(self, values: np.ndarray) -> Estimated:
        """Over pairs of networks."""
        return mean_of(values, 2, self.images)


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
        rule=above(0.5 + HALF_WAY),
        level=HEADLINE,
    ),
    Row(
        "17-task-loss-further-{short}",
        "They can be told from the end's own better than those of direct matching ({detector} detector).",
        "Stitching, abstract",
        "distance of AUROC from 0.5, mean over all pairs of layers, task loss less direct matching",
        lambda by: by.mean(over_layers(by.told(TASK_LOSS)) - over_layers(by.told(DIRECT))),
    ),
    Row(
        "17-direct-in-{short}",
        "Activations stitched directly between corresponding layers are in distribution ({detector} detector).",
        "Stitching, abstract",
        "distance of AUROC from 0.5, mean over corresponding layers",
        lambda by: by.mean(corresponding(by.told(DIRECT))),
        rule=below(HALF_WAY),
        level=HEADLINE,
    ),
    Row(
        "17-direct-follows-residual-{short}",
        "The worse direct matching succeeds, the better its activations can be told from the end's own ({detector} "
        "detector).",
        "Stitching, abstract",
        "rank correlation of the residual with the distance of AUROC from 0.5, over all pairs of layers",
        lambda by: by.mean(by.told_by_residual()),
    ),
)


@dataclass(frozen=True, eq=False)
class Indexed:
    """A statistic of every index: one number a pair, or a network, `networks` each."""

    table: Table
    networks: int
    images: int

    def mean(self, index: str, less: str | None = None) -> Estimated:
        """Of an index, or by how much it exceeds another's."""
        values = np.asarray(self.table[index])
        return mean_of(values if less is None else values - self.table[less], self.networks, self.images)


def _specific(statistic: str, says: str, words: str) -> list[Row]:
    """The statement on either score of direct matching, for one statistic of specificity."""
    return [
        Row(
            f"17-{statistic}-{score.replace(' ', '-')}",
            f"Across seeds, {score} {says} than task loss accuracy.",
            "Stitching, summaries",
            f"{words}, difference",
            lambda of, score=score: of.mean(score, less="task loss accuracy"),
            level=HEADLINE if (statistic, score) == ("distance", SCORES[0]) else DETAIL,
        )
        for score in SCORES
    ]


SPECIFICITY = {
    "distance": _specific(
        "distance",
        "falls off with the distance of layers more regularly",
        "rank correlation with the distance of layers",
    ),
    "identification": _specific(
        "identification",
        "tells corresponding layers from others better",
        "chance that corresponding layers are more alike than others",
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
            lambda of, score=score: of.mean(score),
            level=HEADLINE if score == SCORES[0] else DETAIL,
        ),
        Row(
            f"17-more-sensitive-{score.replace(' ', '-')}",
            f"{score.capitalize()} follows the probe better than the Procrustes distance.",
            "Stitching, summaries",
            f"{_PROBE}, difference",
            lambda of, score=score: of.mean(score, less="Procrustes"),
        ),
    )
]


def detection_claims(found: Sequence[Detection], images: int) -> list[Claim]:
    """Four claims a detector, of which the paper's are about the energy detector."""
    claims = []
    for detector in DETECTORS:
        own = judged(DETECTION, Detected(found, detector, images), detector=detector, short=detector.lower())
        claims += own if detector == ENERGY else [replace(claim, source="ours", level=DETAIL) for claim in own]
    return claims


def specificity_claims(found: Mapping[str, Table], images: int) -> list[Claim]:
    """Direct matching knows the place of layers better than task loss matching; `found`: statistic -> table."""
    by_statistic = [judged(rows, Indexed(found[name], 2, images)) for name, rows in SPECIFICITY.items()]
    return [claim for of_score in zip(*by_statistic) for claim in of_score]


def sensitivity_claims(found: Table, images: int) -> list[Claim]:
    """Direct matching falls as a representation of low rank loses its use, and does so better than Procrustes."""
    return judged(SENSITIVITY, Indexed(found, 1, images))


def checks_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Mean AUROC of each detector, over layers, on what it ought to pass and to refuse, with intervals over pairs.

    A detector that does not refuse foreign images half-way says little where it passes stitched activations.
    """
    rows = {}
    for detector in DETECTORS:
        own = [one.own[detector].mean() for one in found]
        foreign = {kind: np.array([one.foreign[detector][kind].mean() for one in found]) for kind in FOREIGN}
        rows[detector] = {
            "own, test against training images": in_brackets(mean_interval(own)),
            **{kind: in_brackets(mean_interval(values)) for kind, values in foreign.items()},
            "refuses foreign images": "yes" if min(map(np.mean, foreign.values())) > 0.5 + HALF_WAY else "no",
        }
    return pd.DataFrame(rows).T


def scores_table(found: Sequence[Detection]) -> pd.DataFrame:
    """AUROC and false positives of each detector and matching, over all and over corresponding layers."""
    rows = {
        (detector, name): {
            **_both("AUROC", [one.auroc[detector][name] for one in found]),
            **_both("FPR at 95 % TPR", [one.false_positives[detector][name] for one in found]),
        }
        for detector in DETECTORS
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def accuracy_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Test accuracy and residual of the stitched networks of each matching, over all and over corresponding layers."""
    rows = {
        name: _both("accuracy", [one.accuracy[name] for one in found])
        | _both("residual", [one.residual[name] for one in found])
        for name in MATCHINGS
    }
    return pd.DataFrame(rows).T


def _both(title: str, values: Sequence[np.ndarray]) -> dict[str, str]:
    """Means over all and over corresponding layers, with intervals over pairs."""
    return {
        f"{title}, {where}": in_brackets(mean_interval(mean(np.array(values))))
        for where, mean in (("all layers", over_layers), ("corresponding", corresponding))
    }


def intervals(found: Table) -> dict[str, Interval]:
    """index -> mean with its interval."""
    return {name: mean_interval(found[name]) for name in INDICES}
