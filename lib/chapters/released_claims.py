"""The claims of chapter 10, about single networks: their intervals come from images alone.

Similarities and attack ratios are [..., widths, widths], NaN on the diagonal; of attacks the rows are the sources.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from lib.chapters.black_box_attack import fall_a_doubling
from lib.chapters.picture_comparison import PictureComparison
from lib.similarity import rank_one
from lib.similarity.cosines import chance_limit
from lib.statistics.sample import Sample
from lib.verdicts import Claim, all_above, judge_above


def pair_names(widths: Sequence[int]) -> list[str]:
    """k1, k2 of every pair of different widths, in the order of `pairs`."""
    return [f"k = {widths[i]}, {widths[j]}" for i, j in zip(*np.triu_indices(len(widths), 1))]


def pairs(square: np.ndarray) -> np.ndarray:
    """The upper triangle: [..., widths, widths] -> [..., pairs]."""
    return square[..., *np.triu_indices(square.shape[-1], 1)]


def width_order(rho: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Spearman's correlation of k1 k2 and rho over pairs of different widths: -> [...]."""
    ranks = rankdata(pairs(rho), axis=-1)
    products = rankdata(pairs(np.outer(widths, widths)))
    ranks, products = ranks - ranks.mean(-1, keepdims=True), products - products.mean()
    return (ranks @ products) / np.sqrt((ranks**2).sum(-1) * (products @ products))


def source_means(alpha: np.ndarray) -> np.ndarray:
    """Mean over the other networks as targets: -> [..., widths]."""
    return np.nanmean(alpha, axis=-1)


def target_means(alpha: np.ndarray) -> np.ndarray:
    """Mean over the other networks as sources: -> [..., widths]."""
    return np.nanmean(alpha, axis=-2)


def source_less_target_spread(alpha: np.ndarray) -> np.ndarray:
    """Standard deviation of alpha over source widths less that over target widths: -> [...]."""
    return source_means(alpha).std(-1) - target_means(alpha).std(-1)


def accuracy_claim(right: Sample, widths: Sequence[int]) -> Claim:
    """`right`: shares of images that are classified rightly, [widths]; the same images for all networks."""
    return all_above("10-accuracy", "Each wider network of the released ones classifies better than the one before.",
                     "rise of the accuracy at a step of the width",
                     lambda level: right.interval(lambda share: np.diff(share, axis=-1), level), 0, len(widths),
                     right.images, [f"k = {a} to {b}" for a, b in zip(widths, widths[1:])])


def similarity_claims(rho: Sample, widths: Sequence[int], dims: int) -> list[Claim]:
    """Beyond chance, in the order of k1 k2, and of rank one."""
    size = len(widths), rho.images
    limit = chance_limit(rho.images, dims)
    return [
        all_above("10-above-chance", "All pairs of released networks are alike beyond chance.",
                  f"rho_ind, where 97.5 % of pairs with unrelated directions stay below {limit:.4f}",
                  lambda level: rho.interval(pairs, level), round(limit, 6), *size, pair_names(widths)),
        _above("width", "Released networks get more alike when either gets wider.",
               "Spearman's correlation of k1 k2 and rho_ind over pairs", rho, 0.9, lambda m: width_order(m, widths)),
        _above("rank-one", "The similarity of two released networks is a product of one number for each of them.",
               "R^2 of log rho_ij = a_i + a_j over pairs", rho, 0.95, _explained),
    ]


def attack_claims(alpha: Sample, widths: Sequence[int]) -> list[Claim]:
    """Source and target widths; lower is stronger."""
    return [
        _above("wide-sources", "Wide released networks attack better than narrow ones.",
               "fall of alpha when the source width doubles, by least squares", alpha, 0,
               lambda m: fall_a_doubling(source_means(m), widths)),
        _above("target-little", "An attack on a released network depends less on its own width than on the source's.",
               "standard deviation of alpha over source widths less that over target widths", alpha, 0,
               source_less_target_spread),
    ]


def _above(name: str, statement: str, statistic: str, sample: Sample, threshold: float,
           measure: Callable[[np.ndarray], np.ndarray]) -> Claim:
    estimate, low, high = map(float, sample.interval(measure))
    return Claim(f"10-{name}", statement, statistic, estimate, low, high, sample.values.shape[-1], sample.images,
                 f"95 % interval above {threshold:g}", judge_above(low, high, threshold))


def _explained(rho: np.ndarray) -> np.ndarray:
    """There is one network a width, and so no rho(k, k)."""
    return rank_one.explained(rho, diagonal=False)


def findings(rho: Sample, alpha: Sample, widths: Sequence[int]) -> list[str]:
    """The answer in words with the numbers of the run: Markdown lines."""
    order, fit = (rho.interval(measure)[0] for measure in (lambda m: width_order(m, widths), _explained))
    values, sources, targets = pairs(rho.values), source_means(alpha.values), target_means(alpha.values)
    return [
        f"- **Similarity**: rho_ind goes from {values.min():.3f} to {values.max():.3f}; its rank correlation with k1 "
        f"k2 is {order:.3f}, and a product of one number a network explains {100 * fit:.1f} % of the variance of its "
        "logarithm.",
        f"- **Attacks**: averaged over the other networks alpha goes from {sources[0]:.2f} (source k = {widths[0]}) to "
        f"{sources[-1]:.2f} (k = {widths[-1]}); over target widths it lies between {targets.min():.2f} and "
        f"{targets.max():.2f}."]


def comparison_findings(comparisons: Mapping[str, PictureComparison]) -> list[str]:
    """How near the pictures' numbers are: a Markdown line a picture."""
    lines = []
    for what, found in comparisons.items():
        gap = np.abs(found.theirs - found.ours)
        lines.append(f"- **{what} beside the picture**: the largest difference of {len(gap)} is {gap.max():.3f} "
                     f"({found.places[int(gap.argmax())]}), the mean one {gap.mean():.3f}; "
                     f"{int((found.theirs < found.ours).sum())} of the picture's numbers are lower than here, and "
                     f"{found.within().sum()} lie where 95 % of random samples of images do.")
    return lines
