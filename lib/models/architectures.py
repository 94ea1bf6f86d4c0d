"""The families of networks of the salience paper (Table 2 and Fig. 21), for any image size.

Those of the paper on wide and deep networks are in `lib.models.cifar_resnets`; `build` makes both.

Width k multiplies every channel count.  One rule fits the CNNs and ResNets to images other than 32x32: the last pool
takes the map that is left, and a pool or stride that would meet a map of a single pixel is left out.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from lib.models import cifar_resnets, imported_families
from lib.models.vision_transformer import ChannelNorm, PositionEmbedding, VisionTransformer
from lib.runtime.checks import check_count, shown

# Channels of each convolution in multiples of k; "pool" halves the map.
CNN_LAYOUTS = {"cnn-small": (1, 2, "pool", 4, "pool", 8), "cnn-large": (1, 1, 2, 2, "pool", 4, 4, "pool", 8, 8)}
# Basic blocks in each of the four stages.
RESNET_BLOCKS = {"resnet-small": (2, 1, 1, 1), "resnet-large": (2, 2, 2, 2)}
# Encoder blocks, and patches along a side of the image: the paper's are unknown.  The variants change one at a time.
VIT_LAYOUTS = {"vit": (2, 4), "vit-deep": (4, 4), "vit-coarse": (2, 2)}


class CNN(nn.Module):
    """3x3 convolutions with bias, each with BatchNorm and ReLU, max-pools between, one linear layer.

    [images, in_channels, size, size] -> [images, num_classes]
    """

    def __init__(self, layout, width: int, in_channels: int, image_size: int, num_classes: int):
        super().__init__()
        layers: list[nn.Module] = []
        channels, size = in_channels, image_size
        for item in layout:
            if item == "pool":
                # Identity keeps the numbering of the layers, and with it the names of the weights.
                layers.append(nn.MaxPool2d(2) if size > 1 else nn.Identity())
                size = max(size // 2, 1)
            else:
                layers += [nn.Conv2d(channels, item * width, 3, padding=1), nn.BatchNorm2d(item * width), nn.ReLU()]
                channels = item * width
        layers += [nn.MaxPool2d(size), nn.Flatten()]
        self.backbone = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.backbone(images))


class BasicBlock(nn.Module):
    """conv3x3 - BatchNorm - ReLU - conv3x3 - BatchNorm, plus the shortcut, then ReLU."""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.downsample: nn.Module = nn.Identity()
        if in_channels != channels:
            shortcut = nn.Conv2d(in_channels, channels, 1, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = torch.relu(self.bn1(self.conv1(x)))
        # A 1x1 convolution of stride 2, taken apart: on few channels oneDNN's own writes beyond its memory in the
        # backward pass, and gives wrong gradients or ends the process (uxlfoundation/oneDNN issue 6035).
        return torch.relu(self.bn2(self.conv2(residual)) + self.downsample(x[..., :: self.stride, :: self.stride]))


class ResNet(nn.Module):
    """A 7x7 stride-2 stem without max-pool, four stages of basic blocks, global average pool, one linear layer.

    [images, in_channels, size, size] -> [images, num_classes]
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, blocks, width: int, in_channels: int, image_size: int, num_classes: int):
        super().__init__()
        stride, size = _halve(image_size)
        self.conv1 = nn.Conv2d(in_channels, width, 7, stride=stride, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()  # a module, so that a hook can see the stem
        channels = width
        for stage, count in enumerate(blocks):
            stride, size = (1, size) if stage == 0 else _halve(size)
            strides = (stride,) + (1,) * (count - 1)
            stage_channels = width * 2**stage
            layers = []
            for stride in strides:
                layers.append(BasicBlock(channels, stage_channels, stride))
                channels = stage_channels
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.relu1(self.bn1(self.conv1(images)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))


def _halve(size: int) -> tuple[int, int]:
    """The stride to use on a map of this size, and the size that it leaves."""
    return (2, (size + 1) // 2) if size > 1 else (1, 1)


def _transformer(layout: tuple[int, int], width: int, in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    depth, side = layout
    return VisionTransformer(depth, max(image_size // side, 1), width, in_channels, image_size, num_classes)


# family -> what makes a network of it: width, in_channels, image_size, num_classes -> module.  A new family is a row here,
# or the path of such a function elsewhere (`lib.models.imported_families`).
FAMILIES: dict[str, Callable[[int, int, int, int], nn.Module]] = {
    **{family: partial(CNN, layout) for family, layout in CNN_LAYOUTS.items()},
    **{family: partial(ResNet, blocks) for family, blocks in RESNET_BLOCKS.items()},
    **{family: partial(_transformer, layout) for family, layout in VIT_LAYOUTS.items()},
}


def build(family: str, width: int, *, in_channels: int = 3, image_size: int = 32, num_classes: int = 10) -> nn.Module:
    """One untrained network; its weights are PyTorch's own draw and `initialise` draws them reproducibly.

    The names of the weights are those of the authors' released checkpoints, so `load_state_dict(strict=True)` works.

    Raises:
        ValueError: an unknown family, a width it cannot have, or a channel count, image size or class count below 1.
    """
    check_width(family, width)
    sizes = {"in_channels": in_channels, "image_size": image_size, "num_classes": num_classes}
    for name, value in sizes.items():
        check_count(name, value)
    if cifar_resnets.is_cifar_resnet(family):
        return cifar_resnets.build(family, width, in_channels, image_size, num_classes)
    if imported_families.is_imported(family):
        return imported_families.build(family, width, in_channels, image_size, num_classes)
    return FAMILIES[family](width, in_channels, image_size, num_classes)


def first_channels(family: str, width: int) -> int:
    """Channels of the first convolution, or the narrowest layer's."""
    return width * (cifar_resnets.BASE_CHANNELS if cifar_resnets.is_cifar_resnet(family) else 1)


def count_parameters(family: str, width: int, **sizes) -> int:
    """Trainable parameters of a network (Fig. 16); `sizes` as in `build`."""
    with torch.device("meta"):  # counts without making the weights
        return sum(parameter.numel() for parameter in build(family, width, **sizes).parameters())


def check_family(family: str) -> None:
    """Raises ValueError, naming the families there are, for any other, or saying why a path leads to none."""
    if imported_families.is_imported(family):
        imported_families.check_path(family)
    # A list: also for what cannot be hashed.
    elif family not in list(FAMILIES) and not cifar_resnets.is_cifar_resnet(family):
        raise ValueError(
            f"unknown family {shown(family)}; the families are {', '.join(FAMILIES)}, resnet-D and plain-D of depth "
            "D = 6n + 2, and your own by package.module:function"
        )


def check_width(family: str, width: int) -> None:
    """Raises ValueError for an unknown family, or a width that it cannot have."""
    check_family(family)
    check_count("width", width)
    if family in VIT_LAYOUTS and width % 2:
        raise ValueError(f"{family} has k / 2 heads: its width must be even, not {width}")


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """PyTorch's default initial weights, drawn from `generator` alone; returns the model.

    A model that has initial weights of its own (`CifarResNet.initialise`) draws those.

    Convolution and linear weights and biases: uniform on +-1/sqrt(fan_in).  Norms: weight 1, bias 0.  Positions of a
    vision transformer: normal with standard deviation 0.02.
    """
    if isinstance(model, cifar_resnets.CifarResNet):
        model.initialise(generator)
        return model
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            bound = module.weight[0].numel() ** -0.5
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(module, (nn.BatchNorm2d, ChannelNorm)):
            module.reset_parameters()
        elif isinstance(module, PositionEmbedding):
            module.reset_parameters(generator)
    return model
