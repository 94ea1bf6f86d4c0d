"""The claims of chapter 6: loss and E[t], the law of ensembles, what they help, and how they are calibrated.

Populations are those of one family, one a width, unless said otherwise.  Intervals are a jackknife's over networks on
fixed test images.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from lib.claims import Claim, all_above, all_within, judge_above
from lib.ensembles import Ensembles, interval

LAW_BAND = 0.95, 1.05  # measured t over the law
CURVE_BAND = 0.8, 1.25  # loss of an ensemble over that of a single network with its E[t]
AVERAGES = "probabilities", "logits"  # fact sheet 8: which one the paper takes is not known; the first is the default
LOSS = "loss probabilities"

Rows = Sequence[Mapping[str, np.ndarray]]  # measures of each width, [sizes] each


def ensemble_claims(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> list[Claim]:
    """All claims about one family; those of the same curve only if some ensemble has single networks to compare with.

    Where the average of members decides what is claimed, there is a claim for each average.
    """
    return [loss_claim(family, populations), law_claim(family, populations, widths),
            help_claim(family, populations, widths), averaging_claim(family, populations),
            *(claim for average in AVERAGES for claim in curve_claims(family, populations, widths, average)),
            *(calibration_claim(family, populations, widths, average) for average in AVERAGES)]


def loss_claim(family: str, populations: Sequence[Ensembles]) -> Claim:
    """Figs. 9 and 24: the larger E[t], the smaller the loss."""
    found = interval(populations, lambda rows: rank_correlation(table(rows, "t"), table(rows, LOSS)))
    return Claim(f"06-loss-falls-{family}", f"The test loss of networks and ensembles of {family} falls as E[t] rises.",
                 "Spearman correlation of E[t] and loss over widths and m", *map(float, found), *_counts(populations),
                 "95 % interval below zero; contradicted if it lies above", judge_above(-found[2], -found[1]))


def across_claim(families: Mapping[str, Sequence[Ensembles]]) -> Claim:
    """The same for the networks and ensembles of all families in one plot, as the paper draws them."""
    populations = [population for row in families.values() for population in row]
    found = interval(populations, lambda rows: rank_correlation(*(np.concatenate([row[name] for row in rows])
                                                                  for name in ("t", LOSS))))
    return Claim("06-loss-falls-across-families", "The test loss of networks and ensembles of all families falls as "
                 "E[t] rises.", "Spearman correlation of E[t] and loss over families, widths and m", *map(float, found),
                 *_counts(populations), "95 % interval below zero; contradicted if it lies above",
                 judge_above(-found[2], -found[1]))


def law_claim(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> Claim:
    """t of every ensemble follows the law of independent members; a single network follows it by definition."""
    return all_within(f"06-ensemble-law-{family}", f"Ensembles of {family} have the E[t] of M independent directions.",
                      "measured E[t] over R / sqrt(R^2 + (1 - R^2) / M)",
                      lambda level: interval(populations, law_ratio, level), LAW_BAND, *_counts(populations),
                      _places(populations, widths))


def help_claim(family: str, populations: Sequence[Ensembles], widths: Sequence[int]) -> Claim:
    """The largest ensembles have a lower loss than single networks."""
    size = common_sizes(populations)[-1]
    return all_above(f"06-ensembles-help-{family}",
                     f"Ensembles of {family} have a lower test loss than their members.",
                     f"loss of a single network minus that of {size} (nats)",
                     lambda level: interval(populations, lambda rows: saved(rows, LOSS), level), 0,
                     *_counts(populations), [f"k = {width}" for width in widths])


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
                       lambda level: interval(populations, lambda rows: over_single(
                           table(rows, "t"), table(rows, f"loss {average}"))[comparable], level),
                       CURVE_BAND, *_counts(populations), places)]


def averaging_claim(family: str, populations: Sequence[Ensembles]) -> Claim:
    """Which average the paper takes is not known; this one is the default of the book."""
    found = interval(populations, averaging_gain)
    return Claim(f"06-logits-or-probabilities-{family}", "Averaging probabilities gives ensembles of "
                 f"{family} a lower test loss than averaging logits.",
                 "loss of averaged logits over that of averaged probabilities, geometric mean over widths and m >= 2",
                 *map(float, found), *_counts(populations),
                 "95 % interval above 1; contradicted if it lies below", judge_above(*found[1:], 1))


def calibration_claim(family: str, populations: Sequence[Ensembles], widths: Sequence[int], average: str) -> Claim:
    """The largest ensembles have the smaller expected calibration error."""
    size = common_sizes(populations)[-1]
    return all_above(f"06-calibration-{family}{_suffix(average)}", f"Ensembles of {family} that average {average} are "
                     "better calibrated than their members.",
                     f"expected calibration error of a single network minus that of {size}",
                     lambda level: interval(populations, lambda rows: saved(rows, f"ece {average}"), level), 0,
                     *_counts(populations), [f"k = {width}" for width in widths])


def estimates(populations: Sequence[Ensembles]) -> list[dict[str, np.ndarray]]:
    """The measures from all networks of each population, [sizes] each."""
    return [{name: values[0] for name, values in population.values.items()} for population in populations]


def table(rows: Rows, name: str) -> np.ndarray:
    """One measure as [widths, sizes], of the sizes that all widths have."""
    columns = min(len(row[name]) for row in rows)
    return np.array([row[name][:columns] for row in rows])


def common_sizes(populations: Sequence[Ensembles]) -> tuple[int, ...]:
    """The numbers of members that all populations allow."""
    return min((population.sizes for population in populations), key=len)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's coefficient over all entries; NaN if one of them is."""
    return float(spearmanr(np.ravel(x), np.ravel(y)).statistic)


def law_ratio(rows: Rows) -> np.ndarray:
    """Measured t over the law, of real ensembles: -> [widths, sizes - 1]."""
    return (table(rows, "t") / table(rows, "law"))[:, 1:]


def saved(rows: Rows, name: str) -> np.ndarray:
    """How much smaller a measure is in the largest ensembles than in single networks: -> [widths]."""
    values = table(rows, name)
    return values[:, 0] - values[:, -1]


def averaging_gain(rows: Rows) -> np.ndarray:
    """Loss of averaged logits over that of averaged probabilities, geometric mean over widths and ensembles."""
    return np.exp(np.log(table(rows, "loss logits") / table(rows, "loss probabilities"))[:, 1:].mean())


def over_single(x: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Loss of ensembles over that of single networks with the same x, both [widths, sizes]: -> [widths, sizes - 1].

    Log loss of single networks is interpolated linearly over x, and held constant beyond its ends: see `inside`.
    """
    order = np.argsort(x[:, 0])
    at = np.interp(x[:, 1:], x[order, 0], np.log(loss[order, 0]))
    return loss[:, 1:] / np.exp(at)


def inside(x: np.ndarray) -> np.ndarray:
    """Which ensembles have an x between those of single networks: [widths, sizes] -> [widths, sizes - 1]."""
    return (x[:, 1:] >= x[:, 0].min()) & (x[:, 1:] <= x[:, 0].max())


def _places(populations: Sequence[Ensembles], widths: Sequence[int]) -> list[str]:
    return [f"{size} networks of k = {width}" for width in widths for size in common_sizes(populations)[1:]]


def _counts(populations: Sequence[Ensembles]) -> tuple[int, int]:
    return sum(population.networks for population in populations), populations[0].images


def _suffix(average: str) -> str:
    return "" if average == AVERAGES[0] else f"-averaged-{average}"
