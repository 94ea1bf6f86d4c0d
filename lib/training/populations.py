"""Populations, the trained networks of one specification: train what is missing, load the rest, tell what was used."""

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from safetensors.torch import save
from torch import nn

from lib.data.loading import ImageData
from lib.runtime.devices import machine
from lib.runtime.files import artifacts
from lib.runtime.room import writable
from lib.training import packing, releases, store
from lib.training.specification import Specification, specify
from lib.training.trainer import TrainedNetwork
from lib.training.workers import Task, device, networks_together, train_all, work

Key = TypeVar("Key")
LEAST = 3  # networks of a population, for differences between pairs of them to have a spread
# (specification, seed) -> seconds of training and device, of every network that this process loaded or trained
_used: dict[tuple[Specification, int], tuple[float, str]] = {}


@dataclass(frozen=True, eq=False)
class Population:
    """The trained networks of one specification whose loss stayed finite, in the order of the seeds asked for."""

    specification: Specification
    networks: tuple[TrainedNetwork, ...]

    def __len__(self) -> int:
        return len(self.networks)

    @property
    def digest(self) -> str:
        """sha256 over the specification and the weights of all networks, for what is stored of them."""
        sha = hashlib.sha256(self.specification.key.encode())
        for network in self.networks:
            sha.update(save({name: value.contiguous() for name, value in network.state.items()}))
        return sha.hexdigest()

    def models(self) -> Iterable[nn.Module]:
        """The networks as modules in eval mode, one after another."""
        for network in self.networks:
            model = self.specification.build()
            model.load_state_dict(network.state)
            yield model.eval()

    def untrained_models(self) -> Iterable[nn.Module]:
        """The same networks with their initial weights, BatchNorm's running statistics included."""
        for network in self.networks:
            yield self.specification.initial(network.seed).eval()


def train_or_load(
    requests: Mapping[Specification, Iterable[int]], executor: Executor | None = None
) -> dict[Specification, Population]:
    """The population of every specification, with the seeds asked for.

    Every network is stored as soon as it is trained: after a kill the next call goes on from there.  On one kind of
    machine seed s of a specification is the same network whatever else is asked for, because it is always trained in
    the same company (`lib.training.workers.networks_together`); networks of it that were not asked for are stored too.
    Networks that come with the project (`lib.training.releases`) are taken before stored ones, so that everyone computes from
    the same.

    Args:
        executor: any concurrent.futures executor; by default as `lib.runtime.tasks.run_tasks` has it.

    Warns: of each network whose loss was not finite, by name; it is stored, and left out of the population; and of
        released networks that were not fetched, once a study.

    Raises:
        RuntimeError: a released file is damaged, before anything is trained; or some networks could not be trained,
            after all others are trained and stored.
    """
    wanted = {specification: list(dict.fromkeys(seeds)) for specification, seeds in requests.items()}
    released = packing.read(wanted)
    keys = [(specification, seed) for specification, seeds in wanted.items() for seed in seeds]
    found = {key: network for key in keys if (network := released.get(key) or store.read_network(*key))}
    missing = [key for key in keys if key not in found]
    for tasks in _waves(missing):
        asked = sum((specification, seed) in missing for specification, seeds in tasks for seed in seeds)
        train_all(tasks, executor, asked)
    for specification, seed in missing:
        network = store.read_network(specification, seed)
        if network is None:
            raise RuntimeError(f"{specification.name}, seed {seed}: its files did not stay as they were written")
        found[specification, seed] = network
    for specification, seeds in wanted.items():
        _forget_passed(specification, [seed for seed in seeds if (specification, seed) not in released])
    for key in keys:
        _used[key] = found[key].seconds, found[key].device
    return {
        specification: _population(specification, [found[specification, seed] for seed in seeds])
        for specification, seeds in wanted.items()
    }


def at_hand(requests: Mapping[Key, Specification], seeds: Iterable[int]) -> dict[Key, Specification]:
    """Those of the specifications of which the networks of all these seeds are stored or released, files unread."""
    wanted = list(seeds)

    def is_there(one: Specification) -> bool:
        release = releases.find(one)
        stored = (store.stored_epochs(one, seed, (store.KEPT,)) for seed in wanted)
        return bool(release and release.path) or all(one.epochs in epochs for epochs in stored)

    return {key: one for key, one in requests.items() if is_there(one)}


def three_or_more(requests: Mapping[Specification, Iterable[int]]) -> dict[Specification, Population]:
    """`train_or_load`, where every population needs three networks.

    Raises:
        ValueError: fewer networks of a population kept a finite loss.
    """
    found = train_or_load(requests)
    for specification, population in found.items():
        if len(population) < LEAST:
            raise ValueError(
                f"{specification.name}: {len(population)} of its networks kept a finite loss, and a population needs "
                f"{LEAST}; ask for more seeds or a lower learning rate, or leave this width out"
            )
    return found


def population_grid(
    images: ImageData,
    families: Sequence[str],
    widths: Sequence[int] | Mapping[str, Sequence[int]],
    seeds: Mapping[str, int],
    **recipe,
) -> dict[tuple[str, int], Population]:
    """Families at their widths on the same images: (family, width) -> population of seeds 0 to seeds[family] - 1.

    `widths`: of all families, or family -> its own.
    """
    of = widths if isinstance(widths, Mapping) else dict.fromkeys(families, widths)
    grid = {(family, width): specify(images, family, width, **recipe) for family in families for width in of[family]}
    found = three_or_more({specification: range(seeds[family]) for (family, _), specification in grid.items()})
    return {key: found[specification] for key, specification in grid.items()}


def test_accuracies(populations: Mapping[tuple[str, int], Population]) -> dict[str, dict[int, list[float]]]:
    """Test accuracies after training: (family, width) -> population to family -> width -> [networks]."""
    found: dict[str, dict[int, list[float]]] = {}
    for (family, width), population in populations.items():
        found.setdefault(family, {})[width] = [network.test_accuracy[-1] for network in population.networks]
    return found


def networks_used() -> dict[str, object]:
    """What a chapter's numbers rest on: networks, hours and data since the process began.

    -> networks: how many, the same one once; training_hours: of all of them, one after another, on the `devices`
    named, as stored with them, whoever trained them and when; data: name -> sizes and the sha256 of the training and of
    the test images with their labels; machine: where this process runs.
    """
    fields = {"train": "n_train", "test": "n_test", "train_sha256": "train_digest", "test_sha256": "test_digest"}
    data: dict[str, list[dict]] = {}
    for specification, _ in _used:
        entry = {name: getattr(specification, field) for name, field in fields.items()}
        known = data.setdefault(specification.dataset, [])
        known += [entry] * (entry not in known)
    hours = sum(seconds for seconds, _ in _used.values()) / 3600
    devices = sorted({device for _, device in _used.values()})
    return {"networks": len(_used), "training_hours": hours, "devices": devices, "data": data, "machine": machine()}


def _forget_passed(specification: Specification, stored: Sequence[int]) -> None:
    """Remove what a training that was killed behind its last epoch would have gone on from, where all its stack is stored."""
    if not store.under_way(specification) or not writable(artifacts()):
        return
    size = networks_together(specification, device())
    for first in {seed - seed % size for seed in stored}:
        stack = range(first, first + size)
        if all(specification.epochs in store.stored_epochs(specification, seed, (store.KEPT,)) for seed in stack):
            store.forget_passed(specification, stack, specification.epochs)


def _population(specification: Specification, networks: list[TrainedNetwork]) -> Population:
    for network in networks:
        if not network.finite:
            warnings.warn(
                f"{specification.name}, seed {network.seed}: the loss was not finite; the network is left out",
                stacklevel=3,
            )
    return Population(specification, tuple(network for network in networks if network.finite))


def _waves(missing: Iterable[tuple[Specification, int]]) -> list[list[Task]]:
    """Whole stacks that hold the missing networks, the longest first so that no core is left with a long one.

    Where one training is wanted after several numbers of epochs, each wave goes on from the one before.
    """
    stacks: dict[tuple[str, tuple[int, ...]], set[Specification]] = {}
    for specification, seed in missing:
        size = networks_together(specification, device())
        first = seed - seed % size
        stacks.setdefault((specification.key, tuple(range(first, first + size))), set()).add(specification)
    rows = [
        [(specification, seeds) for specification in sorted(wanted, key=lambda one: (one.epochs, one.test_digest))]
        for (_, seeds), wanted in stacks.items()
    ]
    waves = [[task for task in wave if task] for wave in zip_longest(*rows)]
    return [sorted(wave, key=lambda task: (-work(task), task[0].key, task[1])) for wave in waves]
