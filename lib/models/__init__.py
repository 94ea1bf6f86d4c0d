"""The networks: families, widths, and what can be done to a single one."""

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

__all__ = [
    "CNN",
    "CNN_LAYOUTS",
    "FAMILIES",
    "RESNET_BLOCKS",
    "ResNet",
    "VIT_LAYOUTS",
    "build",
    "check_family",
    "count_parameters",
    "initialise",
]
