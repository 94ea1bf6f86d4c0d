"""Images and labels of the data sets."""

from lib.data.loading import DIGITS_TRAIN, ImageData, canonical, load, normalised, sha256_of

__all__ = ["DIGITS_TRAIN", "ImageData", "canonical", "load", "normalised", "sha256_of"]
