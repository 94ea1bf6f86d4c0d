"""The claims of chapter 15: equal accuracy, different errors, different classes, deeper and wider.

Intervals are over networks, and the test images are fixed: they say what other networks would do on these images.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.effects.accuracy_differences import LEVEL, Step, Tables, first_over_last, network_difference
from lib.effects.errors import Difference
from lib.training.wide_and_deep import Architecture
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, all_above, judge_above, judge_within

ALIKE = 0.01  # one point of accuracy: less counts as no difference


def equal_accuracy_claim(tables: Tables, deep: Architecture, wide: Architecture) -> Claim:
    """What the comparison of errors asks for; the paper chose its pair so."""
    found = network_difference(tables[deep], tables[wide])
    return Claim("15-equal-accuracy", f"{deep} and {wide} have about the same mean accuracy.",
                 "difference of the mean accuracies", *found, *_counts(tables, deep, wide),
                 f"95 % interval (Welch) within ±{ALIKE:g}; contradicted if it lies outside",
                 judge_within(*found[1:], -ALIKE, ALIKE))


def difference_claims(tables: Tables, deep: Architecture, wide: Architecture, images: Difference, hard: Difference,
                      classes: Difference) -> list[Claim]:
    """Deep and wide networks differ from image to image, among images equally hard, and from class to class.

    Args:
        images, hard, classes: of deep less wide, as in `differences_table`.
    """
    told = {"different-errors": (f"The per-example accuracies of {deep} and {wide} differ, not by the same on all "
                                 "images, by more than chance makes of networks of one kind.", images, images,
                                 "images"),
            "not-only-accuracy": (f"{deep} and {wide} differ so among images that are equally hard too, which a "
                                  "difference of accuracy alone does not explain.", hard, images,
                                  "images equally hard"),
            "different-classes": (f"The difference in accuracy of {deep} and {wide} is not the same for all classes.",
                                  classes, classes, "classes")}
    return [Claim(f"15-{name}", statement, f"standard deviation over {what} of the difference in accuracy, without "
                  f"what chance makes (signed root of the variance; permutation test: p = {found.p:.4f})", *found.root,
                  *_counts(tables, deep, wide),
                  f"permutation test below {LEVEL:g}; contradicted if it is not and the 95 % interval"
                  f"{'' if whole is found else ' over all images'} lies below {ALIKE:g}", judge_difference(found, whole))
            for name, (statement, found, whole, what) in told.items()]


def judge_difference(found: Difference, whole: Difference) -> str:
    """Supported by the test; contradicted where less than one point of accuracy can be behind it; else undecided.

    Args:
        whole: the difference that decides whether less than a point is left.  Among images equally hard it is that
            over all images, which is no smaller: where accuracies differ, the estimate among them is too low.
    """
    if found.p < LEVEL:
        return SUPPORTED
    return CONTRADICTED if whole.root[2] < ALIKE else UNDECIDED


def step_claims(tables: Tables, ladders: Mapping[str, Sequence[Architecture]], found: Mapping[str, Sequence[Step]]
                ) -> list[Claim]:
    """Every step raises accuracy; where there are two or more, the first one more than the last."""
    claims = []
    for name, ladder in ladders.items():
        pairs = [(step.large, step.small) for step in found[name]]
        counts = _counts(tables, *ladder)
        claims.append(all_above(
            f"15-{name}-better", f"Going {name} raises the accuracy.", "gain of accuracy in a step",
            lambda level: np.transpose([network_difference(tables[large], tables[small], level)
                                        for large, small in pairs]),
            0, *counts, [f"{small} to {large}" for large, small in pairs]))
        if len(ladder) > 2:
            gap = first_over_last(tables, ladder)
            claims.append(Claim(
                f"15-{name}-helps-small", f"Going {name} raises the accuracy of small networks more than that of "
                "large ones.", "gain of the first step less that of the last", *gap, *counts,
                "95 % interval above zero; contradicted if it lies below", judge_above(*gap[1:])))
    return claims


def _counts(tables: Tables, *architectures: Architecture) -> tuple[int, int]:
    used = [tables[one] for one in dict.fromkeys(architectures)]
    return sum(map(len, used)), used[0].shape[1]
