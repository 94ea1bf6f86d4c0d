"""Any module as a function from images to class scores, and sentences about what is none."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from lib.models.doors import check_network
from lib.runtime.checks import shown
from lib.runtime.devices import HALVES, precision

WHERE = ", of lib.own.compare or of lib.models.ClassScores(name, model, scores)"


class ModelError(ValueError):
    """What is wrong with a reader's model, in one sentence that names it."""


class ClassScores(nn.Module):
    """A module [images, C, H, W] -> [images, classes], in float32 or, where the model computes so, in float64.

    The model gets a copy of the images in the type of its weights, so that layers that work in place, as the first one
    may, leave them alone.

    Args:
        name: of the model, for messages.
        scores: takes the scores out of what the model returns, or changes them; by default what it returns, or the
            attribute `logits` of that.

    Raises:
        ValueError: no module, or a lazy one.
        ModelError: in `forward`: the model cannot take the images, returns what cannot be class scores, or what `scores`
            fails on.
    """

    def __init__(self, name: str, model: nn.Module, scores: Callable[[object], torch.Tensor] | None = None):
        super().__init__()
        check_network(model, name)
        if scores is not None and not callable(scores):
            raise ValueError(f"scores must be a function of what a network returns, not {shown(scores)}")
        self.name, self.model, self.pick = name, model, scores or _logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with complaints(self.name, images):
            output = self.model(images.to(precision(self.model), copy=True))
        scores = self.picked(output)
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
        return scores.float() if scores.dtype in HALVES else scores

    def picked(self, output: object) -> Any:
        """What `scores` takes out of what the model returns."""
        try:
            return self.pick(output)
        except Exception as error:
            raise ModelError(
                f"scores fails on what the model {self.name} returns, a {type(output).__name__}: "
                f"{own_words(error)}; lib.own.compare takes one for each group, scores={{name: function}}"
            ) from error


def class_scores(model: nn.Module) -> ClassScores:
    """A network as class scores, unless it is that already."""
    return model if isinstance(model, ClassScores) else ClassScores(type(model).__name__, model)


@contextmanager
def complaints(name: str, images: torch.Tensor) -> Iterator[None]:
    """What a model meets that was made for other images becomes a ModelError, in the model's own words."""
    try:
        yield
    except Exception as error:
        raise ModelError(
            f"the model {name} fails on images of the shape {list(images.shape)} [images, "
            f"channels, height, width]: {own_words(error)}"
        ) from error


def own_words(error: Exception) -> str:
    """The line of an exception that says what happened, with its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    if "TorchScript" in lines[0]:  # then a traceback follows, and the last line is the exception of the operation
        return lines[-1][:300]
    return f"{type(error).__name__}: {lines[0][:300]}"


def _logits(output: object) -> Any:
    """The scores of what a network of Hugging Face, or GoogLeNet, returns; of any other that itself."""
    return getattr(output, "logits", output)


def _fault(scores: object, images: int) -> str | None:
    """Why this is no [images, classes] tensor of scores, with what would make one of it; None if it is."""
    if isinstance(scores, Mapping):
        first = next(iter(scores), "logits")
        return (
            f"returns a dictionary with {', '.join(map(repr, scores)) or 'nothing'}, and class scores must be one "
            f"tensor; say which, for instance scores=lambda output: output[{first!r}]{WHERE}"
        )
    if isinstance(scores, (tuple, list)):
        return (
            f"returns {len(scores)} things (a {type(scores).__name__}), and class scores must be one tensor; say "
            f"which, for instance scores=lambda output: output[0]{WHERE}"
        )
    if not isinstance(scores, torch.Tensor):
        tensors = (name for name, value in getattr(scores, "__dict__", {}).items() if isinstance(value, torch.Tensor))
        name = next(tensors, "logits")
        return (
            f"returns a {type(scores).__name__}, and class scores must be one tensor; say where it is, for "
            f"instance scores=lambda output: output.{name}{WHERE}"
        )
    shape = list(scores.shape)
    if scores.dtype == torch.float16:
        return "computes in float16 by itself, in whose precision small gradients vanish; let it compute in float32"
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
