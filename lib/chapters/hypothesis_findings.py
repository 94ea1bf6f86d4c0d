"""What chapter 4 shows, in words with the numbers of the run: lists of Markdown lines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.chapters.control_claims import LABELS, ORDER, POPULATIONS, REAL, UNTRAINED, WEIGHTS, difference
from lib.chapters.hypothesis_claims import across, falls
from lib.chapters.promise_claims import resultant_ratio, similarity_ratio
from lib.similarity.rank_one import cosines, direction_cosine, resultants
from lib.statistics.intervals import in_brackets
from lib.statistics.sample import Sample

Matrices = Mapping[str, Sample]


def variance_findings(families: Matrices, widths: Mapping[str, Sequence[int]]) -> list[str]:
    """H1: the mean cosines at both ends, and how many steps are certain."""
    lines = []
    for family, matrix in families.items():
        mean, (_, low, high) = resultants(matrix.values), matrix.interval(falls)
        narrowest, *_, widest = widths[family]
        lines.append(f"- **H1, {family}**: E[t] goes from {mean[0]:.2f} at k = {narrowest} to {mean[-1]:.2f} at "
                     f"k = {widest}; of {len(low)} steps {int((low > 0).sum())} have their whole interval above "
                     f"zero, {int((high < 0).sum())} below.")
    return lines


def direction_findings(families: Matrices, everything: Sample, family_of: Sequence[str]) -> list[str]:
    """H2: the lowest and the mean corrected cosine within each family, and across families."""
    lines = []
    for family, matrix in families.items():
        pairs = np.triu_indices(len(matrix.networks), 1)
        estimate, low, high = matrix.interval(lambda rho: cosines(rho)[..., *pairs])
        if not np.isfinite(estimate).all():
            lines.append(f"- **H2, {family}**: some width has no similarity above zero, and so no mean direction.")
            continue
        least = int(np.argmin(estimate))
        lines.append(f"- **H2, {family}**: corrected mean-direction cosines of two widths are {estimate.mean():.3f} on "
                     f"average; the lowest is {in_brackets((estimate[least], low[least], high[least]))}.")
    between = cosines(everything.values)[across(family_of)]
    between = between[np.isfinite(between)]
    if between.size:
        lines.append(f"- **Across families** they are {between.mean():.2f} on average, from {between.min():.2f} to "
                     f"{between.max():.2f}.")
    return lines


def law_findings(law: pd.DataFrame) -> list[str]:
    """Rank one: averages, and whether what is left belongs to single images."""
    least, residual, repeat = (law.loc[name] for name in (
        "R² of averages", "r.m.s. residual of averages", "correlation of residuals, halves of the networks"))
    if not np.isfinite(least.astype(float)).all():
        return ["- **Rank one**: not to be told, because some similarities are not above zero."]
    line = (f"- **Rank one**: on averages over images the law explains at least {least.min():.3f} of the variance of "
            f"log ρ in every family and is off by {residual.max():.1%} at most (root mean square).")
    known = repeat[np.isfinite(repeat.astype(float))]  # halves of few networks may have no similarity above zero
    if known.empty:
        return [line]
    return [f"{line} Residuals of single images correlate by {known.min():.2f} to {known.max():.2f} between halves of the "
            "networks: 1 would mean that they belong to the image, 0 that they are chance, or that so few networks do "
            "not show more."]


def control_findings(family: str, matrices: Mapping[int, Sample]) -> list[str]:
    """Controls: similarity at the widest, and the differences that sharing makes at the ends."""
    widths, place = list(matrices), {name: i for i, name in enumerate(POPULATIONS)}
    rho = np.diag(matrices[widths[-1]].values)
    labels = cosines(matrices[widths[-1]].values)[place[REAL], place[LABELS]]
    about = (f"about a mean direction whose cosine with the trained one is {labels:.2f}" if np.isfinite(labels)
             else "without a mean direction")
    weights, order = (np.transpose(difference(matrices.values(), place[name], place[REAL]))
                      for name in (WEIGHTS, ORDER))
    return [f"- **Controls, {family}**: at k = {widths[-1]} trained networks have ρ = {rho[place[REAL]]:.2f}, the same "
            f"networks before training {rho[place[UNTRAINED]] + 0:.2f}, networks on shuffled labels "
            f"{rho[place[LABELS]]:.2f}, the last {about}. The same initial weights add "
            f"{in_brackets(weights[0])} at k = {widths[0]} and {in_brackets(weights[-1])} at k = "
            f"{widths[-1]}, the same order of images {in_brackets(order[0])} and {in_brackets(order[-1])}."]


def promise_findings(families: Matrices, widths: Mapping[str, Sequence[int]]) -> list[str]:
    """The promise: predicted over measured, and the two cosines with the widest mean direction."""
    lines = []
    for family, matrix in families.items():
        own = widths[family]
        mean = in_brackets(matrix.interval(lambda rho: resultant_ratio(rho, own)))
        similarity = [part[-1] for part in matrix.interval(lambda rho: similarity_ratio(rho, own))]
        cosine = direction_cosine(matrix.values, matrix.networks)
        lines.append(f"- **Promise, {family}**: predicted over measured is {mean} for E[t] and "
                     f"{in_brackets(similarity)} for ρ(k, k), both at k = {own[-1]}. The mean of the "
                     f"{sum(matrix.networks[:-1])} narrower networks has the cosine {cosine:.2f} with the widest mean "
                     f"direction, one network of k = {own[-1]} has {resultants(matrix.values)[-1]:.2f}.")
    return lines
