"""Shapes of the wrong form are found out by the annotations that they contradict (tests/shapes.py)."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from lib.cka.blocks import runs
from lib.salience import as_pictures
from lib.similarity.cosines import has_direction
from lib.stitching import resized


@pytest.mark.parametrize(
    "call",
    [
        lambda: as_pictures(np.ones((2, 4, 1)), 1),
        lambda: has_direction(np.ones((5, 2, 3, 4))),
        lambda: runs(np.ones((4, 5)), 0.5),
        lambda: resized(torch.ones(2, 3, 4), (4,)),
    ],
    ids=["salience", "similarity", "cka", "stitching"],
)
def test_a_wrong_shape_is_found_out(call):
    with pytest.raises(TypeCheckError):
        call()
