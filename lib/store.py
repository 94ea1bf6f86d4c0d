"""Trained networks on disk: weights in safetensors and a JSON manifest beside them, checked at every read.

A network exists once its manifest does.  Both files are written under another name, flushed and renamed, weights
first, so a kill leaves a whole network or none.  The manifest holds the sha256 of the weights and of itself.
"""

import hashlib
import json
import os
import platform
import warnings
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load, save

from lib.files import artifacts, write_whole
from lib.specification import Specification
from lib.training import TrainedNetwork

CURVES = ("train_loss", "train_accuracy", "test_epochs", "test_loss", "test_accuracy")


class DamagedFile(Exception):
    """A stored file is not what was written."""


def paths(specification: Specification, seed: int) -> tuple[Path, Path]:
    """Where the weights and the manifest of one network lie."""
    stem = artifacts() / "networks" / specification.key / f"seed-{seed:05d}"
    return stem.with_suffix(".safetensors"), stem.with_suffix(".json")


def write_network(specification: Specification, network: TrainedNetwork) -> None:
    """Store one network, whole or not at all."""
    weights_path, manifest_path = paths(specification, network.seed)
    weights = save(network.state)
    manifest = {
        "name": f"{specification.name}, seed {network.seed}",
        "specification": specification.fields(),
        "seed": network.seed,
        **{curve: getattr(network, curve) for curve in CURVES},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "device": network.device,
        "processor": platform.processor() or platform.machine(),
        "seconds": network.seconds,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    manifest["manifest_sha256"] = _manifest_digest(manifest)
    write_whole(weights_path, weights)
    write_whole(manifest_path, json.dumps(manifest, indent=1).encode())


def read_network(specification: Specification, seed: int) -> TrainedNetwork | None:
    """The stored network, or None if there is none; a damaged one is set aside with a warning and is then none."""
    weights_path, manifest_path = paths(specification, seed)
    if not manifest_path.exists():
        return None
    try:
        return _read_checked(specification, seed, weights_path, manifest_path)
    except DamagedFile as damage:
        for path in (manifest_path, weights_path):
            with suppress(FileNotFoundError):  # missing, or set aside by another process meanwhile
                os.replace(path, path.with_name(path.name + ".damaged"))
        warnings.warn(f"{specification.name}, seed {seed}: {damage}; it is set aside as *.damaged "
                      "and the network will be trained again", stacklevel=2)
        return None


def _read_checked(specification, seed, weights_path, manifest_path) -> TrainedNetwork:
    try:
        manifest = json.loads(manifest_path.read_bytes())
        weights = weights_path.read_bytes()
        intact = manifest["manifest_sha256"] == _manifest_digest(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FileNotFoundError) as error:
        raise DamagedFile(f"its files cannot be read ({type(error).__name__})") from error
    if not intact:
        raise DamagedFile(f"{manifest_path.name} does not match its own checksum")
    if hashlib.sha256(weights).hexdigest() != manifest["weights_sha256"]:
        raise DamagedFile(f"{weights_path.name} does not match the checksum in its manifest")
    if manifest["specification"] != specification.fields() or manifest["seed"] != seed:
        raise DamagedFile(f"{manifest_path.name} describes another network")
    return TrainedNetwork(seed=seed, state=load(weights), device=manifest["device"], seconds=manifest["seconds"],
                          **{curve: manifest[curve] for curve in CURVES})


def _manifest_digest(manifest: dict) -> str:
    content = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
