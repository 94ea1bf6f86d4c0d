"""A vision transformer whose every layer acts on maps [images, channels, rows, columns], so that it stacks like a CNN.

Its linear layers are 1x1 convolutions and its heads are groups of 8 channels: several networks side by side are then
one network with more channels and more heads (`lib.models.stacking`).
"""

import torch
from torch import nn

HEAD_SIZE = 8  # channels a head: embedding 4k, k / 2 heads (Fig. 21)
MLP_RATIO = 4


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels at each position, in `groups` equal parts of their own."""

    def __init__(self, channels: int, groups: int = 1, eps: float = 1e-5):
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.unflatten(1, (self.groups, -1))  # [images, groups, channels / groups, rows, columns]
        centred = parts - parts.mean(2, keepdim=True)
        variance = centred.square().mean(2, keepdim=True)  # torch.var is several times slower along this axis
        normalised = (centred * torch.rsqrt(variance + self.eps)).flatten(1, 2)
        return normalised * self.weight[:, None, None] + self.bias[:, None, None]


class PositionEmbedding(nn.Module):
    """A learnt vector added at each position: [images, channels, rows, columns] -> the same shape."""

    def __init__(self, channels: int, side: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, side, side))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        self.weight.normal_(std=0.02, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight


class Attention(nn.Module):
    """Self-attention between the positions, by as many heads as the channels make."""

    def __init__(self, channels: int):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            layer(x).flatten(2).unflatten(1, (-1, HEAD_SIZE)).transpose(2, 3)
            for layer in (self.query, self.key, self.value)
        )  # each [images, heads, positions, 8]
        # For heads this small PyTorch's fused attention takes up to a third longer.
        weights = (query / HEAD_SIZE**0.5 @ key.transpose(2, 3)).softmax(3)  # [images, heads, positions, positions]
        return self.out((weights @ value).transpose(2, 3).reshape(x.shape))


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)): the pre-norm block of the original vision transformer."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.attention = ChannelNorm(channels), Attention(channels)
        self.norm2 = ChannelNorm(channels)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, MLP_RATIO * channels, 1), nn.GELU(), nn.Conv2d(MLP_RATIO * channels, channels, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches, `depth` encoder blocks, the mean over positions, one linear layer; embedding 4k, k / 2 heads.

    [images, in_channels, size, size] -> [images, num_classes].  Patches are `patch` x `patch` pixels, or the next
    smaller size that tiles the image.
    """

    def __init__(self, depth: int, patch: int, width: int, in_channels: int, image_size: int, num_classes: int):
        super().__init__()
        channels = 4 * width
        patch = max(size for size in range(1, patch + 1) if image_size % size == 0)
        self.patches = nn.Conv2d(in_channels, channels, patch, stride=patch)
        self.positions = PositionEmbedding(channels, image_size // patch)
        self.blocks = nn.Sequential(*(EncoderBlock(channels) for _ in range(depth)))
        self.norm = ChannelNorm(channels)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.blocks(self.positions(self.patches(images))))
        return self.fc(x.mean(dim=(2, 3)))
