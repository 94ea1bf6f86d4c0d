"""What two networks do alike, for every two of several: equal predictions, errors in common, attacks that transfer."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lib.attacks.one_step import fgsm, true_class_scores
from lib.effects.errors import agreement
from lib.salience.extraction import input_gradients

AGREEMENT, ERRORS, TRANSFER = OUTCOMES = ("agreement", "errors", "transfer")


def error_consistency(right: np.ndarray) -> np.ndarray:
    """Cohen's kappa of being right or wrong on the same images (Geirhos et al. 2020): agreement beyond accuracy.

    [networks, images] of bool -> [networks, networks].  1: right on the same images; 0: as if errors fell
    independently, which is also said of two networks one of which makes none.
    """
    accuracy = right.mean(1)
    observed = agreement(right)
    expected = accuracy[:, None] * accuracy + (1 - accuracy[:, None]) * (1 - accuracy)
    varied = (accuracy > 0) & (accuracy < 1)
    return np.divide(observed - expected, 1 - expected, where=varied[:, None] & varied, out=np.zeros_like(observed))


def transfer(networks: Sequence[nn.Module], images: torch.Tensor, labels: torch.Tensor, eps: float) -> np.ndarray:
    """Share of the true class's probability that an attack through another network takes: [sources, targets].

    1 less the mean probability under attack over that of the clean images [n, C, H, W]: one step of
    `lib.attacks.one_step.fgsm` of size `eps` with the source's gradient.  On the diagonal networks attack themselves.
    """
    attacked = torch.stack([_attacked(network, images, labels, eps) for network in networks])
    return np.stack([_taken(network, images, attacked, labels) for network in networks], axis=1)


def weakness(networks: Sequence[nn.Module], images: torch.Tensor, labels: torch.Tensor, eps: float) -> np.ndarray:
    """What an attack through the network itself takes, as in `transfer`: [networks]."""
    return np.array(
        [float(_taken(network, images, _attacked(network, images, labels, eps), labels)) for network in networks]
    )


def _attacked(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, eps: float) -> torch.Tensor:
    return fgsm(images, input_gradients(network, images, labels, output="probability"), eps=eps)


def _taken(target: nn.Module, images: torch.Tensor, attacked: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """[...] of attacked images [..., n, C, H, W]."""
    before, after = (
        np.exp(true_class_scores(target, shown, labels).log_probability).mean(-1) for shown in (images, attacked)
    )
    return 1 - after / before
