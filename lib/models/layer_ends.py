"""All of a network after one of its layers, whatever network it is: so that another's layer can go on in it.

The network runs on a blank image, and what the layer puts out is exchanged: no knowledge of its parts is needed.
"""

import torch
from torch import nn

from lib.models import doors
from lib.models.class_scores import ClassScores, class_scores
from lib.models.representations import activations
from lib.runtime.devices import precision, usable_copy

TRIED = 2  # images
ROUNDING = 1e-3  # of the largest score


class LayerEnd(nn.Module):
    """What a frozen copy of a network makes of a layer's output: [images, ...], as the layer has it -> class scores.

    Args:
        model: any network, also as `lib.models.ClassScores`; itself it is left as it was.
        point: the layer, by the name of its module.
        images: two or more, as the network takes them, on which the cut is tried.

    Raises:
        ValueError: no such layer, one that `lib.models.activations` refuses, or one after which the network cannot be
            cut: another way leads from the images past it, or what follows uses more of the images than that.
        lib.models.ModelError: a ValueError: the network cannot take the images, or returns no class scores.
    """

    blank: torch.Tensor

    def __init__(self, model: nn.Module, point: str, images: torch.Tensor):
        super().__init__()
        doors.check_network(model)
        self.network, self.point = class_scores(usable_copy(model).eval().requires_grad_(False)), point
        images = doors.as_inputs(images, least=TRIED)[:TRIED].to(_weight(self.network))
        self.register_buffer("blank", torch.zeros_like(images[:1]))
        self.as_many = False  # blank images as there are outputs: one takes no time
        self.eval()
        self._try(images)

    def forward(self, output: torch.Tensor) -> torch.Tensor:
        blank = self.blank.repeat(len(output) if self.as_many else 1, *[1] * (self.blank.ndim - 1))
        # A copy: a later layer may work in place.
        hook = self.network.model.get_submodule(self.point).register_forward_hook(lambda *_: output.clone())
        try:
            return self.network.picked(self.network.model(blank))
        finally:
            hook.remove()

    @torch.no_grad()
    def _try(self, images: torch.Tensor) -> None:
        """Raises ValueError where the layer's own output does not lead to the network's own scores."""
        (found,) = activations(self.network.model, images, [self.point], device=str(images.device))
        output, expected = found[self.point], self.network(images)
        told = f"the network {self.network.name} cannot be cut after {self.point!r}"
        if self._is_passed(output[:1]):
            block = self.point.rpartition(".")[0]
            hint = f"; perhaps it can after {block!r}, which that is a part of" * bool(block)
            raise ValueError(f"{told}: another way leads from the images past it, as a residual connection does{hint}")
        if not self._leads_to(expected, output):
            self.as_many = True  # some layers count the images that came in
            if not self._leads_to(expected, output):
                raise ValueError(f"{told}: what follows depends on more of the images than on what this layer puts out")

    def _leads_to(self, expected: torch.Tensor, output: torch.Tensor) -> bool:
        try:
            scores = self(output)
        except Exception:
            return False
        return scores.shape == expected.shape and bool(
            (scores - expected).abs().max() <= ROUNDING * expected.abs().max()
        )

    def _is_passed(self, output: torch.Tensor) -> bool:
        """Whether the scores of a blank image have a gradient, though the layer's output does not come from it."""
        try:
            with torch.enable_grad():
                self.blank.requires_grad_()
                return self(output).requires_grad
        finally:
            self.blank.requires_grad_(False)


def _weight(model: ClassScores) -> torch.Tensor:
    """A tensor of the type and on the device that the network computes with."""
    return next(model.parameters(), torch.zeros((), dtype=precision(model)))
