"""Other people's modules as functions from images to class scores, their gradients, and sentences about what is none."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from torch import nn

from lib.runtime.devices import evaluating, find_device
from lib.runtime.tasks import progress
from lib.salience import extraction, predictions

CURES = {
    "probabilities": "leave its softmax out, or give scores=torch.log and output='log-probability' or 'probability'",
    "log-probabilities": "ask for output='log-probability' for all networks",
}
SURE = 0.01  # how far sums of probabilities in half precision may be from 1, and scores from their repetition


class ModelError(ValueError):
    """What is wrong with a reader's model, in one sentence that names it."""


class ClassScores(nn.Module):
    """A module [images, C, H, W] -> [images, classes], both in float32 whatever the precision of `model` is.

    The model gets a copy of the images, so that layers that work in place, as the first one may, leave them alone.

    Args:
        name: of the model, for messages.
        pick: takes the scores out of what the model returns, or changes them; by default that is the scores.

    Raises:
        ModelError: no module, or a lazy one; in `forward`: the model cannot take the images, or returns what cannot be
            class scores.
    """

    def __init__(self, name: str, model: nn.Module, pick: Callable[[object], torch.Tensor] | None = None):
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ModelError(f"the model {name} must be a torch.nn.Module, not a {type(model).__name__}")
        if any(map(nn.parameter.is_lazy, chain(model.parameters(), model.buffers()))):
            raise ModelError(f"the model {name} has lazy layers without weights; call it once on an image first")
        self.name, self.model, self.pick = name, model, pick or (lambda scores: scores)
        tensors = chain(model.parameters(), model.buffers())
        self.dtype = next((part.dtype for part in tensors if part.is_floating_point()), torch.float32)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        try:
            scores = self.pick(self.model(images.to(self.dtype, copy=True)))
        except Exception as error:  # whatever a model meets that was made for other images
            raise ModelError(
                f"the model {self.name} fails on images of the shape {list(images.shape)} [images, "
                f"channels, height, width]: {own_words(error)}"
            ) from error
        if fault := _fault(scores, len(images)):
            raise ModelError(f"the model {self.name} {fault}")
        if not scores.isfinite().all():
            raise ModelError(
                f"the model {self.name} gives scores that are not finite; its weights or the images are broken"
            )
        if images.requires_grad and not scores.requires_grad:
            raise ModelError(
                f"the scores of the model {self.name} do not depend on the images in a way that has a "
                "gradient: they are constant, rounded, detached, or computed under torch.no_grad"
            )
        return scores.float()


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
def check_alone(model: ClassScores, images: torch.Tensor) -> None:
    """Raises ModelError if another image beside it changes an image's scores, or a repetition does.

    In eval mode neither may happen.  A file that was traced or exported in train mode stays there: its BatchNorm
    normalises over the batch, its dropout drops.  `model` is in eval mode, on the device of `images` [2, C, H, W].
    """
    first, second = (model(images[places])[0] for places in ([0, 0], [0, 1]))
    if (first - second).abs().max() > SURE * first.abs().max():
        raise ModelError(
            f"the scores that the model {model.name} gives an image change with the other images or from "
            "call to call, though it is in eval mode: BatchNorm or dropout works as in training; call "
            "model.eval() before a model is traced or exported, and let BatchNorm keep running statistics"
        )


def kind_of_probability(scores: torch.Tensor) -> str | None:
    """'probabilities' or 'log-probabilities' if [images, classes] scores are that, every row of them; else None."""
    if scores.shape[1] > 1:
        for kind, values in (("probabilities", scores), ("log-probabilities", scores.exp())):
            if (values >= 0).all() and ((values.sum(1) - 1).abs() < SURE).all():
                return kind
    return None


def check_scores(name: str, scores: torch.Tensor, labels: torch.Tensor, output: str) -> None:
    """Raises ModelError for labels that [images, classes] scores lack; warns of scores that are probabilities."""
    if labels.max() >= scores.shape[1]:
        raise ModelError(
            f"the model {name} scores {scores.shape[1]} classes, 0 to {scores.shape[1] - 1}, and the "
            f"labels go up to {labels.max()}"
        )
    kind = kind_of_probability(scores)
    if kind and (kind == "probabilities" or output == "logit"):
        told = f"the model {name} returns {kind}, which are no logits: their gradients vanish where it is sure"
        warnings.warn(f"{told}; {CURES[kind]}", stacklevel=4)


def directions(
    model: ClassScores,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    grid: int | None,
    output: str,
    batch_size: int,
    device: str,
) -> tuple[np.ndarray, float]:
    """The unit directions [images, dims] of the input gradients of one network, and its accuracy.

    Arguments as for `lib.own.comparison.compare`.

    Raises:
        ModelError: all that `ClassScores`, `check_alone` and `check_scores` refuse, a network whose gradients cannot be
            taken or are all zero.
    """
    device = find_device(device)
    settings = {"batch_size": batch_size, "device": device}
    rows = []
    with frozen(model), evaluating(model, device) as placed:
        check_alone(placed, images[[0, -1]].to(device))
        logits = predictions.logits(placed, images, **settings)
        check_scores(model.name, logits, labels, output)
        with progress(len(labels), f"input gradients of {model.name}", delay=2) as bar:
            for part in torch.arange(len(labels)).split(batch_size):
                gradients = _gradients(model.name, placed, images[part], labels[part], output=output, **settings)
                rows.append(extraction.directions(gradients, grid=grid).numpy())
                bar.update(len(part))
    found = np.concatenate(rows)
    if not found.any():
        raise ModelError(
            f"the model {model.name} has a zero gradient at every image: its score of the true class does "
            "not change with the image; leave it out"
        )
    return found, float((logits.argmax(1) == labels).float().mean())


def _gradients(name: str, *arguments: object, **settings: object) -> torch.Tensor:
    try:
        return extraction.input_gradients(*arguments, **settings)
    except ModelError:
        raise
    except Exception as error:  # a layer without a gradient, or one that changed what the gradient needs
        raise ModelError(f"the gradients of the model {name} cannot be taken: {own_words(error)}") from error


def own_words(error: Exception) -> str:
    """The line of an exception that says what happened, with its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    if "TorchScript" in lines[0]:  # then a traceback follows, and the last line is the exception of the operation
        return lines[-1][:300]
    return f"{type(error).__name__}: {lines[0][:300]}"


def _fault(scores: object, images: int) -> str | None:
    """Why this is no [images, classes] tensor of scores, with what would make one of it; None if it is."""
    if isinstance(scores, Mapping):
        first = next(iter(scores), "logits")
        return (
            f"returns a dictionary with {', '.join(map(repr, scores)) or 'nothing'}, and class scores must be one "
            f"tensor; say which, for instance scores=lambda output: output[{first!r}]"
        )
    if isinstance(scores, (tuple, list)):
        return (
            f"returns {len(scores)} things (a {type(scores).__name__}), and class scores must be one tensor; say "
            "which, for instance scores=lambda output: output[0]"
        )
    if not isinstance(scores, torch.Tensor):
        tensors = (name for name, value in getattr(scores, "__dict__", {}).items() if isinstance(value, torch.Tensor))
        name = next(tensors, "logits")
        return (
            f"returns a {type(scores).__name__}, and class scores must be one tensor; say where it is, for "
            f"instance scores=lambda output: output.{name}"
        )
    shape = list(scores.shape)
    if not scores.is_floating_point():
        return f"returns numbers of the type {scores.dtype}: class indices have no gradient; return the class scores"
    if scores.ndim == 1 or shape[1:] == [1]:
        return (
            f"returns one number an image, of the shape {shape}: a binary classifier; make it two scores by "
            "scores=lambda s: torch.stack([-s.flatten(), s.flatten()], 1)"
        )
    if scores.ndim > 2:
        return (
            f"returns {shape} for {images} images, a map and not [images, classes] class scores: a segmentation "
            "model or a network without its head; scores=lambda output: output.flatten(2).mean(2) averages a map "
            "[images, classes, height, width] over its places"
        )
    if shape[0] != images:
        return f"returns {shape} for {images} images, and not [images, classes] class scores"
    return None
