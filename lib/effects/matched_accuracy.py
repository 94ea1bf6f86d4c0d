"""Two architectures made equally good before their errors are compared: how long one is trained is chosen on other images.

Where accuracies differ, the better architecture gains more on hard images than on those that everybody gets right, which
says nothing about which images suit whom.
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np

from lib.data.loading import ImageData
from lib.effects.scale import with_fewer


def validation_part(images: ImageData, count: int) -> ImageData:
    """`count` further images of the training part in the place of the test images; nothing was trained on them.

    Raises:
        ValueError: fewer images left in the data set.
    """
    more = with_fewer(images, len(images.train_labels) + count)
    used = {image.numpy().tobytes() for image in images.train_images}
    kept = [place for place, image in enumerate(more.train_images) if image.numpy().tobytes() not in used]
    return replace(images, test_images=more.train_images[kept], test_labels=more.train_labels[kept])


def nearest(accuracies: Mapping[Hashable, np.ndarray], target: np.ndarray) -> Hashable:
    """The candidate whose mean accuracy is nearest to that of the target, [networks] each; of equal ones the first."""
    return min(accuracies, key=lambda one: abs(np.mean(accuracies[one]) - np.mean(target)))
