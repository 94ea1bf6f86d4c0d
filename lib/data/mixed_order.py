"""An order of images that has no classes in it: a part from its beginning is a sample."""

import numpy as np
import torch


def mixed_order(labels: torch.Tensor) -> np.ndarray:
    """Places of all images, [n]: as they are, or, where they are sorted by class as in a folder, in an order drawn once.

    The first images of a sorted set are all of one class.
    """
    if bool((labels.diff() >= 0).all()):
        return torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).numpy()
    return np.arange(len(labels))
