"""Specificity of similarity indices across two networks (after Ding et al. 2021): do they know which layers correspond?

An index is written as a likeness, the larger the more alike: [source layers, target layers] of a front and an end.
"""

from collections.abc import Mapping

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from lib.cka.estimators import linear_cka
from lib.stitching.similarity_indices import procrustes, pwcca, samples
from lib.stitching.stitched_detection import Detection, Network

INDICES = "task loss accuracy", "direct accuracy", "direct residual", "CKA", "Procrustes", "PWCCA"
DIGITS = 9  # of likenesses in rank correlations: what differs by rounding alone is tied


def unstitched(x: torch.Tensor, y: torch.Tensor) -> tuple[float, float, float]:
    """Likeness by CKA, Procrustes and PWCCA, the source weighing, of [images, channels, rows, columns] each."""
    rows = samples(x, y)
    return linear_cka(x.double(), y.double(), "biased"), 1 - procrustes(*rows) / 2, 1 - pwcca(*rows)


def likenesses(front: Network, end: Network, found: Detection) -> dict[str, np.ndarray]:
    """Every index between all layers of two networks: name -> [sources, targets], 1 for what is the same.

    'direct residual' is 1 - residual, 'Procrustes' 1 - distance / 2, 'PWCCA' 1 - distance.
    """
    without_stitch = [[unstitched(front.test[i], end.test[j]) for j in end.points] for i in front.points]
    cka, turned, weighted = np.moveaxis(np.array(without_stitch), -1, 0)
    return dict(zip(INDICES, (found.accuracy["task loss"], found.accuracy["direct"], 1 - found.residual["direct"], cka,
                              turned, weighted)))


def distance_correlation(likeness: np.ndarray) -> float:
    """Rank correlation of how unlike two layers are with how many layers apart they are: [sources, targets] -> number.

    1: the further apart, the less alike; 0 also where the index is the same for all.
    """
    return rank_correlation(-likeness, np.abs(np.subtract.outer(*map(np.arange, likeness.shape))))


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


def specificity(likeness: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Both statistics of every index: name -> index -> number."""
    return {"distance": {name: distance_correlation(values) for name, values in likeness.items()},
            "identification": {name: identification(values) for name, values in likeness.items()}}
