"""Networks cut into pieces that follow one another, so that one's front can go on in another's end."""

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
from lib.models.representations import is_torchvision_resnet
from lib.models.vision_transformer import PositionEmbedding, VisionTransformer
from lib.runtime.checks import check_count, did_you_mean
from lib.runtime.devices import usable_copy

LOGITS = "logits"


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
