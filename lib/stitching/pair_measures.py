"""What stitches of a pair of networks do and what its end's layers are good for, computed once for what decides it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

from lib.data.loading import ImageData
from lib.models.cut_networks import CutNetwork
from lib.runtime import array_store
from lib.stitching import detection, sensitivity
from lib.stitching.detection import DETECTORS, FOREIGN, INDICES, MATCHINGS, Detection
from lib.stitching.sensitivity import Truncated

Tree = Mapping[str, Any]  # name -> array, or such a mapping
STATE = "generator"  # what the random numbers of the next pair begin with


@dataclass(frozen=True, eq=False)
class PairMeasures:
    """Of one pair, a front and an end.

    Attributes:
        detection: how strange stitched activations are.
        likeness: index -> [sources, targets], `lib.stitching.detection.likenesses`.
        truncated: layer of the end -> the layer at several ranks.
    """

    detection: Detection
    likeness: dict[str, np.ndarray]
    truncated: dict[str, Truncated]


def measured(
    front: CutNetwork,
    end: CutNetwork,
    points: Sequence[str],
    images: ImageData,
    generator: torch.Generator,
    *,
    detector_epochs: int,
    **training: float,
) -> PairMeasures:
    """All of a pair, from the store or else into it; the generator goes on as after computing.

    training: keywords of `lib.stitching.task_loss.match_task_loss`.
    """
    shown = [images.train_digest, images.test_digest, images.mean, images.std]
    settings = [list(points), detector_epochs, training, array_store.digest_of(generator.get_state().numpy())]
    given = front, end, points, images, generator, detector_epochs, training
    decides = [front.digest, end.digest, *shown, *settings]
    names = _names(points)
    arrays = array_store.stored("stitched pairs", names, __name__, decides, lambda: _flat(_computed(*given)))
    found = _tree({name: arrays[name] for name in names})
    generator.set_state(torch.from_numpy(found[STATE]))
    truncated = {
        point: Truncated(one["ranks"].tolist(), one["likeness"], one["probe"])
        for point, one in found["truncated"].items()
    }
    return PairMeasures(Detection(**found["detection"]), found["likeness"], truncated)


def _computed(front, end, points, images, generator, detector_epochs: int, training: Mapping[str, Any]) -> Tree:
    first, second = (detection.network(one, points, images) for one in (front, end))
    stitches = detection.stitches(first, second, images.train_labels, generator, **training)
    detectors = detection.detectors(second, images, generator, detector_epochs)
    found = detection.detect(first, second, stitches, detectors, images, generator)
    likeness = detection.likenesses(first, second, found)
    truncated = sensitivity.truncations(second, images, generator, **training)
    layers = {point: asdict(one) | {"ranks": np.array(one.ranks)} for point, one in truncated.items()}
    parts: dict[str, Any] = {"detection": asdict(found), "likeness": likeness, "truncated": layers}
    return parts | {STATE: generator.get_state().numpy()}


def _names(points: Sequence[str]) -> list[str]:
    """Of all arrays, as `_flat` has them."""
    parts: dict[str, list[Sequence[str]]] = {
        "detection/residual": [MATCHINGS],
        "detection/accuracy": [MATCHINGS],
        "detection/auroc": [DETECTORS, MATCHINGS],
        "detection/false_positives": [DETECTORS, MATCHINGS],
        "detection/own": [DETECTORS],
        "detection/foreign": [DETECTORS, FOREIGN],
        "likeness": [INDICES],
        "truncated": [points, ["ranks", "probe", *(f"likeness/{index}" for index in INDICES)]],
    }
    return [STATE, *("/".join((start, *names)) for start, axes in parts.items() for names in product(*axes))]


def _flat(tree: Tree, start: str = "") -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        found |= _flat(value, f"{start}{name}/") if isinstance(value, Mapping) else {f"{start}{name}": value}
    return found


def _tree(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The opposite of `_flat`."""
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        *path, last = name.split("/")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = array
    return found
