"""The claims of chapter 3, for one family: similarity grows with width, at every step, and is beyond chance."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.claims import Claim, all_above, judge_above
from lib.statistics.intervals import in_brackets
from lib.statistics.sample import Sample


def steps(values: np.ndarray) -> np.ndarray:
    """Change of rho(k1, k2) when k2 moves to the next width: [..., widths, widths] -> [..., widths, widths - 1]."""
    return np.diff(values, axis=-1)


def mean_step(values: np.ndarray) -> np.ndarray:
    """Mean of all steps: [..., widths, widths] -> [...]."""
    return steps(values).mean(axis=(-2, -1))


def growth_claims(family: str, matrix: Sample, widths: Sequence[int], chance: tuple[float, float]
                  ) -> list[Claim]:
    """Four claims: growth on average, over the whole range and at every step, and the narrowest networks above chance.

    `chance`: the ends of the band that holds 95 % of unrelated pairs (`lib.similarity.cosines.unrelated`).
    """
    networks, images = sum(matrix.networks), matrix.images
    narrow, wide = f"rho({widths[0]}, {widths[0]})", f"rho({widths[-1]}, {widths[-1]})"
    growth = matrix.interval(mean_step)
    total = matrix.interval(lambda values: values[..., -1, -1] - values[..., 0, 0])
    start = [part[0, 0] for part in matrix.interval()]
    return [
        Claim(f"03-growth-{family}", f"Networks of {family} get more alike when either gets wider.",
              "mean step of rho to the next width", *map(float, growth), networks, images,
              "95 % interval above zero", judge_above(*growth[1:])),
        Claim(f"03-range-{family}", f"The widest networks of {family} are more alike than the narrowest.",
              f"{wide} - {narrow}", *map(float, total), networks, images,
              "95 % interval above zero", judge_above(*total[1:])),
        all_above(f"03-every-step-{family}", f"Every step to a larger width makes networks of {family} more alike.",
                  "step of rho to the next width", lambda level: matrix.interval(steps, level), 0, networks, images,
                  [f"k = {a} to {b} beside k = {other}" for other in widths for a, b in zip(widths, widths[1:])]),
        Claim(f"03-above-chance-{family}", f"Already the narrowest networks of {family} are alike beyond chance.",
              f"{narrow}; unrelated directions reach {chance[1]:.3f}", *map(float, start), networks, images,
              "95 % interval above the 97.5 % point of unrelated directions",
              judge_above(start[1], start[2], chance[1])),
    ]


def findings(families: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> str:
    """The answer in words, one Markdown line a family."""
    lines = []
    for family, matrix in families.items():
        single, (first, *_, last) = matrix.interval(steps), widths[family]
        lines.append(f"- **{family}**: ρ goes from {matrix.values[0, 0]:.2f} at ({first}, {first}) to "
                     f"{matrix.values[-1, -1]:.2f} at ({last}, {last}); a step adds "
                     f"{in_brackets(matrix.interval(mean_step), '.3f')} on average. Of the {single[0].size} single steps, "
                     f"{int((single[1] > 0).sum())} have their whole pointwise interval above zero and "
                     f"{int((single[2] < 0).sum())} below.")
    return "\n".join(lines)
