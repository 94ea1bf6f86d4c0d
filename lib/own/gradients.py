"""Directions of the input gradients of a reader's network, and what can be said against its scores."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from lib.models.class_scores import ClassScores, ModelError
from lib.runtime.devices import evaluating, find_device
from lib.salience import extraction

CURES = {
    "probabilities": "leave its softmax out, or give scores=torch.log and output='log-probability' or 'probability'",
    "log-probabilities": "ask for output='log-probability' for all networks",
}
SURE = 0.01  # how far sums of probabilities in half precision may be from 1, and scores from their repetition


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """The parameters need no gradients meanwhile, which saves memory, and afterwards again those that did."""
    needed = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in needed:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in needed:
            parameter.requires_grad_(True)


@torch.no_grad()
def check_network(model: ClassScores, images: torch.Tensor, labels: torch.Tensor, device: str) -> None:
    """Raises ModelError where another image beside it, or a repetition, changes an image's scores, or a class lacks.

    In eval mode neither may happen.  A file that was traced or exported in train mode stays there: its BatchNorm
    normalises over the batch, its dropout drops.
    """
    shown = images[[0, -1]].to(find_device(device))
    with evaluating(model, find_device(device)) as placed:
        first, second = (placed(shown[places])[0] for places in ([0, 0], [0, 1]))
    if (first - second).abs().max() > SURE * first.abs().max():
        raise ModelError(
            f"the scores that the model {model.name} gives an image change with the other images or from "
            "call to call, though it is in eval mode: BatchNorm or dropout works as in training; call "
            "model.eval() before a model is traced or exported, and let BatchNorm keep running statistics"
        )
    if labels.max() >= len(first):
        raise ModelError(
            f"the model {model.name} scores {len(first)} classes, 0 to {len(first) - 1}, and the "
            f"labels go up to {labels.max()}"
        )


def kind_of_probability(scores: torch.Tensor) -> str | None:
    """'probabilities' or 'log-probabilities' if [images, classes] scores are that, every row of them; else None."""
    if scores.shape[1] > 1:
        for kind, values in (("probabilities", scores), ("log-probabilities", scores.exp())):
            if (values >= 0).all() and ((values.sum(1) - 1).abs() < SURE).all():
                return kind
    return None


def warn_of_probabilities(name: str, scores: torch.Tensor, output: str) -> None:
    """Warns where [images, classes] scores are probabilities."""
    kind = kind_of_probability(scores)
    if kind and (kind == "probabilities" or output == "logit"):
        told = f"the model {name} returns {kind}, which are no logits: their gradients vanish where it is sure"
        warnings.warn(f"{told}; {CURES[kind]}", stacklevel=5)


def directions(
    model: ClassScores,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    grid: int | None,
    output: str,
    batch_size: int,
    device: str,
    advance: Callable[[int], object],
) -> tuple[np.ndarray, float]:
    """The unit directions [images, dims] of the input gradients of one network, and its accuracy.

    Arguments as for `lib.own.comparison.compare`; `advance` is called with the number of images of every batch.

    Raises:
        ModelError: all that `ClassScores` and `check_network` refuse, a network whose gradients cannot be taken or are
            all zero.
    """
    device = find_device(device)
    settings: dict[str, Any] = {"batch_size": batch_size, "device": device}
    rows, scores = [], []
    check_network(model, images, labels, device)
    with evaluating(model, device) as placed, frozen(placed):
        for part in torch.arange(len(labels)).split(batch_size):
            scores.append(extraction.logits(placed, images[part], **settings))
            gradients = extraction.input_gradients(placed, images[part], labels[part], output=output, **settings)
            rows.append(extraction.directions(gradients, grid=grid).numpy())
            advance(len(part))
        logits = torch.cat(scores)
        warn_of_probabilities(model.name, logits, output)
    found = np.concatenate(rows)
    if not found.any():
        raise ModelError(
            f"the model {model.name} has a zero gradient at every image: its score of the true class does "
            "not change with the image; leave it out"
        )
    return found, float((logits.argmax(1) == labels).float().mean())
