"""What a user gives, checked at every public door before any work starts: images, labels, representations, networks.

Numbers come as tensors on any device, as arrays or as lists.  They leave the door without a graph, as ordinary tensors
also where they were made in torch.inference_mode, and in float32 where they were in half precision.  Everything raises
ValueError, in one sentence with what was wrong and what is allowed.
"""

from itertools import chain

import numpy as np
import torch
from torch import nn

from lib.runtime.devices import HALVES

Array = torch.Tensor | np.ndarray
IMAGES = "[images, channels, height, width]"
MAPS = "[images, channels, rows, columns]"
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)  # PyTorch stores them and hardly computes with them


def as_tensor(name: str, values: object) -> torch.Tensor:
    """Numbers as a dense tensor without a graph, sharing memory where it can: not to be written to."""
    try:
        if isinstance(values, list | tuple) and values and all(isinstance(one, torch.Tensor) for one in values):
            values = torch.stack(values)
        if not isinstance(values, torch.Tensor):
            array = np.asarray(values)  # torch takes no other byte order or backward strides, and warns of read-only
            values = torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))
        if values.layout != torch.strided or values.is_quantized or values.is_meta:
            raise TypeError("sparse, quantised or without its numbers")
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must be a dense tensor or array of numbers, not a {type(values).__name__}") from None
    if values.is_inference():
        with torch.inference_mode(False):
            return values.clone()
    return values.detach()


def as_images(images: object, name: str = "images", least: int = 1) -> torch.Tensor:
    """[n, C, H, W] floating-point numbers, normalised as in training, all finite, of `least` images or more."""
    found = as_inputs(images, name, IMAGES, least)
    if found.ndim != 4:
        raise ValueError(f"{name} must be a tensor {IMAGES}, not {list(found.shape)} of {found.dtype}")
    return found


def as_inputs(images: object, name: str = "images", form: str = "[images, ...]", least: int = 1) -> torch.Tensor:
    """As `as_images`, of any form with the images first."""
    found = as_tensor(name, images)
    if not found.ndim or not found.is_floating_point():
        raise ValueError(
            f"{name} must be a tensor {form} of floating-point numbers, normalised as in training, not "
            f"{list(found.shape)} of {found.dtype}"
        )
    return finite(name, found, least)


def as_labels(labels: object, images: int, classes: int | None = None) -> torch.Tensor:
    """[images] int64 on the processor: class indices from 0 on, below `classes` where that is known."""
    found = as_tensor("labels", labels)
    if found.ndim != 1 or found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise ValueError(
            f"labels must be class indices, whole numbers [images], not {list(found.shape)} of the type {found.dtype}"
        )
    if len(found) != images:
        raise ValueError(f"{images} images need as many labels, not {len(found)}")
    found = found.cpu().long()
    check_classes(found, classes)
    return found


def check_classes(labels: torch.Tensor, classes: int | None) -> None:
    """Raises ValueError for labels that are none of the model's classes; of unknown ones, for negative labels."""
    low, high = map(int, torch.aminmax(labels))
    if classes is None and low < 0:
        raise ValueError(f"labels must be from 0 on, not {low}")
    if classes is not None and (low < 0 or high >= classes):
        raise ValueError(f"labels must be from 0 to {classes - 1}, the model's classes, not {low} to {high}")


def as_maps(name: str, maps: object) -> torch.Tensor:
    """What a layer makes of images, [images, channels, rows, columns], floating-point and finite."""
    found = as_tensor(name, maps)
    if found.ndim != 4:
        raise ValueError(f"the {name} must be {MAPS}, not {list(found.shape)}")
    if not found.is_floating_point():
        raise ValueError(f"the {name} must have floating-point numbers, not {found.dtype}")
    return finite(f"the {name}", found)


def finite(name: str, numbers: torch.Tensor, least: int = 1) -> torch.Tensor:
    """The same numbers, half precision as float32; ValueError unless there are `least` rows and all are finite."""
    if len(numbers) < least or not numbers.numel():
        raise ValueError(f"{name} must hold {least} image{'s' * (least > 1)} or more, not {list(numbers.shape)}")
    if not all(map(torch.isfinite, torch.aminmax(numbers))):  # NaN is the smallest and the largest: no copy is made
        raise ValueError(f"{name} must be finite numbers, and some are not finite")
    return numbers.float() if numbers.dtype in HALVES else numbers


def as_layer(name: str, layer: object) -> torch.Tensor:
    """Representations [n, ...] of images in any form, with numbers of any type, one at least."""
    found = as_tensor(name, layer)
    if not found.ndim or not found.numel() or found.is_complex():
        raise ValueError(f"{name} must be real numbers [images, ...], not {list(found.shape)} of {found.dtype}")
    return found.double() if found.dtype in UNSIGNED else found


def check_same_images(first: torch.Tensor, second: torch.Tensor) -> None:
    """Raises ValueError unless both have the same number of images, at least one."""
    if len(first) != len(second) or not len(first):
        raise ValueError(f"both need the same images, at least one, not {len(first)} and {len(second)}")


def check_network(model: object, name: str = "") -> None:
    """Raises ValueError for what is no network, or has layers that do not know their weights yet."""
    name = name or "network"
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model {name} must be a torch.nn.Module, not a {type(model).__name__}")
    if any(map(nn.parameter.is_lazy, chain(model.parameters(), model.buffers()))):
        raise ValueError(f"the model {name} has lazy layers without weights; call it once on an image first")
