"""Networks made ready to come with the project: rounded to float16, evaluated as they are then, a file a population."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save

from lib.runtime.files import write_whole
from lib.training import releases
from lib.training.specification import Specification
from lib.training.store import CURVES, TEST_CURVES
from lib.training.trainer import TrainedNetwork
from lib.training.unpacking import evaluated, state_of, unpack
from lib.training.workers import images_of

LIMIT = 30  # MB (1e6 bytes) of networks/, which every clone of the repository holds
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
    manifest = {"specification": specification.fields(), "epochs": specification.epochs,
                "networks": [_entry(specification, network) for network in found]}
    # One entry of metadata: safetensors writes several in any order.
    return save(tensors, {"manifest": json.dumps(manifest, sort_keys=True)})


def holds(release: releases.Release, specification: Specification, networks: Sequence[TrainedNetwork]) -> bool:
    """Whether a released file is there, whole, made of these very networks and evaluated on the same images."""
    try:
        known = unpack(specification, release.content()) if release.path else []
    except RuntimeError:
        return False  # it is damaged, and made anew
    tensors = _stacked(specification, networks)
    return [one.seed for one in known] == [one.seed for one in networks] and all(
        one.train_loss == network.train_loss and specification.epochs in one.test_epochs
        and all(torch.equal(one.state[name], value) for name, value in state_of(tensors, place).items())
        for place, (one, network) in enumerate(zip(known, networks)))


def write(study: str, specification: Specification, content: bytes, committed: bool) -> Path:
    """Put a packed population into its folder and its line into the study's list; -> where it lies.

    The same population after other numbers of epochs is no longer released: its lines and files go.

    Args:
        committed: into networks/ of the repository, else into the folder for uploading.

    Raises:
        RuntimeError: networks/ would become too large.
    """
    name = releases.file_name(specification)
    release = releases.Release(study, name, hashlib.sha256(content).hexdigest())
    others = [one for one in releases.listed(study) if not one.name.startswith(f"{specification.key}.")]
    replaced = [place for one in releases.listed(study) if one not in others for place in one.places]
    target = release.places[0 if committed else 1]
    if committed:
        _check_room(target, len(content), replaced)
    write_whole(target, content)
    lines = [f"{one.sha256}  {study}/{one.name}\n" for one in sorted([*others, release], key=lambda one: one.name)]
    write_whole(releases.list_path(study), "".join(lines).encode())
    for path in {*replaced, *release.places} - {target}:
        path.unlink(missing_ok=True)
    return target


def committed_size() -> float:
    """MB of all that lies in networks/."""
    return sum(path.stat().st_size for path in releases.FOLDER.rglob("*.safetensors")) / 1e6


def _check_room(target: Path, size: int, replaced: Sequence[Path]) -> None:
    going = {path for path in (*replaced, target) if path.exists() and path.is_relative_to(releases.FOLDER)}
    total = committed_size() + (size - sum(path.stat().st_size for path in going)) / 1e6
    if total > LIMIT:
        raise RuntimeError(f"with {target.parent.name}/{target.name} networks/ would hold {total:.1f} MB, and the "
                           f"repository takes {LIMIT}: release fewer FAMILIES, or commit fewer widths (committed in "
                           "book/studies.toml)")


def _stacked(specification: Specification, networks: Sequence[TrainedNetwork]) -> dict[str, torch.Tensor]:
    """The tensors of the file, [networks, ...]."""
    return {name: torch.stack([_rounded(specification, network, name) for network in networks])
            for name in networks[0].state}


def _rounded(specification: Specification, network: TrainedNetwork, name: str) -> torch.Tensor:
    value = network.state[name]
    if not value.is_floating_point():
        return value
    if name.endswith(STATISTICS):
        return value.float()
    rounded = value.half()
    if network.finite and not rounded.isfinite().all():
        raise ValueError(f"{specification.name}, seed {network.seed}: {name} reaches {value.abs().max():.4g}, and "
                         "float16 ends at 65504; this population cannot be released")
    return rounded


def _unevaluated(network: TrainedNetwork) -> TrainedNetwork:
    """Without the evaluation after the last epoch."""
    known = sum(epochs < network.epochs for epochs in network.test_epochs)
    return replace(network, **{curve: getattr(network, curve)[:known] for curve in TEST_CURVES})


def _entry(specification: Specification, network: TrainedNetwork) -> dict:
    """One network in the manifest."""
    tests = {specification.test_digest: {curve: getattr(network, curve) for curve in TEST_CURVES}}
    return {"seed": network.seed, "device": network.device, "seconds": network.seconds,
            **{curve: getattr(network, curve) for curve in CURVES}, "tests": tests}
