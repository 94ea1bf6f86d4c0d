"""The claims of chapter 17: stitched activations and detectors, specificity and sensitivity; and findings in words.

Every number is one of a pair of networks, or of a network; none is in two pairs, so that they are independent samples.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from lib.statistics.intervals import Interval, in_brackets, mean_interval
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection
from lib.stitching.identification import rank_correlation
from lib.verdicts import Claim, judge_above

HALF_WAY = 0.25  # of AUROC from 0.5, where a detector tells nothing, to 0 or 1, where it tells all
SCORES = "direct residual", "direct accuracy"  # the two ways to score direct matching
Table = Mapping[str, Sequence[float]]  # index -> one number a pair, or a network


def by_pair(found: Sequence[Detection], detector: str) -> dict[str, np.ndarray]:
    """What the claims about detectors rest on: name -> [pairs].

    AUROC of each matching over all layers; how far it is from 0.5, on either side, over all layers and over
    corresponding ones; and the rank correlation of that with the residual of direct matching.
    """
    areas = {name: np.array([one.auroc[detector][name] for one in found]) for name in MATCHINGS}
    told = {name: np.abs(values - 0.5) for name, values in areas.items()}
    return {**{f"{name}, AUROC": values.mean((1, 2)) for name, values in areas.items()},
            **{f"{name}, AUROC from 0.5": values.mean((1, 2)) for name, values in told.items()},
            **{f"{name}, AUROC from 0.5 between corresponding layers": np.einsum("pii->pi", values).mean(1)
               for name, values in told.items()},
            "rank correlation with the direct residual": np.array(
                [rank_correlation(one.residual["direct"], values) for one, values in zip(found, told["direct"])])}


def detection_claims(found: Sequence[Detection], images: int) -> list[Claim]:
    """Four claims a detector: task loss matching leaves what the end knows, further than direct matching, which stays
    there between corresponding layers and leaves it as far as its residual says."""
    claims = []
    for detector in DETECTORS:
        numbers, short, by = by_pair(found, detector), detector.lower(), f"({detector} detector)."
        further = numbers["task loss, AUROC from 0.5"] - numbers["direct, AUROC from 0.5"]
        claims += [
            _claim(f"17-task-loss-out-{short}", "Activations stitched by task loss matching are out of distribution for "
                   f"the end network {by}", "AUROC, mean over all pairs of layers", numbers["task loss, AUROC"], 2,
                   images, 0.5 + HALF_WAY, _side("above", 0.5 + HALF_WAY)),
            _claim(f"17-task-loss-further-{short}", "They can be told from the end's own better than those of direct "
                   f"matching {by}", "distance of AUROC from 0.5, mean over all pairs of layers, task loss less direct "
                   "matching", further, 2, images),
            _claim(f"17-direct-in-{short}", "Activations stitched directly between corresponding layers are in "
                   f"distribution {by}", "distance of AUROC from 0.5, mean over corresponding layers",
                   numbers["direct, AUROC from 0.5 between corresponding layers"], 2, images, HALF_WAY,
                   _side("below", HALF_WAY), below=True),
            _claim(f"17-direct-follows-residual-{short}", "The worse direct matching succeeds, the better its "
                   f"activations can be told from the end's own {by}", "rank correlation of the residual with the "
                   "distance of AUROC from 0.5, over all pairs of layers",
                   numbers["rank correlation with the direct residual"], 2, images)]
    return claims


def specificity_claims(found: Mapping[str, Table], images: int) -> list[Claim]:
    """Direct matching knows the place of layers better than task loss matching: by either score and statistic."""
    words = {"distance": ("falls off with the distance of layers more regularly",
                          "rank correlation with the distance of layers"),
             "identification": ("tells corresponding layers from others better",
                                "chance that corresponding layers are more alike than others")}
    return [_claim(f"17-{name}-{score.replace(' ', '-')}", f"Across seeds, {score} {words[name][0]} than task loss "
                   "accuracy.", f"{words[name][1]}, difference",
                   np.subtract(found[name][score], found[name]["task loss accuracy"]), 2, images)
            for score in SCORES for name in words]


def sensitivity_claims(found: Table, images: int) -> list[Claim]:
    """Direct matching falls as a representation of low rank loses its use, and does so better than Procrustes."""
    statistic = "rank correlation with the accuracy of a linear probe, over ranks and layers"
    claims = []
    for score in SCORES:
        short, ours = score.replace(" ", "-"), np.asarray(found[score])
        claims += [_claim(f"17-sensitive-{short}", f"{score.capitalize()} falls as truncation takes away what a linear "
                          "probe can use.", statistic, ours, 1, images),
                   _claim(f"17-more-sensitive-{short}", f"{score.capitalize()} follows the probe better than the "
                          "Procrustes distance.", f"{statistic}, difference", ours - found["Procrustes"], 1, images)]
    return claims


def checks_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Mean AUROC of each detector, over layers, on what it ought to pass and to refuse, with intervals over pairs."""
    rows = []
    for detector in DETECTORS:
        known = {"own, test against training images": [one.own[detector].mean() for one in found]}
        strange = {kind: [one.foreign[detector][kind].mean() for one in found] for kind in FOREIGN}
        rows.append({"detector": detector} | {kind: in_brackets(mean_interval(values))
                                              for kind, values in (known | strange).items()})
    return pd.DataFrame(rows)


def scores_table(found: Sequence[Detection]) -> pd.DataFrame:
    """A row a detector and matching: AUROC and false positives, means over all and over corresponding layers, with
    intervals over pairs."""
    rows = []
    for detector, name in product(DETECTORS, MATCHINGS):
        row = {"detector": detector, "matching": name}
        for title, attribute in (("AUROC", "auroc"), ("FPR at 95 % TPR", "false_positives")):
            values = np.array([getattr(one, attribute)[detector][name] for one in found])
            row |= {f"{title}, all layers": in_brackets(mean_interval(values.mean((1, 2)))),
                    f"{title}, corresponding": in_brackets(mean_interval(np.einsum("pii->pi", values).mean(1)))}
        rows.append(row)
    return pd.DataFrame(rows)


def intervals(found: Table) -> dict[str, Interval]:
    """index -> mean with its interval."""
    return {name: mean_interval(found[name]) for name in INDICES}


def findings(found: Sequence[Detection], specific: Mapping[str, Table], sensitive: Table) -> str:
    """The answer in words, Markdown lines."""
    lines = [f"- **Stitched networks**, share of the test images they are right on: {_accuracies(found)}."]
    for detector in DETECTORS:
        numbers = by_pair(found, detector)
        parts = "; ".join(f"{name}: {in_brackets(mean_interval(values))}" for name, values in numbers.items())
        missed = [kind for kind in FOREIGN if not _mean(found, detector, kind) > 0.5 + HALF_WAY]
        trust = (f" It tells {' and '.join(missed)} badly itself, so that what passes it may still be strange."
                 if missed else "")
        lines.append(f"- **{detector} detector**, {parts}.{trust}")
    for name, words in (("distance", "rank correlation with the distance of layers"),
                        ("identification", "chance that corresponding layers are more alike")):
        lines.append(f"- **Specificity**, {words}: {_in_order(specific[name])}.")
    lines.append(f"- **Sensitivity**, rank correlation with the probe: {_in_order(sensitive)}.")
    return "\n".join(lines)


def _accuracies(found: Sequence[Detection]) -> str:
    parts = []
    for name in MATCHINGS:
        values = np.array([one.accuracy[name] for one in found])
        every, same = values.mean((1, 2)), np.einsum("pii->pi", values).mean(1)
        parts.append(f"{name}: {in_brackets(mean_interval(every))} over all pairs of layers, "
                     f"{in_brackets(mean_interval(same))} between corresponding ones")
    return "; ".join(parts)


def _in_order(found: Table) -> str:
    means = intervals(found)
    return ", ".join(f"{name} {in_brackets(means[name])}" for name in sorted(means, key=lambda name: -means[name][0]))


def _mean(found: Sequence[Detection], detector: str, kind: str) -> float:
    return float(np.mean([one.foreign[detector][kind] for one in found]))


def _side(side: str, threshold: float) -> str:
    return (f"95 % interval {side} {threshold:g}, half-way from a detector that tells nothing to one that tells all; "
            "contradicted if it lies on the other side")


def _claim(name: str, statement: str, statistic: str, values: np.ndarray, networks: int, images: int,
           threshold: float = 0.0, rule: str = "95 % interval above zero; contradicted if it lies below",
           below: bool = False) -> Claim:
    """A claim about the mean of `values`, one of so many `networks` each."""
    estimate, low, high = map(float, mean_interval(values))
    verdict = judge_above(-high, -low, -threshold) if below else judge_above(low, high, threshold)
    return Claim(name, statement, statistic, estimate, low, high, networks * len(values), images, rule, verdict)
