"""Images and labels of the data sets.

`loading` gives them normalised; `pictures` lists and decodes folders and archives, files that `opening` opens with care;
`pixel_cache` keeps what was decoded; `cifar` and `tiny_imagenet` know where theirs lie.
"""

from lib.data.loading import DIGITS_TRAIN, ImageData, canonical, load, mixed_order, normalised, sha256_of
