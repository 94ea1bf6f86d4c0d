"""Layers of a reader's networks, by the names of their modules: their CKA, and stitches from one network to another."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import torch
from torch import nn

from lib.cka.maps import network_cka
from lib.models import doors
from lib.models.channel_axes import LAST, PLACES, channel_places
from lib.models.class_scores import ClassScores, class_scores
from lib.models.cut_networks import LayerEnd
from lib.models.representations import activations, block_points, check_points
from lib.own.groups import named
from lib.runtime.checks import check_choice, check_count, shown
from lib.runtime.devices import find_device
from lib.runtime.room import check_memory
from lib.runtime.tasks import progress
from lib.salience.extraction import logits
from lib.stitching.matchings import direct_match, hits, residual
from lib.stitching.task_loss import match_task_loss

MATCHINGS = ("direct", "task loss")
COPIES = 2  # of the layers that are held at once


def layer_cka(
    models: Mapping[str, nn.Module],
    images: torch.Tensor,
    points: Mapping[str, Sequence[str]] | None = None,
    *,
    unbiased: bool = True,
    batch_size: int = 64,
    passes: int = 1,
    seed: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """CKA of every two layers of all networks: rows and columns are named by network and layer.

    Args:
        models: name -> network; images: as all of them take them.
        points: name -> the layers, names of modules (`model.named_modules()`); by default the stem, the blocks and the
            scores of residual networks of torchvision and of `lib`.
        batch_size: the more, the more memory; with the unbiased estimator it does not matter otherwise.
        passes, seed: how often all images are gone through, and in which orders.

    Raises:
        ValueError: all that `lib.cka.network_cka` refuses, or a network that has no points.
    """
    models = named(models)
    if points is not None and not isinstance(points, Mapping):
        raise ValueError(f"points must be a dictionary of the networks' names and layers, not {shown(points)}")
    check_count("batch_size", batch_size, 4)
    check_count("passes", passes)
    check_count("seed", seed, 0)
    chosen = {name: block_points(model) if points is None else points.get(name, ()) for name, model in models.items()}
    if missing := [name for name, layers in chosen.items() if isinstance(layers, Sequence) and not layers]:
        raise ValueError(
            f"points has no layers of {missing[0]!r}; it is a dictionary of the networks' names and layers"
        )
    images, generator = doors.as_inputs(images), torch.Generator().manual_seed(seed)
    batch_size = min(int(batch_size), len(images))
    settings: dict[str, Any] = {"batch_size": batch_size, "passes": passes, "device": device, "generator": generator}
    with progress(passes * (len(images) // batch_size), f"CKA of {', '.join(models)}", delay=2) as bar:
        values = network_cka(
            list(models.values()), images, list(chosen.values()), unbiased=unbiased, advance=bar.update, **settings
        )
    pairs = [(name, point) for name, layers in chosen.items() for point in layers]
    index = pd.MultiIndex.from_tuples(pairs, names=["network", "layer"])
    return pd.DataFrame(values, index=index, columns=index)


def stitch(
    front: nn.Module,
    end: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    points: tuple[Sequence[str], Sequence[str]],
    *,
    channels: tuple[str | None, str | None] = (None, None),
    matching: str = "direct",
    fit_images: int = 100,
    epochs: int = 30,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """How well one network's layers go on in another: a row for every source and target.

    An affine map from the source to the target is fitted on `fit_images` of the images (Balogh and Jelasity, AAAI 2025);
    the rest is measured on the others.  The columns: accuracy of the stitched network, and of the `end` by itself;
    residual, the squared distance of the mapped source from the target over the target's squared norm.

    A layer puts out maps, [images, channels, rows, columns] or [images, rows, columns, channels], tokens, [images,
    tokens, channels] or [images, channels, tokens], or [images, features].

    Args:
        front, end: modules, or `lib.models.ClassScores` of them.
        points: the layers of the front, and those of the end, by the names of their modules.
        channels: where they stand in the maps and tokens of the front, and of the end: 'first', behind the images, or
            'last'; by default as the layers with weights around tell (`lib.models.channel_axes`).
        matching: 'direct', nearest to the target, or 'task loss', trained on the labels for `epochs` epochs.
        fit_images: how many; `seed` draws them, and the initial maps of task loss matching.

    Raises:
        ValueError: no such layer, one at which a network cannot be cut (`lib.models.LayerEnd`) or whose channels are
            not told, too few images, or more layers than there is memory for.
    """
    check_choice("matching", matching, MATCHINGS)
    _check_pairs(points, channels)
    check_count("epochs", epochs)
    check_count("seed", seed, 0)
    check_count("fit_images", fit_images, 2)
    images = doors.as_images(images, least=fit_images + 2)
    labels, device = doors.as_labels(labels, len(images)), find_device(device)
    front, end = class_scores(front), class_scores(end)
    for network, chosen in zip((front, end), points):
        check_points(network.model, chosen)
    ends = {point: LayerEnd(end, point, images[:2]).to(device) for point in points[1]}
    placed, wanted = map(_places, (front, end), (images[:2],) * 2, points, channels)
    sources, targets = _layers((front, end), points, images, batch_size, device)
    fit, rest = _split(len(images), fit_images, seed)
    own = (logits(end, images, batch_size=batch_size, device=device).argmax(1) == labels)[rest].double().mean()
    found = {}
    with progress(len(sources) * len(targets), "stitches", delay=2) as bar:
        for target, maps in targets.items():
            after = _FromMaps(ends.pop(target), maps.ndim, wanted.get(target))
            maps = _as_maps(maps, wanted.get(target))
            for source, output in sources.items():
                given = _as_maps(output, placed.get(source))
                if matching == "direct":
                    one = direct_match(given[fit], maps[fit])
                else:
                    shape, generator = maps.shape[1:], torch.Generator().manual_seed(seed)
                    (one,) = match_task_loss([given[fit]], after, shape, labels[fit], generator, epochs=epochs)
                right = hits(one, given[rest], after, labels[rest], batch_size)
                missed = residual(one(given[rest]).detach(), maps[rest])
                found[source, target] = float(right.double().mean()), float(own), missed
                bar.update()
    index = pd.MultiIndex.from_tuples(list(found), names=["source", "target"])
    frame = pd.DataFrame(list(found.values()), index, ["accuracy", "accuracy of the end", "residual"])
    return frame.loc[[(one, other) for one in sources for other in targets]]


def _check_pairs(points: object, channels: object) -> None:
    if not isinstance(points, (tuple, list)) or len(points) != 2:
        raise ValueError(f"points must be two lists, the layers of the front and of the end, not {shown(points)}")
    if not isinstance(channels, tuple) or len(channels) != 2 or not all(map(_is_place, channels)):
        told = "two of 'first', 'last' and None, for the layers of the front and for those of the end"
        raise ValueError(f"channels must be {told}, not {shown(channels)}")


def _is_place(value: object) -> bool:
    return value is None or isinstance(value, str) and value in PLACES


class _FromMaps(nn.Module):
    """An end that takes maps [images, channels, rows, columns], of a layer that puts out `axes` axes.

    place: of their channels.
    """

    def __init__(self, end: nn.Module, axes: int, place: str | None):
        super().__init__()
        self.end, self.axes, self.place = end, axes, place

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        output = maps.flatten(self.axes - 1)  # one axis for those that `_as_maps` added
        return self.end(output.movedim(1, -1) if self.place == LAST else output)


def _as_maps(output: torch.Tensor, place: str | None) -> torch.Tensor:
    """Channels behind the images; tokens as a column of positions, features as a single one."""
    output = output.movedim(-1, 1) if place == LAST else output
    return output[(..., *[None] * (4 - output.ndim))]


def _places(network: ClassScores, images: torch.Tensor, points: Sequence[str], given: str | None) -> dict[str, str]:
    """Where the channels of the layers that put out maps or tokens stand.

    Raises:
        ValueError: neither the network tells it, nor is it `given`.
    """
    places = channel_places(network.model, images, points)
    found = {point: place for point, told in places.items() if (place := given or told)}
    if untold := [point for point in places if point not in found]:
        raise ValueError(
            f"the network {network.name} does not tell where the channels of {untold[0]!r} stand; give channels=(place "
            "in the front, place in the end), each 'first' for [images, channels, ...] or 'last' for [images, ..., "
            "channels]"
        )
    return found


def _split(images: int, fit: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed))
    return order[:fit], order[fit:]


def _layers(
    networks: Sequence[ClassScores], points: Sequence[Sequence[str]], images: torch.Tensor, batch_size: int, device: str
) -> list[dict[str, torch.Tensor]]:
    """What the layers of each network make of all images, by point, on the device.

    Raises:
        ValueError: a layer of another form than maps, tokens or features, or more than there is memory for.
    """
    each = 0
    for network, chosen in zip(networks, points, strict=True):
        (shown,) = activations(network.model, images[:1], chosen, device=device)
        for point, output in shown.items():
            if output.ndim not in (2, 3, 4):
                raise ValueError(f"the layer {point!r} puts out {list(output.shape)}, and cannot be stitched")
        each += COPIES * sum(output.nbytes for output in shown.values())
    check_memory(len(images), each, "images in these layers")
    found = []
    for network, chosen in zip(networks, points):
        with progress(len(images), f"layers of {network.name}", delay=2) as bar:
            batches = []
            for batch in activations(network.model, images, chosen, batch_size=batch_size, device=device):
                batches.append(batch)
                bar.update(len(next(iter(batch.values()))))
        found.append({point: torch.cat([batch.pop(point) for batch in batches]) for point in chosen})
    return found
