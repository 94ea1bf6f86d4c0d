"""Images drawn again, where the only sample is images: the networks are what they are, one of each.

They say how far other images would change a number, and nothing about other networks.
"""

import numpy as np

from lib.statistics.sample import Sample


def image_counts(images: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """How often each image is drawn when all are drawn again: whole numbers [draws, images]."""
    return rng.multinomial(images, np.full(images, 1 / images), draws)


def weighted_means(by_image: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over images with each taken so many times: [n, ...] with [draws, n] -> [draws, ...].  NaN is left out."""
    flat = by_image.reshape(len(by_image), -1)
    known = counts @ np.isfinite(flat).astype(float)
    sums = counts @ np.nan_to_num(flat)
    means = np.divide(sums, known, where=known > 0, out=np.full_like(sums, np.nan))
    return means.reshape(-1, *by_image.shape[1:])


def resampled_means(by_image: np.ndarray, rng: np.random.Generator, draws: int) -> Sample:
    """The means over the first axis, one entry an image, [n, ...] -> [...]; NaN is left out."""
    images = len(by_image)
    drawn = weighted_means(by_image, image_counts(images, rng, draws))
    return Sample(weighted_means(by_image, np.ones((1, images)))[0], None, drawn, None, (), images)


def other_sample(by_image: np.ndarray, size: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Means over `size` other images of the kind: [n, ...] -> [draws, ...].

    First all n images are drawn again, for what is not known of their kind, and from those `size`: the variance is
    1 / n + 1 / size of that of one image.
    """
    images = len(by_image)
    chances = image_counts(images, rng, draws) / images
    return weighted_means(by_image, rng.multinomial(size, chances))
