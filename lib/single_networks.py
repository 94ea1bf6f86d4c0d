"""Similarities and attacks between single networks: one number an image and a pair, before any average."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lib.attacks import Scores, fgsm, true_class_scores
from lib.similarity import has_direction


def pair_cosines(directions: np.ndarray) -> np.ndarray:
    """Cosines of all pairs of networks at every image: [networks, n, d] -> [n, networks, networks].

    NaN for a network with itself, and where one of the two has no direction.
    """
    by_image = np.asarray(directions, dtype=float).transpose(1, 0, 2)
    cosines = by_image @ by_image.transpose(0, 2, 1)
    known = has_direction(by_image)
    cosines[~(known[:, :, None] & known[:, None, :])] = np.nan
    cosines[:, np.eye(len(directions), dtype=bool)] = np.nan
    return cosines


def attack_all(models: Sequence[nn.Module], gradients: Sequence[torch.Tensor], images: torch.Tensor,
               labels: torch.Tensor, eps: float) -> tuple[Scores, Scores]:
    """Every network attacks every other one: scores before, [targets, n], and after, [sources, targets, n].

    NaN in the log-probability, and False, for a network and itself.

    Args:
        gradients: of each network's true-class probability, at full resolution, shaped as the images.
        eps: the normalised step; attacked images stay in the range of all the images.
    """
    attacked = torch.stack([fgsm(images, part, eps=eps) for part in gradients])
    before = [true_class_scores(model, images, labels) for model in models]
    shape = len(models), len(models), len(labels)
    after = Scores(np.full(shape, np.nan), np.zeros(shape, dtype=bool))
    for column, model in enumerate(models):
        rows = [row for row in range(len(models)) if row != column]
        for part, found in zip(after, true_class_scores(model, attacked[rows], labels)):
            part[rows, column] = found
    return Scores(*map(np.stack, zip(*before))), after
