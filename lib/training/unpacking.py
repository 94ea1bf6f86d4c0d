"""Populations read from the files of `lib.training.releases`.

A file holds the tensors of the networks' states, [networks, ...], as `lib.training.packing` rounds them, and a manifest: the
specification, the epochs and, of every network, its seed and curves.  The last test loss and accuracy are those of the
rounded network; what came before is as it was in training.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional as F

from lib.data.loading import ImageData
from lib.training import releases
from lib.training.specification import Specification
from lib.training.store import CURVES, TEST_CURVES
from lib.training.trainer import TEST_BATCH, TrainedNetwork
from lib.training.workers import images_of


def read(requests: Mapping[Specification, Iterable[int]]) -> dict[tuple[Specification, int], TrainedNetwork]:
    """(specification, seed) -> network, of all that are asked for, released and here, each evaluated.

    On test images other than those of the release a network is evaluated anew at every call, in about a tenth of the
    time of an epoch.

    Warns: once a study, of files that are listed and not here.

    Raises:
        RuntimeError: a damaged file, or one of another population.
    """
    networks, absent = {}, {}
    for specification, seeds in requests.items():
        release, wanted = releases.find(specification), set(seeds)
        if release and release.path:
            asked = [network for network in unpack(specification, release.content()) if network.seed in wanted]
            networks |= {(specification, network.seed): network for network in _all_evaluated(specification, asked)}
        elif release:
            absent.setdefault(release.study, set()).add(release.name)
    for study, names in absent.items():
        warnings.warn(f"{len(names)} of the populations asked for are released with study {study} and not here: make "
                      f"fetch STUDY={study} fetches them; for now they come from the store or are trained, and numbers "
                      "differ a little from the study's", stacklevel=3)
    return networks


def unpack(specification: Specification, content: bytes) -> list[TrainedNetwork]:
    """The networks of a file, with what is known of them on the specification's test images.

    Raises:
        RuntimeError: they are of another specification or number of epochs.
    """
    header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])  # the format of safetensors
    manifest, tensors = json.loads(header["__metadata__"]["manifest"]), load(content)
    if (manifest["specification"], manifest["epochs"]) != (specification.fields(), specification.epochs):
        raise RuntimeError(f"the released file {releases.file_name(specification)} holds another population than its "
                           "name says; restore it and its list with git checkout")
    unknown = {curve: [] for curve in TEST_CURVES}
    return [TrainedNetwork(seed=one["seed"], state=state_of(tensors, place), device=one["device"],
                           seconds=one["seconds"], **{curve: one[curve] for curve in CURVES},
                           **one["tests"].get(specification.test_digest, unknown))
            for place, one in enumerate(manifest["networks"])]


def state_of(tensors: Mapping[str, torch.Tensor], place: int) -> dict[str, torch.Tensor]:
    """The state dict of one network of stacked tensors [networks, ...], floating numbers as float32."""
    return {name: value[place].to(torch.float32 if value.is_floating_point() else value.dtype, copy=True)
            for name, value in tensors.items()}


def evaluated(specification: Specification, networks: Sequence[TrainedNetwork], images: ImageData
              ) -> list[TrainedNetwork]:
    """The networks with loss and accuracy on the test images after their last epoch, which had not been known.

    In float32, one by one and on one core, so that neither a network's company nor the kind of processor decides.
    """
    threads, found = torch.get_num_threads(), []
    torch.set_num_threads(1)  # more threads add in another order
    try:
        for network in networks:
            model = specification.build().eval()
            model.load_state_dict(network.state)
            loss, accuracy = _test(model, images.test_images, images.test_labels)
            found.append(replace(network, test_epochs=[*network.test_epochs, network.epochs],
                                 test_loss=[*network.test_loss, loss],
                                 test_accuracy=[*network.test_accuracy, accuracy]))
    finally:
        torch.set_num_threads(threads)
    return found


@torch.no_grad()
def _test(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross entropy in nats and accuracy on images [n, C, H, W]."""
    loss, hits = 0.0, 0
    for batch, label in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH)):
        logits = model(batch.contiguous(memory_format=torch.channels_last))
        loss += F.cross_entropy(logits, label, reduction="sum").item()
        hits += (logits.argmax(1) == label).sum().item()
    return loss / len(labels), hits / len(labels)


def _all_evaluated(specification: Specification, networks: list[TrainedNetwork]) -> list[TrainedNetwork]:
    if all(specification.epochs in network.test_epochs for network in networks):
        return networks
    return evaluated(specification, networks, images_of(specification))
