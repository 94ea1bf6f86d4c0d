"""The claims of chapter 6: loss and E[t], the law of ensembles, many small networks or a large one, calibration.

Populations are those of one family, one a width, unless said otherwise.  Intervals are a jackknife's over networks, and
the test images are fixed: they say what other networks would do on these images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lib.ensembles.averages import Ensembles
from lib.ensembles.ensemble_statistics import (
    Families,
    averaging_gain,
    common_sizes,
    equal_size_pairs,
    estimates,
    inside,
    interval,
    law_ratio,
    loss_slopes,
    over_single,
    over_wide,
    ratio_interval,
    saved,
    table,
)
from lib.verdicts import Claim, all_above, all_within

LAW_BAND = 0.95, 1.05  # measured E[t] over the law
CURVE_BAND = 0.8, 1.25  # loss of an ensemble over that of a single network with its E[t]
AVERAGES = "probabilities", "logits"  # fact sheet 8: which one the paper takes is not known; the first is the default
LOSS = "loss probabilities"


def all_claims(families: Families, widths: Mapping[str, Sequence[int]]) -> list[Claim]:
    """Those about all families together, then those about each."""
    found = [*across_claims(families, widths),
             *(claim for family, populations in families.items()
               for claim in family_claims(family, populations, widths[family]))]
    return [replace(claim, rule=f"{claim.rule}; intervals over networks, images fixed") for claim in found]


def across_claims(families: Families, widths: Mapping[str, Sequence[int]]) -> list[Claim]:
    """Claims about all families at once."""
    return [loss_claim("across-families", "all families", _everything(families)), averaging_claim(families),
            *many_small_cosine_claims(families, widths)]


def family_claims(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> list[Claim]:
    """Claims about one family.

    Where the answer may hang on the average of members, which is not known of the paper, there is a claim for each.
    """
    return [loss_claim(family, family, populations), law_claim(family, populations, widths),
            *(claim for average in AVERAGES for claim in curve_claims(family, populations, widths, average)),
            *(claim for average in AVERAGES for claim in many_small_claims(family, populations, widths, average)),
            calibration_claim(family, populations, widths)]


def loss_claim(name: str, whose: str, populations: Sequence[Ensembles]) -> Claim:
    """Figs. 9 and 24: the larger E[t], the smaller the loss, between widths at each number of members.

    Along the members of one width there is nothing to test: E[t] rises by the law, and no average can lose more than
    its members do on average, because cross entropy is convex in logits and in probabilities.
    """
    sizes = common_sizes(populations)
    return all_above(f"06-loss-falls-{name}", f"With as many members, networks and ensembles of {whose} that have a "
                     "larger E[t] have a smaller test loss.", "fall of the log loss per unit of E[t], least squares",
                     lambda level: interval(populations, lambda rows: -loss_slopes(rows, LOSS), level), 0,
                     *_counts(populations), [f"m = {size}" for size in sizes])


def averaging_claim(families: Families) -> Claim:
    """Which average the paper takes is not known; probabilities are the default of the book."""
    return all_above("06-logits-or-probabilities", "Averaging probabilities gives ensembles a lower test loss than "
                     "averaging logits.",
                     "loss of averaged logits over that of averaged probabilities, geometric mean over widths and "
                     "m >= 2",
                     lambda level: np.transpose([ratio_interval(row, averaging_gain, level)
                                                 for row in families.values()]),
                     1, *_counts(_everything(families)), list(families))


def many_small_cosine_claims(families: Families, widths: Mapping[str, Sequence[int]]) -> list[Claim]:
    """At equal parameters, who is closer to the mean direction of their width?  No claim without such widths."""
    sizes = {family: common_sizes(row) for family, row in families.items()}
    pairs = {family: equal_size_pairs(widths[family], sizes[family]) for family in families}
    places = [f"{family}, {place}" for family in families
              for place in _pair_places(pairs[family], widths[family], sizes[family])]
    if not places:
        return []
    return [all_above("06-many-small-cosine", "Ensembles of narrow networks have a larger E[t] than one wide network "
                      "of as many parameters.", "E[t] of m networks of k over that of one of k sqrt(m)",
                      lambda level: np.concatenate([
                          ratio_interval(row, lambda rows: over_wide(rows, "t", pairs[family]), level)
                          for family, row in families.items() if pairs[family]], axis=1),
                      1, *_counts(_everything(families)), places)]


def law_claim(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> Claim:
    """E[t] of every ensemble follows the law of independent members; a single network follows it by definition."""
    return all_within(f"06-ensemble-law-{family}", f"Ensembles of {family} have the E[t] of m independent directions.",
                      "measured E[t] over the law", lambda level: ratio_interval(populations, law_ratio, level),
                      LAW_BAND, *_counts(populations), _places(populations, widths))


def curve_claims(family: str, populations: Sequence[Ensembles], widths: Sequence[int], average: str
                 ) -> list[Claim]:
    """Ensembles lie where single networks of their E[t] do; no claim if no E[t] lies between those of such."""
    comparable = inside(table(estimates(populations), "t"))
    if not comparable.any():
        return []
    places = [place for place, known in zip(_places(populations, widths), comparable.ravel()) if known]
    return [all_within(f"06-same-curve-{family}{_suffix(average)}", f"Ensembles of {family} that average {average} "
                       "have the test loss of single networks with the same E[t].",
                       "loss of an ensemble over that of single networks, interpolated over E[t]",
                       lambda level: ratio_interval(populations, lambda rows: over_single(
                           table(rows, "t"), table(rows, f"loss {average}"))[comparable], level),
                       CURVE_BAND, *_counts(populations), places)]


def many_small_claims(family: str, populations: Sequence[Ensembles], widths: Sequence[int], average: str
                      ) -> list[Claim]:
    """At equal parameters, who has the lower loss?  No claim without such widths."""
    sizes = common_sizes(populations)
    pairs = equal_size_pairs(widths, sizes)
    if not pairs:
        return []
    return [all_above(f"06-many-small-{family}{_suffix(average)}", f"Ensembles of narrow networks of {family} that "
                      f"average {average} have a lower test loss than one wide network of as many parameters.",
                      "loss of one network of k sqrt(m) over that of m networks of k",
                      lambda level: ratio_interval(
                          populations, lambda rows: 1 / over_wide(rows, f"loss {average}", pairs), level),
                      1, *_counts(populations), _pair_places(pairs, widths, sizes))]


def calibration_claim(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> Claim:
    """The largest ensembles have the smaller expected calibration error."""
    size = common_sizes(populations)[-1]
    return all_above(f"06-calibration-{family}", f"Ensembles of {family} are better calibrated than their members.",
                     f"expected calibration error of a single network minus that of {size}",
                     lambda level: interval(populations, lambda rows: saved(rows, f"ece {AVERAGES[0]}"), level), 0,
                     *_counts(populations), [f"k = {width}" for width in widths])


def _everything(families: Families) -> list[Ensembles]:
    return [population for row in families.values() for population in row]


def _places(populations: Sequence[Ensembles], widths: Sequence[int]) -> list[str]:
    sizes = common_sizes(populations)[1:]
    return [f"{size} networks of k = {width}" for width in widths for size in sizes]


def _pair_places(pairs: Sequence[tuple[int, int, int]], widths: Sequence[int], sizes: Sequence[int]) -> list[str]:
    return [f"{sizes[column]} of k = {widths[narrow]} beside k = {widths[wide]}" for narrow, column, wide in pairs]


def _counts(populations: Sequence[Ensembles]) -> tuple[int, int]:
    return sum(population.networks for population in populations), populations[0].images


def _suffix(average: str) -> str:
    return "" if average == AVERAGES[0] else f"-averaged-{average}"
