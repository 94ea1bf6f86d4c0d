"""Representations of low rank (fact sheet of the stitching paper, 7): the largest directions of the channels alone.

Every position is a sample and channels are features: the mean is taken off, the largest singular values are kept, and
the mean is put back.
"""

from dataclasses import dataclass

import torch

from lib.runtime.checks import check_count


@dataclass(frozen=True, eq=False)
class Directions:
    """The right singular vectors of a representation, of the largest singular value first.

    Attributes:
        mean: [channels] float64.
        vectors: [channels, channels] float64, a direction a row.
        values: [channels] float64, the singular values.
    """

    mean: torch.Tensor
    vectors: torch.Tensor
    values: torch.Tensor

    def truncated(self, x: torch.Tensor, rank: int) -> torch.Tensor:
        """[images, channels, rows, columns] with what lies along the first `rank` directions alone, float64.

        Raises:
            ValueError: a rank that is no whole number from 1 to the number of channels.
        """
        check_count("rank", rank)
        if rank > len(self.mean):
            raise ValueError(f"rank must be at most {len(self.mean)}, the number of channels, not {rank}")
        kept = self.vectors[:rank]
        return ((x.movedim(1, -1).double() - self.mean) @ kept.T @ kept + self.mean).movedim(-1, 1)


def directions(x: torch.Tensor) -> Directions:
    """The directions of a representation [images, channels, rows, columns]."""
    rows = x.movedim(1, -1).flatten(0, -2).double()
    mean = rows.mean(0)
    # By the scatter matrix [channels, channels]: a singular value decomposition of all positions costs far more.
    squares, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean))
    return Directions(mean, vectors.T.flip(0), squares.clamp(min=0).sqrt().flip(0))


def ranks(channels: int) -> list[int]:
    """Powers of two below the number of channels, and that number: 1, 2, 4, ..., channels."""
    check_count("channels", channels)
    return [2**power for power in range((channels - 1).bit_length())] + [channels]
