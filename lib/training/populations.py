"""Families as populations of trained networks: train what is missing, load the rest."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import zip_longest

from torch import nn

from lib.data.loading import ImageData
from lib.models.architectures import initialise
from lib.training import provenance, store, unpacking
from lib.training.earlier_networks import take_over
from lib.training.specification import Specification, specify
from lib.training.trainer import TrainedNetwork, networks_together
from lib.training.workers import DEVICE, Task, train_all, work


@dataclass(frozen=True, eq=False)
class Population:
    """The trained networks of one specification whose loss stayed finite, in the order of the seeds asked for."""

    specification: Specification
    networks: tuple[TrainedNetwork, ...]

    def __len__(self) -> int:
        return len(self.networks)

    def models(self) -> Iterable[nn.Module]:
        """The networks as modules in eval mode, one after another."""
        for network in self.networks:
            model = self.specification.build()
            model.load_state_dict(network.state)
            yield model.eval()

    def untrained_models(self) -> Iterable[nn.Module]:
        """The same networks with their initial weights, BatchNorm's running statistics included."""
        for network in self.networks:
            generator = self.specification.generator(network.seed, "weights")
            yield initialise(self.specification.build(), generator).eval()


def train_or_load(requests: Mapping[Specification, Iterable[int]], executor: Executor | None = None
                  ) -> dict[Specification, Population]:
    """The population of every specification, with the seeds asked for.

    Every network is stored as soon as it is trained: after a kill the next call goes on from there.  On one kind of
    machine seed s of a specification is the same network whatever else is asked for, because it is always trained in
    the same company (`lib.training.trainer.networks_together`); networks of it that were not asked for are stored too.
    Networks that come with the project (`lib.training.releases`) are taken before stored ones, so that everyone computes from
    the same.

    Args:
        executor: any concurrent.futures executor; by default one local process a core, or one for the GPU.

    Warns: of each network whose loss was not finite, by name; it is stored, and left out of the population; and of
        released networks that were not fetched, once a study.

    Raises:
        RuntimeError: a released file is damaged, before anything is trained; or some networks could not be trained,
            after all others are trained and stored.
    """
    wanted = {specification: list(dict.fromkeys(seeds)) for specification, seeds in requests.items()}
    released = unpacking.read(wanted)
    found = {(specification, seed): released.get((specification, seed)) or _stored(specification, seed)
             for specification, seeds in wanted.items() for seed in seeds}
    for tasks in _waves(key for key, network in found.items() if network is None):
        train_all(tasks, executor)
    for specification, seed in [key for key, network in found.items() if network is None]:
        found[specification, seed] = store.read_network(specification, seed)
        if found[specification, seed] is None:
            raise RuntimeError(f"{specification.name}, seed {seed}: its files did not stay as they were written")
    for (specification, _), network in found.items():
        provenance.note(specification, network)
    return {specification: _population(specification, [found[specification, seed] for seed in seeds])
            for specification, seeds in wanted.items()}


def _stored(specification: Specification, seed: int) -> TrainedNetwork | None:
    """The network as it is stored, or as it was by an earlier revision."""
    network = store.read_network(specification, seed)
    if network is None and take_over(specification, seed):
        network = store.read_network(specification, seed)
    return network


def population_grid(images: ImageData, families: Iterable[str], widths: Sequence[int] | Mapping[str, Sequence[int]],
                    seeds: Mapping[str, int], **recipe) -> dict[tuple[str, int], Population]:
    """Families at their widths on the same images: (family, width) -> population of seeds 0 to seeds[family] - 1.

    `widths`: of all families, or family -> its own.
    """
    requests = {(family, width): specify(images, family, width, **recipe) for family in families
                for width in (widths[family] if isinstance(widths, Mapping) else widths)}
    found = train_or_load({specification: range(seeds[family]) for (family, _), specification in requests.items()})
    for specification, population in found.items():
        if len(population) < 3:
            raise ValueError(f"{specification.name}: {len(population)} of its networks kept a finite loss, and a "
                             "population needs 3; ask for more seeds or leave this width out")
    return {key: found[specification] for key, specification in requests.items()}


def _population(specification: Specification, networks: list[TrainedNetwork]) -> Population:
    for network in networks:
        if not network.finite:
            warnings.warn(f"{specification.name}, seed {network.seed}: the loss was not finite; "
                          "the network is left out", stacklevel=3)
    return Population(specification, tuple(network for network in networks if network.finite))


def _waves(missing: Iterable[tuple[Specification, int]]) -> list[list[Task]]:
    """Whole stacks that hold the missing networks, the longest first so that no core is left with a long one.

    Where one training is wanted after several numbers of epochs, each wave goes on from the one before.
    """
    stacks: dict[tuple[str, tuple[int, ...]], set[Specification]] = {}
    for specification, seed in missing:
        size = networks_together(specification, DEVICE)
        first = seed - seed % size
        stacks.setdefault((specification.key, tuple(range(first, first + size))), set()).add(specification)
    rows = [[(specification, seeds) for specification in sorted(wanted, key=lambda one: (one.epochs, one.test_digest))]
            for (_, seeds), wanted in stacks.items()]
    waves = [[task for task in wave if task] for wave in zip_longest(*rows)]
    return [sorted(wave, key=lambda task: (-work(task), task[0].key, task[1])) for wave in waves]
