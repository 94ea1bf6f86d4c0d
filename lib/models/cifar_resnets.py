"""The residual networks of "Do Wide and Deep Networks Learn the Same Things?".

Depth counts the stem, two convolutions a block and the last linear layer: 6n + 2 for n blocks in each of three stages.
Width m multiplies the channels of all stages, 16, 32 and 64.
"""

import re

import torch
from torch import nn

BASE_CHANNELS = 16
NAME = re.compile(r"(resnet|plain)-([1-9][0-9]*)")


class Addition(nn.Module):
    """Branch plus shortcut, as a module so that a hook can see the sum before the ReLU."""

    def forward(self, branch: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        return branch + shortcut


class ResidualBlock(nn.Module):
    """conv3x3 - BatchNorm - ReLU - conv3x3 - BatchNorm, plus the shortcut if there is one, then ReLU."""

    def __init__(self, in_channels: int, channels: int, stride: int, residual: bool):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1)
        self.bn1 = _batch_norm(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = _batch_norm(channels)
        self.relu2 = nn.ReLU()
        self.stride = stride
        if residual:
            self.shortcut = nn.Identity() if in_channels == channels else nn.Conv2d(in_channels, channels, 1)
            self.add = Addition()
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.residual:
            # The stride taken apart from the 1x1 convolution for the reason given in lib.models.architectures.BasicBlock.
            branch = self.add(branch, self.shortcut(x[..., :: self.stride, :: self.stride]))
        return self.relu2(branch)


class CifarResNet(nn.Module):
    """3x3 stem, three stages of `blocks` blocks each, global average pool, one linear layer.

    [images, in_channels, size, size] -> [images, num_classes]
    """

    stage1: nn.Sequential
    stage2: nn.Sequential
    stage3: nn.Sequential

    def __init__(self, blocks: int, width: int, residual: bool, in_channels: int, image_size: int, num_classes: int):
        super().__init__()
        channels = BASE_CHANNELS * width
        self.stem = nn.Sequential(nn.Conv2d(in_channels, channels, 3, padding=1), _batch_norm(channels), nn.ReLU())
        for stage in range(3):
            # On a map of a single pixel there is nothing to halve.
            stride = 2 if stage and image_size > 1 else 1
            image_size = -(-image_size // stride)
            layers = []
            for block in range(blocks):
                before, channels = channels, BASE_CHANNELS * width * 2**stage
                layers.append(ResidualBlock(before, channels, stride if block == 0 else 1, residual))
            self.add_module(f"stage{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.after_stage(0, self.stem(images))

    def after_stage(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """The scores that the rest of the network makes of the output of stage 1, 2 or 3, or of the stem (0)."""
        for stage in (self.stage1, self.stage2, self.stage3)[number:]:
            x = stage(x)
        return self.fc(x.mean(dim=(2, 3)))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """He's normal weights, cut at two standard deviations, biases 0, all drawn from `generator`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                # Cutting leaves 0.8796 of the standard deviation.
                std = (2 / module.weight[0].numel()) ** 0.5 / 0.87962566103423978
                nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std, generator=generator)
                assert module.bias is not None  # all layers here have one
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()


def is_cifar_resnet(family: object) -> bool:
    """Whether a name has the form 'resnet-38', or 'plain-38' for the network without residual connections.

    Raises:
        ValueError: such a name with a depth that is not 6n + 2 for a whole n of at least 1.
    """
    found = NAME.fullmatch(family) if isinstance(family, str) else None
    if found and (int(found[2]) < 8 or int(found[2]) % 6 != 2):
        raise ValueError(f"the depth of {found[1]}-D must be 6n + 2, that is 8, 14, 20, 26, 32, 38 ..., not {found[2]}")
    return found is not None


def build(family: str, width: int, in_channels: int, image_size: int, num_classes: int) -> CifarResNet:
    """One untrained network; 'plain' families have no residual connections."""
    found = NAME.fullmatch(family)
    assert found is not None  # as `is_cifar_resnet` said
    kind, depth = found.groups()
    return CifarResNet((int(depth) - 2) // 6, width, kind == "resnet", in_channels, image_size, num_classes)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    """With the paper's epsilon; its momentum, 0.01, is for many more steps than are made here."""
    return nn.BatchNorm2d(channels, eps=1e-3)
