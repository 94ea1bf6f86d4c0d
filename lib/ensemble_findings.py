"""What chapter 6 shows, in words with the numbers of the run: lists of Markdown lines, one a family."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.ensemble_claims import (AVERAGES, LOSS, averaging_gain, common_sizes, estimates, inside, law_ratio,
                                 over_single, table)
from lib.ensembles import Ensembles, interval

Families = Mapping[str, Sequence[Ensembles]]


def cosine_findings(families: Families, widths: Sequence[int]) -> list[str]:
    """E[t] and loss of the narrowest networks alone and together, and how far the law is off."""
    lines = []
    for family, populations in families.items():
        rows, size = estimates(populations), common_sizes(populations)[-1]
        t, loss, ratio = table(rows, "t"), table(rows, LOSS), law_ratio(rows)
        if not np.isfinite(t).all():
            lines.append(f"- **{family}**: some width has no similarity above zero, and so no E[t].")
            continue
        lines.append(f"- **{family}**: from one network of k = {widths[0]} to {size} E[t] goes from {t[0, 0]:.2f} to "
                     f"{t[0, -1]:.2f} and the loss from {loss[0, 0]:.3f} to {loss[0, -1]:.3f} nats; one network of "
                     f"k = {widths[-1]} has {t[-1, 0]:.2f} and {loss[-1, 0]:.3f}. Measured E[t] of ensembles is "
                     f"{ratio.min():.3f} to {ratio.max():.3f} times the law.")
    return lines


def curve_findings(families: Families) -> list[str]:
    """Ensembles against single networks of their E[t], for both averages."""
    lines = []
    for family, populations in families.items():
        rows = estimates(populations)
        t = table(rows, "t")
        comparable = inside(t)
        if not comparable.any():
            lines.append(f"- **Same curve, {family}**: no ensemble has the E[t] of a single network.")
            continue
        ratios = [over_single(t, table(rows, f"loss {average}"))[comparable] for average in AVERAGES]
        parts = [f"{ratio.min():.2f} to {ratio.max():.2f} (averaged {average})"
                 for average, ratio in zip(AVERAGES, ratios)]
        lines.append(f"- **Same curve, {family}**: ensembles have {' or '.join(parts)} times the loss of single "
                     f"networks with the same E[t], over the {comparable.sum()} of {comparable.size} ensembles whose "
                     "E[t] lies between those of single networks.")
    return lines


def practice_findings(families: Families) -> list[str]:
    """Which average, and what becomes of calibration."""
    lines = []
    for family, populations in families.items():
        rows, size = estimates(populations), common_sizes(populations)[-1]
        gain, low, high = interval(populations, averaging_gain)
        single = table(rows, "ece probabilities")[:, 0].mean()
        ece = [f"{table(rows, f'ece {average}')[:, -1].mean():.3f} (averaged {average})" for average in AVERAGES]
        gaps = [(table(rows, f"confidence {average}") - table(rows, f"accuracy {average}"))[:, -1].mean()
                for average in AVERAGES]
        lines.append(f"- **In practice, {family}**: averaged logits have {gain:.2f} [{low:.2f}, {high:.2f}] times the "
                     f"loss of averaged probabilities. The calibration error, mean over widths, is {single:.3f} for "
                     f"one network and {' or '.join(ece)} for {size}; confidence minus accuracy of these ensembles is "
                     f"{gaps[0]:+.3f} or {gaps[1]:+.3f}.")
    return lines


def cost_findings(families: Families, price: Mapping[str, Mapping[str, np.ndarray]]) -> list[str]:
    """How many ensembles beat a single network of their cost; `price` as in `lib.ensemble_figures.costs`."""
    lines = []
    for family, populations in families.items():
        rows, parts = estimates(populations), []
        for label, of_family in price.items():
            cost = np.log(np.outer(of_family[family], common_sizes(populations)))
            known = inside(cost)
            better = [int((over_single(cost, table(rows, f"loss {average}"))[known] < 1).sum()) for average in AVERAGES]
            parts.append(f"{label.split(' (')[0]} {better[0]} (averaged {AVERAGES[0]}) or {better[1]} (averaged "
                         f"{AVERAGES[1]}) of {known.sum()}")
        lines.append(f"- **Cost, {family}**: how many ensembles have a lower loss than a single network, interpolated, "
                     f"of equal {'; of equal '.join(parts)}.")
    return lines

