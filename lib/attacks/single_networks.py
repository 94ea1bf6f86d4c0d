"""Attacks between single networks: one number an image and a pair, before any average."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lib.attacks.one_step import Scores, fgsm, resampled_summaries, true_class_scores
from lib.runtime.tasks import progress
from lib.salience.extraction import input_gradients
from lib.statistics.sample import Sample

BATCH = 64  # images of 32 x 32 pixels whose feature maps fit into a processor's cache


def gradients(
    models: Sequence[nn.Module], images: torch.Tensor, labels: torch.Tensor, output: str
) -> list[torch.Tensor]:
    """`lib.salience.input_gradients` of every network, [n, C, H, W] each, with progress."""
    found = []
    with progress(len(models) * len(images), f"input gradients ({output})") as bar:
        for model in models:
            parts = []
            for shown, true in zip(images.split(BATCH), torch.as_tensor(labels).split(BATCH)):
                parts.append(input_gradients(model, shown, true, output=output, batch_size=BATCH))
                bar.update(len(shown))
            found.append(torch.cat(parts))
    return found


def attack_all(
    models: Sequence[nn.Module],
    gradients: Sequence[torch.Tensor],
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: float,
) -> tuple[Scores, Scores]:
    """Every network attacks every other one: scores before, [targets, n], and after, [sources, targets, n].

    NaN for a network and itself.

    Args:
        gradients: of each network's true-class probability, at full resolution, shaped as the images.
        eps: the normalised step; attacked images stay in the range of all the images.
    """
    attacked = torch.stack([fgsm(images, part, eps=eps) for part in gradients])
    before, after = [], Scores.unknown(len(models), len(models), len(labels))
    with progress(len(models), "attacked networks") as bar:
        for column, model in enumerate(models):
            before.append(true_class_scores(model, images, labels))
            rows = [row for row in range(len(models)) if row != column]
            for part, found in zip(after, true_class_scores(model, attacked[rows], labels)):
                part[rows, column] = found
            bar.update()
    return Scores.stacked(before), after


def resampled(before: Scores, after: Scores, rng: np.random.Generator, draws: int) -> dict[str, Sample]:
    """Each of `lib.attacks.SUMMARIES` for all pairs, [sources, targets], NaN on the diagonal; images are the sample."""
    images = before.right.shape[-1]
    found = resampled_summaries(before, after, rng, draws)
    return {name: Sample(values[0], None, values[1:], None, (), images) for name, values in found.items()}
