"""How far a network's confidence is from its accuracy."""

import numpy as np

from lib.runtime.checks import check_count

BINS = 15


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Mean gap between confidence and accuracy, in units of probability: [..., n] and [..., n] -> [...].

    The estimator of Guo et al. (2017): images fall into `bins` equal parts (low, high] of [0, 1] by their top
    probability; the gap of accuracy and mean confidence in each bin is weighted by its share of the images.  Chance
    alone makes it positive where there are few images.

    Args:
        confidence: the largest of each image's class probabilities.
        correct: whether that class was the true one.

    Raises:
        ValueError: shapes that differ, no images, confidences outside [0, 1] or not finite, or fewer than 1 bin.
    """
    check_count("bins", bins)
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    if confidence.shape != correct.shape or not confidence.size:
        raise ValueError("confidence and correct must be of one shape [..., images] with at least one image, not "
                         f"{confidence.shape} and {correct.shape}")
    rounding = 1e-6  # float32 probabilities may exceed 1 by so little
    if not ((confidence >= 0) & (confidence <= 1 + rounding)).all():
        raise ValueError("confidences must be probabilities from 0 to 1")
    gaps = (correct - confidence).reshape(-1, confidence.shape[-1])
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1).reshape(gaps.shape)
    cells = bin_of + bins * np.arange(len(gaps))[:, None]
    totals = np.bincount(cells.ravel(), gaps.ravel(), minlength=bins * len(gaps)).reshape(len(gaps), bins)
    return (np.abs(totals).sum(1) / gaps.shape[1]).reshape(confidence.shape[:-1])
