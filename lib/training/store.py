"""Trained networks on disk: weights in safetensors and a JSON manifest beside them, checked at every read.

KEY/seed-00003.epoch-00010 is a network after 10 epochs, kept for good; KEY/seed-00003.under-way-00007 is what a killed
training goes on from, and goes away with the next epoch of its stack.  A network exists once its manifest does.  Both
files are written under another name and renamed, weights first, so a kill leaves a whole network or none.  The manifest
holds the sha256 of the weights and of itself; the bytes of the weights depend on the training alone.  Where the folder
cannot be written, this process keeps in memory what it would have stored for good.
"""

import hashlib
import json
import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load, save

from lib.runtime.devices import processor
from lib.runtime.files import artifacts, read_whole, set_aside, write_whole
from lib.runtime.room import keeps
from lib.training.specification import Specification
from lib.training.trainer import TrainedNetwork

KEPT, UNDER_WAY = "epoch", "under-way"
CURVES = ("train_loss", "train_accuracy", "arithmetic")
TEST_CURVES = ("test_epochs", "test_loss", "test_accuracy")
KINDS: dict[str, type | tuple[type, ...]] = {
    "tests": dict,
    "device": str,
    "seconds": (int, float),
    **dict.fromkeys(CURVES, list),
}
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, FileNotFoundError, IsADirectoryError)
RESUME = "resume:"  # begins the names of what a training goes on from, beside the weights


# (specification, seed) -> network that could not be stored
_in_memory: dict[tuple[Specification, int], TrainedNetwork] = {}


class DamagedFile(Exception):
    """A stored file is not what was written."""


def paths(specification: Specification, seed: int, epochs: int | None = None, kind: str = KEPT) -> tuple[Path, Path]:
    """Where the weights and the manifest of one network lie, by default after the epochs of the specification."""
    stem = f"seed-{seed:05d}.{kind}-{epochs or specification.epochs:05d}"
    folder = artifacts() / "networks" / specification.key
    return folder / f"{stem}.safetensors", folder / f"{stem}.json"


def stored_epochs(specification: Specification, seed: int, kinds: Sequence[str] = (KEPT, UNDER_WAY)) -> list[int]:
    """After how many epochs there are files of a network, none above those of the specification, sorted."""
    folder = artifacts() / "networks" / specification.key
    found = {int(path.stem[-5:]) for kind in kinds for path in folder.glob(f"seed-{seed:05d}.{kind}-*.json")}
    return sorted(epochs for epochs in found if epochs <= specification.epochs)


def write_network(specification: Specification, network: TrainedNetwork) -> None:
    """Store one network whole or not at all, for good if its epochs are among the specification's snapshots.

    Weights that are kept already stay as they are; an evaluation on other test images is added to them.
    """
    if not keeps():
        _in_memory[specification, network.seed] = network
        return
    kind = KEPT if network.epochs in specification.snapshots else UNDER_WAY
    weights_path, manifest_path = paths(specification, network.seed, network.epochs, kind)
    curves = curves_of(network, specification.test_digest)
    if known := _checked(specification, network.seed, network.epochs, kind):
        if specification.test_digest in known[0]["tests"]:
            return
        manifest = known[0] | {"tests": known[0]["tests"] | curves["tests"]}
    else:
        weights = save({**network.state, **{RESUME + name: value for name, value in network.resume.items()}})
        manifest = _manifest(specification, network, curves, weights)
        write_whole(weights_path, weights, durable=kind == KEPT)
    manifest["manifest_sha256"] = _manifest_digest(manifest)
    write_whole(manifest_path, _text(manifest), durable=kind == KEPT)


def read_network(specification: Specification, seed: int) -> TrainedNetwork | None:
    """The stored network, evaluated on the specification's test images, or None if there is none.

    A damaged one is set aside with a warning and is then none.
    """
    network = read_after(specification, seed, specification.epochs, kinds=(KEPT,))
    known = network if network and specification.epochs in network.test_epochs else None
    return known or _in_memory.get((specification, seed))


def read_after(
    specification: Specification, seed: int, epochs: int, kinds: Sequence[str] = (KEPT, UNDER_WAY)
) -> TrainedNetwork | None:
    """The network after so many epochs, with what is known of it on the specification's test images."""
    for kind in kinds:
        if found := _checked(specification, seed, epochs, kind):
            return _network(*found, specification.test_digest)
    return None


def read_latest(specification: Specification, seeds: Sequence[int]) -> list[TrainedNetwork]:
    """The networks of these seeds after the most epochs that all of them have; [] where training begins anew."""
    common = set.intersection(*(set(stored_epochs(specification, seed)) for seed in seeds))
    for epochs in sorted(common, reverse=True):
        found = [network for seed in seeds if (network := read_after(specification, seed, epochs))]
        if len(found) == len(seeds) and (epochs == specification.epochs or all(network.resume for network in found)):
            return found
    return []


def _checked(specification: Specification, seed: int, epochs: int, kind: str) -> tuple[dict, bytes] | None:
    """Manifest and bytes of the weights; None if they are not there, or damaged and now set aside."""
    weights_path, manifest_path = paths(specification, seed, epochs, kind)
    if not manifest_path.exists():
        return None
    try:
        manifest, weights = read_pair(weights_path, manifest_path)
        about = [manifest.get(field) for field in ("specification", "seed", "epochs")]
        if about != [specification.fields(), seed, epochs]:
            raise DamagedFile(f"{manifest_path.name} describes another network")
        if wrong := [field for field, kind in KINDS.items() if not isinstance(manifest.get(field), kind)]:
            raise DamagedFile(f"{manifest_path.name} has no {wrong[0]}")
    except DamagedFile as damage:
        for path in (manifest_path, weights_path):
            set_aside(path)
        warnings.warn(
            f"{specification.name}, seed {seed}: {damage}; it is set aside as *.damaged "
            "and the network will be trained again",
            stacklevel=4,
        )
        return None
    return manifest, weights


def read_pair(weights_path: Path, manifest_path: Path) -> tuple[dict, bytes]:
    """A manifest and the bytes of its weights, whose checksums hold.

    Raises:
        DamagedFile: with what is wrong.
    """
    try:
        content = read_whole(manifest_path)
        manifest = json.loads(content)
        weights = read_whole(weights_path)
        # The digest is of what a manifest says; the last of 17 digits, or a space, may change without changing that.
        intact = content == _text(manifest) and manifest["manifest_sha256"] == _manifest_digest(manifest)
        known = manifest["weights_sha256"]
    except UNREADABLE as error:
        raise DamagedFile(f"its files cannot be read ({type(error).__name__})") from error
    if not intact:
        raise DamagedFile(f"{manifest_path.name} does not match its own checksum")
    if hashlib.sha256(weights).hexdigest() != known:
        raise DamagedFile(f"{weights_path.name} does not match the checksum in its manifest")
    return manifest, weights


def _manifest(specification: Specification, network: TrainedNetwork, curves: dict, weights: bytes) -> dict:
    return {
        "name": f"{specification.name}, seed {network.seed}",
        "specification": specification.fields(),
        "seed": network.seed,
        "epochs": network.epochs,
        **curves,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "device": network.device,
        "processor": processor(),
        "seconds": network.seconds,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }


def curves_of(network: TrainedNetwork, test_digest: str) -> dict:
    """The curves of a network for a manifest; 'tests': sha256 of the test images -> the curves on them."""
    curves = {curve: getattr(network, curve) for curve in CURVES}
    return curves | {"tests": {test_digest: {curve: getattr(network, curve) for curve in TEST_CURVES}}}


def network_of(
    manifest: Mapping, test_digest: str, state: dict[str, torch.Tensor], resume: dict[str, torch.Tensor] | None = None
) -> TrainedNetwork:
    """The network of a manifest, with what is known of it on the test images of this sha256."""
    about = {field: manifest[field] for field in ("seed", "device", "seconds", *CURVES)}
    known = manifest["tests"].get(test_digest, {})
    tests = {curve: known.get(curve, []) for curve in TEST_CURVES}
    return TrainedNetwork(**about, **tests, state=state, resume=resume or {})


def _network(manifest: dict, weights: bytes, test_digest: str) -> TrainedNetwork:
    state: dict[str, torch.Tensor] = {}
    resume: dict[str, torch.Tensor] = {}
    for name, value in load(weights).items():
        (resume if name.startswith(RESUME) else state)[name.removeprefix(RESUME)] = value
    return network_of(manifest, test_digest, state, resume)


def under_way(specification: Specification) -> bool:
    """Whether there is something that a killed training would go on from."""
    return any((artifacts() / "networks" / specification.key).glob(f"*.{UNDER_WAY}-*"))


def forget_passed(specification: Specification, seeds: Iterable[int], epochs: int) -> None:
    """Remove what a killed training would have gone on from, once the whole stack is stored after further epochs."""
    folder, kept = artifacts() / "networks" / specification.key, epochs in specification.snapshots
    for seed in seeds:
        for weights in folder.glob(f"seed-{seed:05d}.{UNDER_WAY}-*.safetensors"):  # a kill may leave it alone
            if int(weights.stem[-5:]) < epochs + kept:
                weights.with_suffix(".json").unlink(missing_ok=True)
                weights.unlink(missing_ok=True)


def _text(manifest: dict) -> bytes:
    return json.dumps(manifest, indent=1).encode()


def _manifest_digest(manifest: dict) -> str:
    content = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
