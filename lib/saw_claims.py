"""The claims of chapter 5, for one family: where T_k lies, what shape it has, and whether directions are symmetric."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import beta

from lib.claims import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, judge_above
from lib.intervals import crossed_interval
from lib.rotational_symmetry import ratio
from lib.shape_increase import increments
from lib.stochastic_order import Cosines, bulk, rise, rise_over_uniform

BAND = 0.95, 1.05  # a ratio in here is as good as 1
RICHER = ("quadratic exponential", "power")
KINDS = ("order", "right-of-uniform", "shape", "beyond-vmf", "symmetry")
STRICT = "contradicted if one lies below, at the level 1 - 0.05 / {}"


def order_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """T_k moves to the right at every step of the width, at every threshold in the bulk of both."""
    pairs = list(zip(populations, populations[1:]))
    thresholds = [bulk(narrow.t, wide.t) for narrow, wide in pairs]
    tests = sum(map(len, thresholds))
    found = [rise(*pair, q) for pair, q in zip(pairs, thresholds)]
    strict = [rise(*pair, q, level=1 - 0.05 / tests) for pair, q in zip(pairs, thresholds)]
    steps = [f"{a} to {b}" for a, b in zip(widths, widths[1:])]
    where, values = _lowest(found, steps, thresholds)
    return Claim(f"05-order-{family}", f"t of {family} is stochastically larger the wider the networks are.",
                 f"P(T > q) gained at the step and threshold with the lowest lower end, {where}; "
                 f"{_above(found)} of {tests} intervals lie above zero", *values, *_numbers(populations),
                 "all 95 % intervals above zero, from the 5 % to the 95 % point; " + STRICT.format("thresholds"),
                 judge_above(_part(found, 1), _part(strict, 2)))


def right_of_uniform_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """Every T_k lies to the right of P_origin, at every threshold in the bulk of either."""
    thresholds = [uniform_and_own(population) for population in populations]
    tests = sum(map(len, thresholds))
    found = [rise_over_uniform(*pair) for pair in zip(populations, thresholds)]
    strict = [rise_over_uniform(*pair, level=1 - 0.05 / tests) for pair in zip(populations, thresholds)]
    where, values = _lowest(found, [f"k = {width}" for width in widths], thresholds)
    return Claim(f"05-right-of-uniform-{family}", f"t of {family} is stochastically larger than for unrelated directions.",
                 f"P(T > q) - P_origin(T > q) where its lower end is lowest, {where}; "
                 f"{_above(found)} of {tests} intervals lie above zero", *values, *_numbers(populations),
                 "all 95 % intervals above zero, from the 5 % to the 95 % point of either law; "
                 + STRICT.format("thresholds"), judge_above(_part(found, 1), _part(strict, 2)))


def shape_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """log psi_k increases with t on the central 80 % of the mass, at every width."""
    found = [increments(population) for population in populations]
    tests = sum(len(estimate) for estimate, _, _ in found)
    strict = [increments(population, level=1 - 0.05 / tests) for population in populations]
    at = [np.nanquantile(population.t, np.arange(1, 9) / 10) for population in populations]
    where, values = _lowest(found, [f"k = {width}" for width in widths], at)
    return Claim(f"05-shape-{family}", f"log psi of {family} increases with t on the central 80 % of the mass.",
                 f"change of log psi (nats) from a decile to the next, lowest lower end, {where}; "
                 f"{_above(found)} of {tests} intervals lie above zero", *values, *_numbers(populations),
                 "all 95 % intervals above zero; " + STRICT.format("increments"),
                 judge_above(_part(found, 1), _part(strict, 2)))


def beyond_vmf_claim(family: str, scores: Sequence[Mapping[str, np.ndarray]]) -> Claim:
    """A richer psi than the exponential predicts networks and images that were held out better, over all widths.

    `scores`: a mapping a width, as `lib.shapes.held_out` gives it.
    """
    gains = {shape: mean_gain(scores, shape) for shape in RICHER}
    # The better of two shapes is taken: each interval leaves 2.5 % outside, both together at most 5 %.
    found = {shape: crossed_interval(gain, level=0.975) for shape, gain in gains.items()}
    best = max(found, key=lambda shape: found[shape][1])
    if found[best][1] > 0:
        verdict = SUPPORTED
    else:
        verdict = CONTRADICTED if all(high < 0 for _, _, high in found.values()) else UNDECIDED
    networks, images = scores[0][RICHER[0]].shape
    return Claim(f"05-beyond-vmf-{family}", "A richer psi than the exponential predicts networks and images of "
                 f"{family} that were held out better.",
                 f"gain of the {best} shape over the exponential, nats per direction, mean over widths (97.5 % interval)",
                 *map(float, found[best]), networks * len(scores), images,
                 f"97.5 % interval of the {RICHER[0]} or of the {RICHER[1]} shape above zero; contradicted if both lie "
                 "below", verdict)


def symmetry_claim(family: str, tables: Sequence[np.ndarray], widths: Sequence[int]) -> Claim:
    """Directions are rotationally symmetric about their mean.  `tables`: `rotational_symmetry.alignment`, by width."""
    found = [ratio(table) for table in tables]
    strict = np.array([ratio(table, level=1 - 0.05 / len(tables)) for table in tables])
    if all(low > BAND[0] and high < BAND[1] for _, low, high in found):
        verdict = SUPPORTED
    else:
        verdict = CONTRADICTED if np.any((strict[:, 1] > 1) | (strict[:, 2] < 1)) else UNDECIDED
    furthest = int(np.argmax([max(low - 1, 1 - high) for _, low, high in found]))
    away = sum(low > 1 or high < 1 for _, low, high in found)
    return Claim(f"05-symmetry-{family}", f"Directions of {family} are rotationally symmetric about their mean.",
                 f"mean squared cosine across mu, over its value 1 / (d - 1) under symmetry, k = {widths[furthest]}, the "
                 f"clearest of {len(tables)} widths; {away} intervals exclude 1", *found[furthest],
                 sum(map(len, tables)), tables[0].shape[1],
                 f"all 95 % intervals within {BAND[0]} to {BAND[1]}; otherwise contradicted if one excludes 1 at the "
                 "level 1 - 0.05 / widths", verdict)


def findings(claims: Sequence[Claim]) -> str:
    """The verdicts in words, one Markdown line for each kind of claim of this chapter."""
    kinds = dict.fromkeys(_kind(claim)[0] for claim in claims)
    return "\n".join(f"- **{kind.replace('-', ' ')}**: " + "; ".join(
        f"{_kind(claim)[1]} {claim.verdict}, {claim.estimate:.3g} [{claim.low:.3g}, {claim.high:.3g}]"
        for claim in claims if _kind(claim)[0] == kind) + "." for kind in kinds)


def _kind(claim: Claim) -> tuple[str, str]:
    """'05-order-cnn-small' -> 'order', 'cnn-small'."""
    kind = next(kind for kind in KINDS if claim.name.startswith(f"05-{kind}-"))
    return kind, claim.name.removeprefix(f"05-{kind}-")


def uniform_and_own(population: Cosines) -> np.ndarray:
    """Thresholds for `right_of_uniform_claim`: the 5 % to 95 % points of T_k and those of P_origin."""
    share = np.arange(1, 20) / 20
    # t^2 of a uniform direction is Beta(1/2, (d - 1) / 2), so that t has the law of 2 B - 1 with B ~ Beta of equal ends.
    uniform = 2 * beta.ppf(share, (population.dim - 1) / 2, (population.dim - 1) / 2) - 1
    return np.sort(np.concatenate([uniform, bulk(population.t)]))


def mean_gain(scores: Sequence[Mapping[str, np.ndarray]], shape: str, over: str = "exponential") -> np.ndarray:
    """log density gained by one shape over another, averaged over widths: [networks, images], NaN where none is."""
    gains = np.stack([score[shape] - score[over] for score in scores])
    count = np.isfinite(gains).sum(0)
    return np.divide(np.nansum(gains, axis=0), count, where=count > 0, out=np.full(count.shape, np.nan))


def _lowest(found, places: Sequence[str], at: Sequence[np.ndarray]) -> tuple[str, tuple[float, float, float]]:
    """Where the lowest lower end of several sets of intervals is, and that estimate, low, high."""
    which = int(np.argmin([low.min() for _, low, _ in found]))
    point = int(np.argmin(found[which][1]))
    return f"{places[which]} at t = {at[which][point]:.2f}", tuple(float(part[point]) for part in found[which])


def _part(found, index: int) -> np.ndarray:
    return np.concatenate([interval[index] for interval in found])


def _above(found) -> int:
    return int((_part(found, 1) > 0).sum())


def _numbers(populations: Sequence[Cosines]) -> tuple[int, int]:
    return sum(len(population.t) for population in populations), populations[0].t.shape[1]
