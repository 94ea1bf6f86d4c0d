"""What a chapter's numbers rest on: the networks and images that this process used, and the machine."""

from lib.runtime.processor import machine
from lib.training.specification import Specification
from lib.training.trainer import TrainedNetwork

# (specification, seed) -> seconds of training and device, of every network that this process loaded or trained
_used: dict[tuple[Specification, int], tuple[float, str]] = {}


def note(specification: Specification, network: TrainedNetwork) -> None:
    """Remember that a network is used; the same one counts once."""
    _used[specification, network.seed] = network.seconds, network.device


def used() -> dict[str, object]:
    """Networks, hours and data since the process began.

    -> networks: how many; training_hours: of all of them, one after another, on the devices named, as stored with
    them, whoever trained them and when; data: name -> sizes and the sha256 of the training and of the test images with their labels;
    machine: where this process runs.
    """
    data = {}
    for specification, _ in _used:
        entry = {"train": specification.n_train, "test": specification.n_test, "train_sha256": specification.train_digest,
                 "test_sha256": specification.test_digest}
        known = data.setdefault(specification.dataset, [])
        known += [entry] * (entry not in known)
    seconds = sum(seconds for seconds, _ in _used.values())
    return {"networks": len(_used), "training_hours": seconds / 3600,
            "devices": sorted({device for _, device in _used.values()}), "data": data, "machine": machine()}
