"""The claims of chapter 5, for one family: where T_k lies, what shape it has, and whether directions are symmetric."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import beta

from lib.similarity.shapes import DECILES, increments
from lib.similarity.stochastic_order import Cosines, bulk, rise, rise_over_uniform
from lib.similarity.symmetry import ratio
from lib.statistics.intervals import Interval, combined_interval, in_brackets
from lib.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, all_above

BAND = 0.95, 1.05  # a ratio in here is as good as 1
RICHER = ("quadratic exponential", "power")
# claim -> what it says and what its number is, in words
KINDS = {
    "shape": "log ψ rises with t (change from a decile to the next that decides, nats)",
    "beyond-vmf": "ψ is richer than the exponential (gain on held-out networks and images, nats per direction)",
    "order": "T moves to the right with the width (change of P(T > q) that decides)",
    "right-of-uniform": "T lies right of unrelated directions (difference of P(T > q) that decides)",
    "symmetry": "directions are symmetric about their mean (ratio that is 1 under symmetry, at the clearest width)",
}


def order_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """T_k moves to the right at every step of the width, at every threshold in the bulk of both."""
    pairs = list(zip(populations, populations[1:]))
    thresholds = [bulk(narrow.t, wide.t) for narrow, wide in pairs]
    places = [f"{a} to {b} at t = {q:.2f}" for a, b, at in zip(widths, widths[1:], thresholds) for q in at]
    return _all_rise(f"05-order-{family}", f"t of {family} is stochastically larger the wider the networks are.",
                     "P(T > q) gained at a step of the width, at a threshold from the 5 % to the 95 % point", places,
                     lambda level: [rise(*pair, q, level) for pair, q in zip(pairs, thresholds)], populations)


def right_of_uniform_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """Every T_k lies to the right of P_origin, at every threshold in the bulk of either."""
    thresholds = [uniform_and_own(population) for population in populations]
    places = [f"k = {width} at t = {q:.2f}" for width, at in zip(widths, thresholds) for q in at]
    return _all_rise(f"05-right-of-uniform-{family}", f"t of {family} is stochastically larger than by chance.",
                     "P(T > q) - P_origin(T > q), at a threshold from the 5 % to the 95 % point of either", places,
                     lambda level: [rise_over_uniform(*pair, level) for pair in zip(populations, thresholds)],
                     populations)


def shape_claim(family: str, populations: Sequence[Cosines], widths: Sequence[int]) -> Claim:
    """log psi_k increases with t on the central 80 % of the mass, at every width."""
    deciles = [np.nanquantile(population.t, DECILES) for population in populations]
    places = [f"k = {width} from t = {a:.2f} to {b:.2f}" for width, at in zip(widths, deciles)
              for a, b in zip(at, at[1:])]
    return _all_rise(f"05-shape-{family}", f"log psi of {family} increases with t on the central 80 % of the mass.",
                     "change of log psi (nats) from a decile of T_k to the next", places,
                     lambda level: [increments(population, level) for population in populations], populations)


def beyond_vmf_claim(family: str, scores: Sequence[Mapping[str, np.ndarray]],
                     exponential: Sequence[Mapping[str, np.ndarray]]) -> Claim:
    """A richer psi than the exponential predicts networks and images that were held out better, over all widths.

    `scores`: a mapping a width, as `lib.similarity.shapes.held_out` gives it; `exponential`: the same of populations like these
    whose psi is exponential (`lib.similarity.symmetry.with_exponential_cosines`), whose gain is taken off.
    """
    # The better of two shapes is taken: each interval leaves 2.5 % outside, both together at most 5 %.
    share = np.repeat([1 / len(scores), -1 / len(exponential)], [len(scores), len(exponential)])
    found = {shape: combined_interval([score[shape] - score["exponential"] for score in (*scores, *exponential)], share,
                                      level=0.975) for shape in RICHER}
    best = max(found, key=lambda shape: found[shape][1])
    if found[best][1] > 0:
        verdict = SUPPORTED
    else:
        verdict = CONTRADICTED if all(high < 0 for _, _, high in found.values()) else UNDECIDED
    return Claim(f"05-beyond-vmf-{family}", "A richer psi than the exponential predicts networks and images of "
                 f"{family} that were held out better.",
                 f"gain of the {best} shape over the exponential, less the gain where psi is exponential, nats per "
                 "direction, mean over widths (97.5 % interval)",
                 *map(float, found[best]),
                 sum(len(score[best]) for score in scores), scores[0][best].shape[1],
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
                 "mean squared cosine across mu, over its value 1 / (d - 1) under symmetry; "
                 f"k = {widths[furthest]}, the clearest of {len(tables)} widths; {away} intervals exclude 1",
                 *found[furthest], sum(map(len, tables)), tables[0].shape[1],
                 f"all 95 % intervals within {BAND[0]} to {BAND[1]}; otherwise contradicted if one excludes 1 at the "
                 "level 1 - 0.05 / widths", verdict)


def findings(claims: Sequence[Claim]) -> str:
    """The verdicts in words, one Markdown line for each kind of claim of this chapter."""
    lines = []
    for kind, meaning in KINDS.items():
        start = f"05-{kind}-"
        verdicts = [f"{claim.name.removeprefix(start)} {claim.verdict}, "
                    f"{in_brackets((claim.estimate, claim.low, claim.high))}"
                    for claim in claims if claim.name.startswith(start)]
        if verdicts:
            claim, number = meaning.split(" (", 1)
            lines.append(f"- **{claim}** ({number}: {'; '.join(verdicts)}.")
    return "\n".join(lines)


def uniform_and_own(population: Cosines) -> np.ndarray:
    """Thresholds for `right_of_uniform_claim`: the 5 % to 95 % points of T_k and those of P_origin."""
    share = np.arange(1, 20) / 20
    # (1 + t) / 2 of a uniform direction has a Beta distribution with (d - 1) / 2 at both ends.
    uniform = 2 * beta.ppf(share, (population.dim - 1) / 2, (population.dim - 1) / 2) - 1
    return np.sort(np.concatenate([uniform, bulk(population.t)]))


def _all_rise(name: str, statement: str, statistic: str, places: Sequence[str],
              intervals: Callable[[float], list[Interval]], populations: Sequence[Cosines]) -> Claim:
    """All intervals of several arrays lie above zero; `places` says what each of them is about."""
    def joined(level: float) -> np.ndarray:
        return np.concatenate(intervals(level), axis=1)  # [3, intervals]

    return all_above(name, statement, statistic, joined, 0.0, sum(len(population.t) for population in populations),
                     populations[0].t.shape[1], places)
