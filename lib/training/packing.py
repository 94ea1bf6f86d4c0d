"""Networks rounded to float16 and evaluated as they are then, so that they come with the project; and read again.

A file of `lib.training.releases` holds a population: the rounded tensors of its networks' states, [networks, ...], and a
manifest of specification, epochs and, of every network, seed and curves.  The last test loss and accuracy are those of
the rounded network; what came before is as it was in training.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn
from torch.nn import functional as F

from lib.data.loading import ImageData
from lib.runtime.devices import one_thread
from lib.training import releases
from lib.training.specification import Specification, images_of
from lib.training.store import TEST_CURVES, curves_of, network_of
from lib.training.trainer import TEST_BATCH, TrainedNetwork

# BatchNorm divides by the roots of variances: of small ones float16 has few digits, and large ones it does not know.
# Its weight and bias are of the size of other weights, and rounded with them.
STATISTICS = ("running_mean", "running_var")


def pack(specification: Specification, networks: Sequence[TrainedNetwork]) -> bytes:
    """The file of a population; the same networks give the same bytes.

    Args:
        networks: after the specification's epochs; their last evaluation is replaced by that of the rounded networks.

    Raises:
        ValueError: a network whose loss is finite has a weight that float16 does not hold.
    """
    tensors = _stacked(specification, networks)
    rounded = [replace(network, state=state_of(tensors, place)) for place, network in enumerate(networks)]
    found = evaluated(specification, [_unevaluated(network) for network in rounded], images_of(specification))
    manifest = {
        "specification": specification.fields(),
        "epochs": specification.epochs,
        "networks": [
            {"seed": network.seed, "device": network.device, "seconds": network.seconds}
            | curves_of(network, specification.test_digest)
            for network in found
        ],
    }
    # One entry of metadata: safetensors writes several in any order.
    return save(tensors, {"manifest": json.dumps(manifest, sort_keys=True)})


def holds(release: releases.Release, specification: Specification, networks: Sequence[TrainedNetwork]) -> bool:
    """Whether a released file is there, whole, made of these very networks and evaluated on the same images."""
    try:
        known = unpack(specification, release.content()) if release.path else []
    except RuntimeError:
        return False  # it is damaged, or another population, and made anew
    tensors = _stacked(specification, networks)
    return [one.seed for one in known] == [one.seed for one in networks] and all(
        one.train_loss == network.train_loss
        and specification.epochs in one.test_epochs
        and all(torch.equal(one.state[name], value) for name, value in state_of(tensors, place).items())
        for place, (one, network) in enumerate(zip(known, networks))
    )


def _stacked(specification: Specification, networks: Sequence[TrainedNetwork]) -> dict[str, torch.Tensor]:
    """The tensors of the file, [networks, ...]."""
    return {
        name: torch.stack([_rounded(specification, network, name) for network in networks])
        for name in networks[0].state
    }


def _rounded(specification: Specification, network: TrainedNetwork, name: str) -> torch.Tensor:
    value = network.state[name]
    if not value.is_floating_point():
        return value
    if name.endswith(STATISTICS):
        return value.float()
    rounded = value.half()
    if network.finite and not rounded.isfinite().all():
        raise ValueError(
            f"{specification.name}, seed {network.seed}: {name} reaches {value.abs().max():.4g}, and "
            "float16 ends at 65504; this population cannot be released"
        )
    return rounded


def _unevaluated(network: TrainedNetwork) -> TrainedNetwork:
    """Without the evaluation after the last epoch."""
    known = sum(epochs < network.epochs for epochs in network.test_epochs)
    return replace(network, **{curve: getattr(network, curve)[:known] for curve in TEST_CURVES})


def read(requests: Mapping[Specification, Iterable[int]]) -> dict[tuple[Specification, int], TrainedNetwork]:
    """(specification, seed) -> network, of all that are asked for, released and here, each evaluated.

    On test images other than those of the release a network is evaluated anew at every call, in about a tenth of the
    time of an epoch.

    Warns: once a study, of files that are listed and not here.

    Raises:
        RuntimeError: a damaged file, or one of another population.
    """
    networks: dict[tuple[Specification, int], TrainedNetwork] = {}
    absent: dict[str, set[str]] = {}
    for specification, seeds in requests.items():
        release, wanted = releases.find(specification), set(seeds)
        if release and release.path:
            asked = [network for network in unpack(specification, release.content()) if network.seed in wanted]
            networks |= {(specification, network.seed): network for network in _all_evaluated(specification, asked)}
        elif release:
            absent.setdefault(release.study, set()).add(release.name)
    for study, names in absent.items():
        warnings.warn(
            f"{len(names)} of the populations asked for are released with study {study} and not here: make "
            f"fetch STUDY={study} fetches them; for now they come from the store or are trained, and numbers "
            "differ a little from the study's",
            stacklevel=3,
        )
    return networks


def unpack(specification: Specification, content: bytes) -> list[TrainedNetwork]:
    """The networks of a file, with what is known of them on the specification's test images.

    Raises:
        RuntimeError: they are of another specification or number of epochs.
    """
    manifest, tensors = _opened(content)
    if (manifest.get("specification"), manifest.get("epochs")) != (specification.fields(), specification.epochs):
        raise RuntimeError(
            f"the released file {releases.file_name(specification)} holds another population than its "
            "name says; restore it and its list with git checkout"
        )
    entries, digest = manifest["networks"], specification.test_digest
    return [network_of(one, digest, state_of(tensors, place)) for place, one in enumerate(entries)]


def _opened(content: bytes) -> tuple[dict, dict[str, torch.Tensor]]:
    """Manifest and tensors of a file; empty ones where it is none of `pack`."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])  # the format of safetensors
        return dict(json.loads(header["__metadata__"]["manifest"])), load(content)
    except (SafetensorError, ValueError, KeyError, TypeError):
        return {}, {}


def state_of(tensors: Mapping[str, torch.Tensor], place: int) -> dict[str, torch.Tensor]:
    """The state dict of one network of stacked tensors [networks, ...], floating numbers as float32."""
    return {
        name: value[place].to(torch.float32 if value.is_floating_point() else value.dtype, copy=True)
        for name, value in tensors.items()
    }


def evaluated(
    specification: Specification, networks: Sequence[TrainedNetwork], images: ImageData
) -> list[TrainedNetwork]:
    """The networks with loss and accuracy on the test images after their last epoch, which had not been known.

    In float32, one by one and on one core, so that neither a network's company nor the kind of processor decides.
    """
    found = []
    with one_thread():
        for network in networks:
            model = specification.build().eval()
            model.load_state_dict(network.state)
            loss, accuracy = _test(model, images.test_images, images.test_labels)
            found.append(network.with_test(loss, accuracy))
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
