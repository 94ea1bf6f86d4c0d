"""Which layer of one network a measure takes for the counterpart of a layer of another.

Scores, and the likenesses of similarity indices, are [sources, targets], more meaning more alike; layers of the same
place correspond.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import binom, spearmanr
from sklearn.metrics import roc_auc_score

LEVEL = 0.05  # chance that a target seems violated though no other source is better
DIGITS = 9  # of likenesses in rank correlations: what differs by rounding alone is tied


def best_shares(scores: np.ndarray) -> np.ndarray:
    """[sources, targets]: 1 for the best source of each target; several best ones share it equally, as guessing would."""
    best = scores == scores.max(0)
    return best / best.sum(0)


def identified(scores: np.ndarray) -> np.ndarray:
    """[targets]: whether the best source is the corresponding layer, 0 to 1."""
    return np.diagonal(best_shares(scores)).copy()


def distance(scores: np.ndarray) -> np.ndarray:
    """[targets]: how many layers the best source lies from the corresponding one."""
    return (best_shares(scores) * layer_distances(len(scores))).sum(0)


def layer_distances(layers: int) -> np.ndarray:
    """[layers, layers]: how far apart two are."""
    places = np.arange(layers)
    return np.abs(places[:, None] - places)


def chance(layers: int) -> tuple[float, float]:
    """Identified targets, and mean distance, of a source picked at random."""
    return 1 / layers, float(layer_distances(layers).mean())


def violations(hits: np.ndarray) -> np.ndarray:
    """[sources, targets] bool: sources that classify more test images rightly than the corresponding one, beyond chance.

    An exact one-sided sign test over the images that just one of both classifies rightly (McNemar's), at the level
    0.05 / (sources - 1): a target without a better source has one by chance at most one time in twenty.

    hits: [sources, targets, images] bool.
    """
    own = _own(hits)
    gained, lost = (hits & ~own).sum(-1), (~hits & own).sum(-1)
    return binom.sf(gained - 1, gained + lost, 0.5) < _level(hits)


def could_be_violated(hits: np.ndarray) -> np.ndarray:
    """[targets] bool: whether the corresponding source errs on so many images that one without errors would violate.

    hits: [sources, targets, images] bool.
    """
    return 0.5 ** (~_own(hits)).sum(-1) < _level(hits)


def _own(hits: np.ndarray) -> np.ndarray:
    """[targets, images]: of the corresponding source."""
    return np.einsum("jjn->jn", hits)


def _level(hits: np.ndarray) -> float:
    """Of the test of one source."""
    return LEVEL / max(len(hits) - 1, 1)


def later_share(violated: np.ndarray) -> tuple[float, float]:
    """Share of violating sources that lie behind their target, and the share were they drawn at random for each target.

    violated: [sources, targets] bool; NaN where nothing is violated.
    """
    layers = len(violated)
    if not violated.any():
        return np.nan, np.nan
    behind = np.arange(layers)[:, None] > np.arange(layers)
    expected = behind.sum(0) / max(layers - 1, 1)
    return float(behind[violated].mean()), float((violated * expected).sum() / violated.sum())


def specificity(likeness: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Do indices know which layers correspond (after Ding et al. 2021)?  Statistic -> index -> number."""
    return {
        "distance": {name: distance_correlation(values) for name, values in likeness.items()},
        "identification": {name: identification(values) for name, values in likeness.items()},
    }


def distance_correlation(likeness: np.ndarray) -> float:
    """`rank_correlation` of unlikeness [layers, layers] with how many layers apart they are; 0 where all is the same."""
    return rank_correlation(-likeness, layer_distances(len(likeness)))


def identification(likeness: np.ndarray) -> float:
    """Chance that two corresponding layers are more alike than two that do not correspond, ties half: [layers, layers].

    Raises:
        ValueError: a matrix that is not square.
    """
    if likeness.ndim != 2 or len(likeness) != likeness.shape[1]:
        raise ValueError(f"corresponding layers need a square matrix, not shape {list(likeness.shape)}")
    return float(roc_auc_score(np.eye(len(likeness)).ravel(), np.round(likeness, DIGITS).ravel()))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays of one shape; 0 where one of them is the same everywhere."""
    x, y = (np.round(np.ravel(part), DIGITS) for part in (x, y))
    return 0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(spearmanr(x, y).statistic)
