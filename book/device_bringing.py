"""Networks that come back in packs go into the store: whole ones, and none in place of another."""

import json
import os
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device_packs import QUEUE
from lib.runtime.files import write_whole
from lib.training import TrainedNetwork, store
from lib.training.specification import Specification

MEMBER = re.compile(r"[\w.-]+/seed-\d{5}\.(?:epoch|under-way)-\d{5}\.(?:safetensors|json)")


def bring(packs: list[Path]) -> list[str]:
    """Put the networks of packs into the store; -> a sentence for each pack, and each network that is left out."""
    sentences = []
    for pack in packs:
        try:
            found, damages = _read(pack)
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            sentences.append(f"{pack.name} is damaged and nothing of it is taken: {error}")
            continue
        sentences += [f"{pack.name}: {damage}" for damage in damages]
        written = 0
        for specification, network in found:
            if _is_another(specification, network):
                sentences.append(
                    f"{specification.name}, seed {network.seed}, {network.epochs} epochs: left out, "
                    "because this store has trained the network otherwise"
                )
            else:
                store.write_network(specification, network)
                written += 1
        sentences.append(f"{pack.name}: {written} snapshots are in the store")
    return sentences


def _read(pack: Path) -> tuple[list[tuple[Specification, TrainedNetwork]], list[str]]:
    """The intact networks of a pack, and a sentence for each that is not."""
    with tempfile.TemporaryDirectory() as folder:
        queue, damaged = _extracted(pack, Path(folder))
        with warnings.catch_warnings(record=True) as caught, _artifacts_in(Path(folder)):
            warnings.simplefilter("always")
            found = list(_networks(queue))
    return found, [f"{name} is damaged and its network is not taken" for name in damaged] + [
        str(one.message).partition(";")[0] for one in caught
    ]


def _extracted(pack: Path, folder: Path) -> tuple[list[dict], list[str]]:
    """Lay the whole files of a pack out as a store in `folder`; -> its queue, and the names of damaged files."""
    damaged = []
    with zipfile.ZipFile(pack) as archive:
        queue = json.loads(archive.read(QUEUE))
        for name in sorted(set(archive.namelist()) - {QUEUE}):
            if not MEMBER.fullmatch(name):
                raise ValueError(f"{name} is no file of a network")
            try:
                write_whole(folder / "networks" / name, archive.read(name), durable=False)
            except zipfile.BadZipFile:
                damaged.append(name)
    for name in damaged:  # a network is two files, or nothing
        (folder / "networks" / name).with_suffix(".json").unlink(missing_ok=True)
    return queue, damaged


def _networks(queue: list[dict]) -> Iterator[tuple[Specification, TrainedNetwork]]:
    """The intact networks of the store, the earlier epochs of each first."""
    for row in queue:
        specification = Specification(**row["specification"])
        for seed in row["seeds"]:
            for epochs in store.stored_epochs(specification, seed):
                if network := store.read_after(specification, seed, epochs):
                    yield specification, network


def _is_another(specification: Specification, network: TrainedNetwork) -> bool:
    """Whether the store has the network of another training: their curves differ where both have one."""
    known = [
        store.read_after(specification, network.seed, epochs)
        for epochs in store.stored_epochs(specification, network.seed)
    ]
    return any(
        str(one.train_loss[: network.epochs]) != str(network.train_loss[: one.epochs])  # as text: NaN is NaN
        for one in known
        if one
    )


@contextmanager
def _artifacts_in(folder: Path) -> Iterator[None]:
    before = os.environ.get("GREATMINDS_ARTIFACTS")
    os.environ["GREATMINDS_ARTIFACTS"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["GREATMINDS_ARTIFACTS"]
        else:
            os.environ["GREATMINDS_ARTIFACTS"] = before
