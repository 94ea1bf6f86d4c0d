"""Whether minibatch CKA depends on the size of the batches (fact sheet 3.2; the paper's appendix A)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.cka.block_structure import hidden_points
from lib.cka.estimators import batches, check_batches, check_estimator
from lib.cka.layer_grams import gram_cka, layer_grams
from lib.statistics.intervals import Interval, mean_interval


@dataclass(frozen=True, eq=False)
class BatchSizes:
    """CKA between the hidden layers of one network, in batches of several sizes and of all images at once.

    Attributes:
        estimator: of HSIC, 'unbiased' or 'biased'.
        values: [batch sizes, passes, layers, layers], each pass by itself.
        full: [layers, layers].
        images: how many.
    """

    estimator: str
    sizes: Sequence[int]
    values: np.ndarray
    full: np.ndarray
    images: int

    def deviations(self) -> np.ndarray:
        """Minibatch less full value, mean over pairs of different layers: [batch sizes, passes]."""
        return _over_pairs(self.values - self.full)

    def largest(self) -> np.ndarray:
        """Largest deviation of a single pair of layers from its full value, after all passes: [batch sizes]."""
        return np.abs(self.values.mean(1) - self.full).max((1, 2))

    def interval(self, level: float = 0.95) -> Interval:
        """Deviation of each batch size, [batch sizes] each, over passes: over orders of the same images.

        A single pass has no interval: NaN.
        """
        passes = self.deviations().T
        if len(passes) < 2:
            return passes[0], np.full(len(self.sizes), np.nan), np.full(len(self.sizes), np.nan)
        return mean_interval(passes, level)

    def full_mean(self) -> float:
        """Full value, mean over pairs of different layers."""
        return float(_over_pairs(self.full))


def batch_sizes(model: nn.Module, images: torch.Tensor, sizes: Sequence[int], passes: int, random_seed: int,
                estimator: str) -> BatchSizes:
    """Minibatch CKA of one network at every batch size, `passes` times each.

    Raises:
        ValueError: a batch size below 4 or above the number of images, or an unknown estimator.
    """
    check_estimator(estimator)
    count = len(images)
    for size in sizes:
        check_batches(size, passes, count)
    grams = layer_grams(model, images, hidden_points(model)).grams
    values = []
    for size in sizes:
        generator = torch.Generator().manual_seed(random_seed)
        values.append([gram_cka(grams, batches(count, size, 1, generator), estimator=estimator)
                       for _ in range(passes)])
    full = gram_cka(grams, [torch.arange(count)], estimator=estimator)
    return BatchSizes(estimator, sizes, np.array(values), full, count)


def _over_pairs(values: np.ndarray) -> np.ndarray:
    """Mean over pairs of different layers: [..., layers, layers] -> [...]."""
    rows, columns = np.triu_indices(values.shape[-1], 1)
    return values[..., rows, columns].mean(-1)
