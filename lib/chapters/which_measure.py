"""Chapter 19: which measures of similarity pass tests whose answer is known beforehand?  All claims are ours."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from lib.rules import above, within
from lib.rules_of_several import every
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.sample import Estimated, Sample, side_by_side
from lib.verdicts import HEADLINE, Row
from lib.views.similarity_measures import (
    AGREEMENT,
    ANGLE,
    CKA_BIASED,
    CKA_UNBIASED,
    DIRECT,
    MEASURES,
    REPRESENTATIONS,
    RHO,
    TASK_LOSS,
    Measure,
)
from lib.views.six_tests import ACCURACY, DESIGNS, DISAGREEMENT, LAYERS, OUTPUTS, Scores

NAMES = {
    ACCURACY: "accuracies differ",
    OUTPUTS: "outputs differ (JSD)",
    DISAGREEMENT: "predictions differ",
    **{design: design for design in DESIGNS},
    LAYERS: "layers in order",
}
BY_REPRESENTATIONS = tuple(name for name, measure in MEASURES.items() if measure.sees == REPRESENTATIONS)
ALIKE = 0.02  # of conformity: two measures of which neither exceeds the other by more tell the same


def leads(scores: Scores, measure: str, others: Sequence[str]) -> Estimated:
    """By how much a measure's conformity exceeds that of others, in every design."""
    return side_by_side(
        [scores.lead(design, measure, other) for design in DESIGNS for other in others], scores.networks
    )


def _designs(scores: Scores, others: Sequence[str]) -> list[str]:
    return [f"{design}, less {other}" for design in DESIGNS for other in others]


def single(scores: Scores, test: str, measure: str) -> Estimated:
    """The score of one measure in one test."""
    return scores.score(test, measure)


def all_of(scores: Scores, test: str) -> Estimated:
    """The scores in one test of all measures that it is about."""
    there = np.isfinite(scores.samples[test].values)
    return scores.samples[test].estimated(lambda values: values[..., there])


def _tested(scores: Scores, test: str) -> list[str]:
    there = np.isfinite(scores.samples[test].values)
    return [name for name, known in zip(scores.measures, there) if known]


def beaten(scores: Scores) -> Estimated:
    """[measures] by how much another measure exceeds each in the test where it falls behind furthest.

    The ends are the largest among those of all differences, at a level corrected for their number (Bonferroni).
    """

    known = {test: np.isfinite(sample.values) for test, sample in scores.samples.items()}
    compared = sum(int(there.sum()) - 1 for there in known.values())  # of a measure that takes part in all tests

    def interval(level: float) -> Interval:
        strict = 1 - (1 - level) / compared
        leads = [  # of the second over the first, nothing over itself
            sample.interval(lambda values: values[..., None, :] - values[..., :, None], strict)
            for sample in scores.samples.values()
        ]
        return tuple(np.nanmax(np.concatenate(ends, axis=1), axis=1) for ends in zip(*leads))

    return Estimated(interval, scores.networks, scores.samples[LAYERS].images)


HEADLINES = (
    Row(
        "19-gradients-beat-predictions",
        "Input gradients tell networks that were trained to differ apart better than equal predictions do, whether "
        "labels, a shortcut or augmentation differ.",
        "ours",
        "conformity of ρ less that of equal predictions",
        partial(leads, measure=RHO, others=(AGREEMENT,)),
        rule=every(above(0)),
        places=partial(_designs, others=(AGREEMENT,)),
        level=HEADLINE,
        formula=r"C_\rho > C_\text{equal predictions}",
    ),
    Row(
        "19-gradients-beat-representations",
        "Input gradients tell networks that were trained to differ apart better than every measure that compares "
        "representations.",
        "ours",
        "conformity of ρ less that of the other",
        partial(leads, measure=RHO, others=BY_REPRESENTATIONS),
        rule=every(above(0)),
        places=partial(_designs, others=BY_REPRESENTATIONS),
        level=HEADLINE,
        formula=r"C_\rho > \max_m C_m",
    ),
    Row(
        "19-no-best",
        "No measure of similarity is the best in all six tests.",
        "ours",
        "lead of another measure in the test where a measure falls behind furthest",
        beaten,
        rule=every(above(0)),
        places=lambda scores: scores.measures,
        level=HEADLINE,
        formula=r"\min_m \max_{t, m'} (S_{m' t} - S_{m t}) > 0",
    ),
    Row(
        "19-outputs",
        "Of networks trained alike, those whose outputs differ more have less similar input gradients.",
        "ours",
        "rank correlation of ρ with the likeness of outputs within groups",
        partial(single, test=OUTPUTS, measure=RHO),
        rule=above(0),
        level=HEADLINE,
        bounds=(-1, 1),
        formula=r"r_S(\rho, -\mathrm{JSD}) > 0",
    ),
    Row(
        "19-layers",
        "By every measure that compares layers, the nearer of two layers of a network is more alike.",
        "ours",
        "conformity of layers",
        partial(all_of, test=LAYERS),
        rule=every(above(0.5)),
        places=partial(_tested, test=LAYERS),
        level=HEADLINE,
        bounds=(0, 1),
        formula=r"C_\text{layers} > \tfrac12",
    ),
)
DETAILS = (
    *(
        Row(
            f"19-every-measure-{design}",
            f"Every measure tells groups whose {words} apart better than chance.",
            "ours",
            "conformity",
            partial(all_of, test=design),
            rule=every(above(0.5)),
            places=partial(_tested, test=design),
            bounds=(0, 1),
        )
        for design, words in zip(DESIGNS, ("labels differ", "shortcuts differ", "augmentation differs"))
    ),
    Row(
        "19-accuracies",
        "Of networks trained alike, those whose accuracies differ more have less similar input gradients.",
        "ours",
        "rank correlation of ρ with the likeness of accuracies within groups",
        partial(single, test=ACCURACY, measure=RHO),
        bounds=(-1, 1),
    ),
    Row(
        "19-angle",
        "The angle of input gradients tells no more than their cosine.",
        "ours",
        "conformity of 1 − angle less that of ρ",
        partial(leads, measure=ANGLE, others=(RHO,)),
        rule=every(within(-ALIKE, ALIKE)),
        places=partial(_designs, others=(RHO,)),
    ),
    Row(
        "19-unbiased",
        "Unbiased CKA tells no more than biased CKA.",
        "ours",
        "conformity of unbiased less that of biased CKA",
        partial(leads, measure=CKA_UNBIASED, others=(CKA_BIASED,)),
        rule=every(within(-ALIKE, ALIKE)),
        places=partial(_designs, others=(CKA_BIASED,)),
    ),
    Row(
        "19-direct-beats-task-loss",
        "Direct matching tells networks that were trained to differ apart better than task loss matching does.",
        "ours",
        "conformity of direct less that of task loss matching",
        partial(leads, measure=DIRECT, others=(TASK_LOSS,)),
        rule=every(above(0)),
        places=partial(_designs, others=(TASK_LOSS,)),
    ),
)
ROWS = (*HEADLINES, *DETAILS)


def promises_table(measures: Mapping[str, Measure]) -> pd.DataFrame:
    """What each measure sees, its range and direction, and which linear maps of channels it does not feel."""
    rows = {
        name: {
            "sees": one.sees,
            "from": one.least,
            "to": one.most,
            "more alike": "larger" if one.larger else "smaller",
            "feels no map of the first's channels beyond": one.first or "–",
            "of the second's": one.second or "–",
            "symmetric": "yes" if one.symmetric else f"no: {'one direction' if one.once else 'mean of both'}",
        }
        for name, one in measures.items()
    }
    return pd.DataFrame(rows).T


def scores_table(scores: Scores, precision: Mapping[str, Sample]) -> pd.DataFrame:
    """A row a measure, a column a test: the score with its interval; of designs the average precision too."""
    columns = {NAMES[test]: _cells(sample) for test, sample in scores.samples.items()}
    columns |= {f"{design}, average precision": _cells(sample) for design, sample in precision.items()}
    return pd.DataFrame(columns, index=list(scores.measures))


def _cells(sample: Sample) -> list[str]:
    return [in_brackets(one) if np.isfinite(one[0]) else "–" for one in zip(*sample.interval())]
