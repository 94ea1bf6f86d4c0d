"""How alike directions of networks are, and the laws their cosines follow."""

from lib.similarity.cosines import (
    by_image,
    chance_limit,
    expected,
    individual,
    mean_direction_cosine,
    pairwise,
    unrelated,
    wasserstein,
    zero_counts,
)

__all__ = [
    "by_image",
    "chance_limit",
    "expected",
    "individual",
    "mean_direction_cosine",
    "pairwise",
    "unrelated",
    "wasserstein",
    "zero_counts",
]
