"""Networks cut at their layers, so that one's front can go on in another's end.

Into pieces that follow one another, of networks whose parts are known; or all of any network after one of its layers: it
runs on a blank image, and what the layer puts out is exchanged.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from lib.models import doors
from lib.models.architectures import ResNet
from lib.models.cifar_resnets import CifarResNet
from lib.models.class_scores import ClassScores, class_scores
from lib.models.representations import activations, is_torchvision_resnet
from lib.models.vision_transformer import PositionEmbedding, VisionTransformer
from lib.runtime.checks import check_count, did_you_mean
from lib.runtime.devices import precision, usable_copy

LOGITS = "logits"
TRIED = 2  # images, at an end of any network
ROUNDING = 1e-3  # of the largest score there


class MeanOverPositions(nn.Module):
    """[images, channels, rows, columns] -> [images, channels]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


class CutNetwork:
    """A frozen copy of a network: its pieces by the name of the layer that each ends with, 'logits' the last.

    The copy is in eval mode, BatchNorm with its running statistics, and no parameter takes a gradient; the network
    itself is not touched.

    Attributes:
        pieces: name -> module; the composition of all is the network, bit for bit.
        points: the layers that can be stitched at, the outputs of the residual or encoder blocks.

    Raises:
        ValueError: a network that is neither a residual network of `lib` or torchvision nor a vision transformer of
            `lib`.
    """

    def __init__(self, model: nn.Module):
        doors.check_network(model)
        pieces = _pieces(usable_copy(model).requires_grad_(False))
        self.pieces = {name: piece.eval() for name, piece in pieces.items()}
        self.points = tuple(self.pieces)[1:-1]

    @cached_property
    def digest(self) -> str:
        """sha256 over its layers, their kinds and settings, and all weights, for what is stored of it."""
        sha = hashlib.sha256()
        for name, piece in self.pieces.items():
            sha.update(f"{name} {piece}".encode())
            sha.update(save({key: value.contiguous() for key, value in piece.state_dict().items()}))
        return sha.hexdigest()

    def check_point(self, point: str) -> None:
        """Raises ValueError, naming the points there are, for any other."""
        if point not in self.points:
            hint, listed = did_you_mean(point, self.points), ", ".join(self.points)
            raise ValueError(f"there is no point {point!r} to stitch at; {hint}the points are {listed}")

    def end(self, point: str) -> nn.Sequential:
        """All after `point`: its output [images, channels, rows, columns] -> logits [images, classes]."""
        self.check_point(point)
        names = list(self.pieces)
        return nn.Sequential(*(self.pieces[name] for name in names[names.index(point) + 1 :])).eval()

    @torch.no_grad()
    def representations(self, images: torch.Tensor, batch_size: int = 256) -> dict[str, torch.Tensor]:
        """What every point, and the logits, make of the images: name -> [images, channels, rows, columns], or
        [images, classes].

        Raises:
            ValueError: images of other channels than the network takes, or of a size that it cannot take.
        """
        check_count("batch_size", batch_size)
        images = doors.as_images(images)
        self._check_images(images)
        weight = next(self.pieces["stem"].parameters())  # of the type and on the device that the network computes with
        batches = [list(self._outputs(batch.to(weight))) for batch in images.split(int(batch_size))]
        return {name: torch.cat(parts) for name, *parts in zip((*self.points, LOGITS), *batches)}

    def _check_images(self, images: torch.Tensor) -> None:
        first, *rest = self.pieces["stem"].children()
        assert isinstance(first, nn.Conv2d)
        # Only position embeddings know the size of the images.
        side = next(
            (part.weight.shape[-1] * first.stride[0] for part in rest if isinstance(part, PositionEmbedding)), None
        )
        if images.shape[1] != first.in_channels or side and set(images.shape[2:]) != {side}:
            size = f"{side}, {side}" if side else "rows, columns"
            raise ValueError(
                f"the network takes images [images, {first.in_channels}, {size}], not {list(images.shape)}"
            )

    def _outputs(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        for name, piece in self.pieces.items():
            x = piece(x)
            if name in self.points or name == LOGITS:
                yield x


def _pieces(model: Any) -> dict[str, nn.Module]:
    rest = nn.Sequential(MeanOverPositions(), model.fc) if hasattr(model, "fc") else None
    if isinstance(model, CifarResNet):
        stem, stages = model.stem, ("stage1", "stage2", "stage3")
    elif is_torchvision_resnet(model):
        stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
        stages, rest = ("layer1", "layer2", "layer3", "layer4"), nn.Sequential(model.avgpool, nn.Flatten(), model.fc)
    elif isinstance(model, ResNet):
        stem, stages = nn.Sequential(model.conv1, model.bn1, nn.ReLU()), ("layer1", "layer2", "layer3", "layer4")
    elif isinstance(model, VisionTransformer):
        stem, stages = nn.Sequential(model.patches, model.positions), ("blocks",)
        rest = nn.Sequential(model.norm, MeanOverPositions(), model.fc)
    else:
        kind = type(model).__name__
        raise ValueError(
            f"only residual networks of this library or torchvision and vision transformers of this library can be "
            f"cut, not {kind}; lib.own.stitch and lib.models.LayerEnd cut any network by the names of its modules"
        )
    blocks = {f"{stage}.{place}": block for stage in stages for place, block in enumerate(getattr(model, stage))}
    return {"stem": stem, **blocks, LOGITS: rest}


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
