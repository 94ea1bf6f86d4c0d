"""Images and labels of the data sets.

`loading` gives them normalised; `pictures` lists and decodes folders and archives, `pixel_cache` keeps what was decoded;
`cifar` and `tiny_imagenet` know where theirs lie; `mixed_order` is for parts of a set that is sorted by class.
"""

from lib.data.loading import DIGITS_TRAIN, ImageData, canonical, load, normalised, sha256_of
from lib.data.mixed_order import mixed_order

__all__ = ["DIGITS_TRAIN", "ImageData", "canonical", "load", "mixed_order", "normalised", "sha256_of"]
