"""What appendix 2 found, in words that follow from its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.chapters.batch_size import CHANGE
from lib.chapters.scale_claims import Effects
from lib.effects.paired import Measures
from lib.effects.scale import EPOCHS, IMAGES, Lines, doublings_to, similarity_factors, sizes
from lib.released.heatmaps import DATASET, FAMILY, TRAINING_IMAGES, WIDTHS, Growth, at_width, own_similarity
from lib.released.heatmaps import EPOCHS as THEIR_EPOCHS
from lib.statistics.intervals import Interval, in_brackets
from lib.statistics.sample import Sample

THEIRS = {IMAGES: TRAINING_IMAGES, EPOCHS: THEIR_EPOCHS}


def picture_findings(family: str, matrix: Sample, widths: Sequence[int], picture: np.ndarray,
                     growth: Growth | None) -> list[str]:
    """Similarity at the widths that both have, and how fast it grows there."""
    estimate, low, high = (np.diagonal(part) for part in matrix.interval())
    shared = [place for place, width in enumerate(widths) if width in WIDTHS]
    lines = [f"- **Beside the picture** ({family}): " + "; ".join(
        f"at k = {widths[place]} ρ(k, k) is {estimate[place]:.2f} [{low[place]:.2f}, {high[place]:.2f}] here and "
        f"{at_width(picture, widths[place]):.2f} there" for place in shared) + "."] if shared else []
    return [*lines, f"- **Growth** ({family}): {growth_words(growth)}."]


def growth_words(growth: Growth | None) -> str:
    """Both exponents, or why there are none."""
    if growth is None:
        return "too few widths lie within the picture's span for an exponent"
    span = f"over widths {growth.widths[0]} to {growth.widths[-1]}"
    if not np.isfinite(growth.here).all():
        return f"no exponent {span}, because a similarity, or a draw of it, is not positive"
    return (f"{span} E[t] grows as k to the power {in_brackets(growth.here)} here and {growth.picture:.2f} in "
            f"the picture ({len(growth.picture_widths)} widths), {in_brackets(growth.ratio)} times as fast")


def reading_finding(families: Mapping[str, Sample]) -> str:
    """How far exp(2 a_k), which stands for rho(k, k) in the picture, is from it where both are known."""
    ratios = np.concatenate([own_similarity(matrix.values) / np.diagonal(matrix.values)
                             for matrix in families.values()])
    known = ratios[np.isfinite(ratios)]
    told = (f"is {known.min():.2f} to {known.max():.2f} times as large" if len(known) else
            "does not exist, because some similarities are not positive")
    return ("- **The reading of the picture**: on the networks here, where ρ(k, k) is known, exp(2a) of pairs of "
            f"different widths {told}.")


def direction(found: Interval) -> str:
    """'rises', 'falls' or 'undecided', as the interval says."""
    _, low, high = map(float, found)
    return "rises" if low > 0 else "falls" if high < 0 else "undecided"


def scale_findings(family: str, measures: Measures, found: Lines, effects: Effects, widths: Sequence[int]
                   ) -> list[str]:
    """What twice as much of either does, and whether new images do more than further passes over the old ones."""
    lines = []
    for line in found:
        factor = [part[-1] for part in similarity_factors(measures, found, line)]
        similarity, accuracy = effects[line]["similarity"], effects[line]["test accuracy"]
        lines.append(f"- **Twice the {line}** ({family}, mean over widths {', '.join(map(str, widths))}): change of "
                     f"ρ(k, k) {in_brackets(similarity, CHANGE)}, {direction(similarity)}; its factor "
                     f"{in_brackets(factor)}; change of test accuracy {in_brackets(accuracy, CHANGE)}, "
                     f"{direction(accuracy)}.")
    row = f"{EPOCHS} − {IMAGES}"
    words = {"rises": "further passes over the same images leave it higher than new images do",
             "falls": "new images leave it higher than further passes over the same ones do",
             "undecided": "which of the two leaves it higher is undecided"}[direction(effects[row]["similarity"])]
    lines.append(f"- **Passes or images**: per doubling, epochs change ρ(k, k) by "
                 f"{in_brackets(effects[row]['similarity'], CHANGE)} more than images, in about as many more steps: {words}.")
    return lines


def distance_findings(family: str, measures: Measures, found: Lines, widths: Sequence[int], dataset: str,
                      picture: np.ndarray) -> list[str]:
    """How many doublings would lead to the picture's similarity, if each did what these do; only on its own images."""
    inside = [place for place, width in enumerate(widths) if np.isfinite(at_width(picture, width))]
    if dataset != DATASET or family != FAMILY or not inside:
        here = f"{family} on {dataset}, widths {', '.join(map(str, widths))}"
        return [f"- **How far to the picture?** Not asked: the picture is about {FAMILY} on {DATASET}, widths "
                f"{WIDTHS[0]} to {WIDTHS[-1]}, these lines are about {here}. No doubling makes up for what else "
                "differs."]
    place = inside[-1]
    return [_distance(measures, found, line, place, widths[place], at_width(picture, widths[place])) for line in found]


def _distance(measures: Measures, found: Lines, line: str, place: int, width: int, target: float) -> str:
    start = float(measures.similarity[place].values[measures.recipes.index(found[line][-1])])
    last = sizes(line, found[line])[-1]
    factor = [part[place] for part in similarity_factors(measures, found, line)]
    more = np.log2(THEIRS[line] / last)
    doublings = f"{abs(more):.1f} doublings {'more' if more > 0 else 'less'}"
    text = (f"- **How far to the picture, by {line}?** At k = {width} ρ(k, k) is {start:.3f} with {last} {line}, and "
            f"{target:.3f} in the picture, whose networks had {doublings}. ")
    needed = doublings_to(target, start, factor) if start > 0 else None
    if needed is None:
        return text + "What a doubling does at this width is undecided, so no number of them is."
    if needed[0] < 0:
        return text + f"A doubling, a factor of {in_brackets(factor)}, leads away from it."
    return (f"{text}At {in_brackets(factor)} a doubling it would take {needed[0]:.1f} [{needed[1]:.1f}, "
            f"{needed[2]:.1f}] of them, if the trend went on, which nothing here tells.")
