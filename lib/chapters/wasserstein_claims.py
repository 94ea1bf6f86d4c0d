"""The claims of chapter 3 on distances between networks (Table 1): larger in deeper families, small, beyond chance."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.claims import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, judge_above
from lib.similarity.wasserstein_distances import READINGS, Distances, interval
from lib.statistics.intervals import in_brackets

DEEPER = {"cnn": ("cnn-large", "cnn-small"), "resnet": ("resnet-large", "resnet-small")}
LARGEST = 2.0  # the distance of a network with all cosines 1 from one with all cosines -1
SMALL = LARGEST / 4

Families = Mapping[str, Sequence[Distances]]


def distance_claims(distances: Mapping[str, Families], widths: Mapping[str, Sequence[int]]) -> list[Claim]:
    """All claims that the families at hand allow, of `lib.similarity.wasserstein_distances.family_distances`; none without it.

    The order of two families is judged under both readings of S(f), the rest under the first.
    """
    claims = [order_claim(name, reading, families, widths) for name, pair in DEEPER.items()
              for reading, families in distances.items() if set(pair) <= set(families) and _shared(widths, *pair)]
    for families in list(distances.values())[:1]:
        claims.append(small_claim(families, widths))
        claims += [null_claim(family, populations) for family, populations in families.items()]
    return claims


def order_claim(name: str, reading: str, families: Families, widths: Mapping[str, Sequence[int]]) -> Claim:
    """The deeper of two families has the larger mean distance, averaged over the widths that both have."""
    deep, shallow = DEEPER[name]
    shared = _shared(widths, deep, shallow)
    populations = [families[family][widths[family].index(width)] for family in (deep, shallow) for width in shared]
    share = np.repeat([1 / len(shared), -1 / len(shared)], len(shared))
    over = "widths" if widths[deep] == widths[shallow] else f"k = {', '.join(map(str, shared))}"
    estimate, low, high = interval(populations, share)
    return Claim(f"03-wasserstein-{name}{_suffix(reading)}",
                 f"Networks of {deep} differ more from each other than those of {shallow}.",
                 f"WD({deep}) - WD({shallow}), mean over {over}; cosines with {READINGS[reading].label}",
                 estimate, low, high, *_numbers(populations), "95 % interval above zero", judge_above(low, high))


def small_claim(families: Families, widths: Mapping[str, Sequence[int]]) -> Claim:
    """Every mean distance is far below 2, the largest that there can be."""
    populations = [(f"{family}, k = {width}", found) for family, row in families.items()
                   for width, found in zip(widths[family], row, strict=True)]
    intervals = [interval([found]) for _, found in populations]
    # Many populations are looked at: one of them contradicts only beyond what chance does among so many.
    lows = [interval([found], level=1 - 0.05 / len(populations))[1] for _, found in populations]
    worst = int(np.argmax([high for _, _, high in intervals]))
    return Claim("03-wasserstein-small", "Distances between networks of one family are far below the largest possible.",
                 f"WD of {populations[worst][0]}, with the highest upper end of {len(populations)}; at most 2",
                 *intervals[worst], *_numbers([found for _, found in populations]),
                 f"all 95 % intervals below {SMALL}; contradicted if one lies above, at the level "
                 "1 - 0.05 / populations",
                 judge_above(-np.array([high for _, _, high in intervals]), -np.array(lows), -SMALL))


def null_claim(family: str, populations: Sequence[Distances]) -> Claim:
    """Networks of one family differ by more than two samples of one law."""
    estimate, low, high = interval(populations, np.full(len(populations), 1 / len(populations)))
    usual, rare = null_range(populations)
    return Claim(f"03-wasserstein-null-{family}", f"Networks of {family} differ more than two samples of one law do.",
                 f"WD, mean over widths; two samples of one law: {usual:.3f} on average, 97.5 % point {rare:.3f}",
                 estimate, low, high, *_numbers(populations),
                 "supported if the 95 % interval lies above the 97.5 % point of two samples of one law, contradicted "
                 "if below their average",
                 SUPPORTED if low > rare else CONTRADICTED if high < usual else UNDECIDED)


def null_range(populations: Sequence[Distances]) -> tuple[float, float]:
    """Mean and 97.5 % point of the distance of two samples of one law, each averaged over the populations."""
    return (float(np.mean([population.null.mean() for population in populations])),
            float(np.mean([np.quantile(population.null, 0.975) for population in populations])))


def distance_findings(claims: Sequence[Claim]) -> str:
    """The answer in words, one Markdown line a claim on the order of two families, then one on the size."""
    found = {claim.name: claim for claim in claims}
    if not found:
        return "- **Table 1**: too few networks for distances with an interval."
    lines = []
    for name, (deep, shallow) in DEEPER.items():
        both = [found[key] for reading in READINGS if (key := f"03-wasserstein-{name}{_suffix(reading)}") in found]
        if both:
            parts = " and ".join(f"{in_brackets((claim.estimate, claim.low, claim.high), '+.4f')} ({claim.verdict}) "
                                 f"with {reading.label}" for claim, reading in zip(both, READINGS.values()))
            agree = ("The verdict depends on how S(f) is read" if len({claim.verdict for claim in both}) > 1
                     else "The two readings lead to the same verdict")
            if len({claim.estimate > 0 for claim in both}) > 1:
                agree += "; their estimates have opposite signs"
            lines.append(f"- **{deep} against {shallow}**: the mean distance differs by {parts}. {agree}.")
    small = found["03-wasserstein-small"]
    nulls = [claim for key, claim in found.items() if key.startswith("03-wasserstein-null-")]
    lines.append(f"- **Size**: no interval for a mean distance reaches beyond {small.high:.3f}, of 2 at most. In "
                 f"{sum(claim.verdict == SUPPORTED for claim in nulls)} of {len(nulls)} families the interval of the "
                 "mean over widths lies above the 97.5 % point of two samples of one law.")
    return "\n".join(lines)


def _shared(widths: Mapping[str, Sequence[int]], deep: str, shallow: str) -> list[int]:
    return [width for width in widths[deep] if width in widths[shallow]]


def _suffix(reading: str) -> str:
    return "" if reading == next(iter(READINGS)) else f"-{reading}"


def _numbers(populations: Sequence[Distances]) -> tuple[int, int]:
    """How many networks, and on how many images at least."""
    return sum(population.networks for population in populations), min(population.images for population in populations)
