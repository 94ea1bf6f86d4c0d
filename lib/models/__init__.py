"""The networks, and what can be done to a single one or a stack of them.

`architectures` builds the families, with those of `cifar_resnets` and `vision_transformer`, `imported_families` a
reader's; `representations` of layers, and `channel_axes` of those of any network; `cut_networks` in pieces or after any
layer; `folding`: quicker frozen networks; `stacking`: many networks as one; `doors` checks what a user gives, and
`class_scores` makes functions from images to class scores of other people's modules; `checkpoints` are looked at before they
are read.
"""

from lib.models.architectures import (
    CNN,
    CNN_LAYOUTS,
    FAMILIES,
    RESNET_BLOCKS,
    VIT_LAYOUTS,
    ResNet,
    build,
    check_family,
    count_parameters,
    initialise,
)
from lib.models.class_scores import ClassScores, ModelError
from lib.models.cut_networks import CutNetwork, LayerEnd
from lib.models.representations import activations, block_points, representation
