"""What chapter 6 shows, in words with the numbers of the run: lists of Markdown lines, one a family."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from lib.chapters.ensemble_claims import AVERAGES, LOSS
from lib.ensembles.ensemble_cosines import law
from lib.ensembles.ensemble_statistics import (
    Families,
    averaging_gain,
    common_sizes,
    equal_size_pairs,
    estimates,
    inside,
    law_ratio,
    over_affordable,
    over_single,
    over_wide,
    ratio_interval,
    table,
)


def cosine_findings(families: Families, widths: Mapping[str, Sequence[int]]) -> list[str]:
    """E[t] and loss of the narrowest networks alone and together, and how far the law is off."""
    lines = []
    for family, populations in families.items():
        rows, size = estimates(populations), common_sizes(populations)[-1]
        t, loss, ratio = table(rows, "t"), table(rows, LOSS), law_ratio(rows)
        if not np.isfinite(t).all():
            lines.append(f"- **{family}**: some width has no similarity above zero, and so no E[t].")
            continue
        narrowest, *_, widest = widths[family]
        limits = law(t[:, 0], np.inf, table(rows, "spread")[:, 0])
        lines.append(f"- **{family}**: from one network of k = {narrowest} to {size} E[t] goes from {t[0, 0]:.2f} to "
                     f"{t[0, -1]:.2f} and the loss from {loss[0, 0]:.3f} to {loss[0, -1]:.3f} nats; one network of "
                     f"k = {widest} has {t[-1, 0]:.2f} and {loss[-1, 0]:.3f}. Measured E[t] of ensembles is "
                     f"{ratio.min():.3f} to {ratio.max():.3f} times the law, whose limit for many members is "
                     f"{limits.min():.3f} to {limits.max():.3f}, depending on how much R varies over the images.")
    return lines


def gradient_findings(readings: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How much the reading of an ensemble's salience matters; `readings`: title -> `averaged_logits.cosines`."""
    change = np.array([found["averaged logits"] - found["mean unit gradient"] for found in readings.values()])
    change = change[np.isfinite(change)]
    if not len(change):
        return ["- **Which gradient**: no population has a mean direction to compare with."]
    return [f"- **Which gradient**: E[t] of the averaged logits' gradient differs from that of the mean unit gradient "
            f"by {change.min():+.4f} to {change.max():+.4f}, in {len(change)} single ensembles."]


def curve_findings(families: Families) -> list[str]:
    """Ensembles against single networks of their E[t], for both averages, and how loss and E[t] go together."""
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
        rank = spearmanr(t.ravel(), table(rows, LOSS).ravel()).statistic
        lines.append(f"- **Same curve, {family}**: ensembles have {' or '.join(parts)} times the loss of single "
                     f"networks with the same E[t], over the {comparable.sum()} of {comparable.size} ensembles whose "
                     f"E[t] lies between those of single networks. Over widths and m together, the rank correlation "
                     f"of E[t] and loss is {rank:.2f}.")
    return lines


def practice_findings(families: Families) -> list[str]:
    """Which average, and what becomes of accuracy and calibration."""
    lines = []
    for family, populations in families.items():
        rows, size = estimates(populations), common_sizes(populations)[-1]
        gain, low, high = ratio_interval(populations, averaging_gain)
        right = table(rows, "accuracy probabilities")
        single = table(rows, "ece probabilities")[:, 0].mean()
        ece = [f"{table(rows, f'ece {average}')[:, -1].mean():.3f} (averaged {average})" for average in AVERAGES]
        gaps = [(table(rows, f"confidence {average}") - table(rows, f"accuracy {average}"))[:, -1].mean()
                for average in AVERAGES]
        lines.append(f"- **In practice, {family}**: averaged logits have {gain:.2f} [{low:.2f}, {high:.2f}] times the "
                     f"loss of averaged probabilities. {size} networks that average these have an accuracy "
                     f"{(right[:, -1] - right[:, 0]).min():+.3f} to {(right[:, -1] - right[:, 0]).max():+.3f} above "
                     f"that of one, which is {right[:, 0].min():.3f} to {right[:, 0].max():.3f} by width. The "
                     f"calibration error, mean over widths, is {single:.3f} for one network and {' or '.join(ece)} for "
                     f"{size}; confidence minus accuracy of these ensembles is {gaps[0]:+.3f} or {gaps[1]:+.3f}.")
    return lines


def parameter_findings(families: Families, parameters: Mapping[str, np.ndarray], widths: Mapping[str, Sequence[int]]
                       ) -> list[str]:
    """How near ensembles come to the parameters of the one network that they are compared with.

    `parameters`: family -> [widths], of a single network.
    """
    lines = []
    for family, populations in families.items():
        sizes = common_sizes(populations)
        more = [100 * (sizes[column] * parameters[family][narrow] / parameters[family][wide] - 1)
                for narrow, column, wide in equal_size_pairs(widths[family], sizes)]
        lines.append(f"- **Parameters, {family}**: " + (
            f"m networks of k have {min(more):+.1f} % to {max(more):+.1f} % more than one of k √m, in {len(more)} such "
            "comparisons." if more else "no m networks of one width have about as many as one of another."))
    return lines


def cost_findings(families: Families, seconds: Mapping[str, np.ndarray], widths: Mapping[str, Sequence[int]]
                  ) -> list[str]:
    """Ensembles against one wide network of their parameters, and against the best network that took no longer.

    `seconds`: family -> [widths], the training time of a single network.
    """
    lines = []
    for family, populations in families.items():
        rows, sizes = estimates(populations), common_sizes(populations)
        parts = []
        pairs = equal_size_pairs(widths[family], sizes)
        if pairs:
            losses = [over_wide(rows, f"loss {average}", pairs) for average in AVERAGES]
            parts.append("beside one network of about as many parameters, m of k against one of k √m, ensembles have "
                         f"{_range(over_wide(rows, 't', pairs))} times its E[t] and {_range(losses[0])} (averaged "
                         f"{AVERAGES[0]}) or {_range(losses[1])} (averaged {AVERAGES[1]}) times its loss")
        cost = np.outer(seconds[family], sizes)
        ratios = [over_affordable(cost, table(rows, f"loss {average}")) for average in AVERAGES]
        comparable = np.isfinite(ratios[0]).sum()
        if comparable:
            counted = " or ".join(f"{int((ratio < 1).sum())} (averaged {average})"
                                  for average, ratio in zip(AVERAGES, ratios))
            parts.append(f"of the {comparable} ensembles that took as long as some better single network or longer, "
                         f"but no longer than the slowest, {counted} have a lower loss than the best of these")
        else:
            parts.append("no ensemble took as long as a better single network and no longer than the slowest")
        lines.append(f"- **Cost, {family}**: {'; '.join(parts)}.")
    return lines


def _range(values: np.ndarray) -> str:
    return f"{values.min():.2f} to {values.max():.2f}"
