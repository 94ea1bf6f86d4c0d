"""Families as populations of trained networks: train what is missing, load the rest."""

import multiprocessing
import os
import pickle
import threading
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from lib import data, store
from lib.data import ImageData
from lib.progress import progress
from lib.specification import Specification, specify
from lib.training import TrainedNetwork, networks_together, train

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


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


def train_or_load(requests: Mapping[Specification, Iterable[int]], executor: Executor | None = None
                  ) -> dict[Specification, Population]:
    """The population of every specification, with the seeds asked for.

    Every network is stored as soon as it is trained: after a kill the next call goes on from there.  Seed s of a
    specification is the same network whatever else is asked for, because it is always trained in the same company
    (`lib.training.networks_together`); networks of that company that were not asked for are stored too.

    Args:
        executor: any concurrent.futures executor; by default one local process a core, or one for the GPU.

    Warns: of each network whose loss was not finite, by name; it is stored, and left out of the population.

    Raises:
        RuntimeError: some networks could not be trained; all others are trained and stored first.
    """
    wanted = {specification: list(dict.fromkeys(seeds)) for specification, seeds in requests.items()}
    found = {(specification, seed): store.read_network(specification, seed)
             for specification, seeds in wanted.items() for seed in seeds}
    tasks = _tasks(key for key, network in found.items() if network is None)
    if tasks:
        _train_all(tasks, executor)
        for specification, seed in [key for key, network in found.items() if network is None]:
            found[specification, seed] = store.read_network(specification, seed)
    return {specification: _population(specification, [found[specification, seed] for seed in seeds])
            for specification, seeds in wanted.items()}


def population_grid(images: ImageData, families: Iterable[str], widths: Iterable[int], seeds: Mapping[str, int],
                    **recipe) -> dict[tuple[str, int], Population]:
    """Every family at every width on the same images: (family, width) -> population of seeds 0 to seeds[family] - 1."""
    requests = {(family, width): specify(images, family, width, **recipe) for family in families for width in widths}
    found = train_or_load({specification: range(seeds[family]) for (family, _), specification in requests.items()})
    return {key: found[specification] for key, specification in requests.items()}


def _population(specification: Specification, networks: list[TrainedNetwork]) -> Population:
    for network in networks:
        if not network.finite:
            warnings.warn(f"{specification.name}, seed {network.seed}: the loss was not finite; "
                          "the network is left out", stacklevel=3)
    return Population(specification, tuple(network for network in networks if network.finite))


def _tasks(missing: Iterable[tuple[Specification, int]]) -> list[tuple[Specification, tuple[int, ...]]]:
    """Whole stacks that hold the missing networks, the longest first so that no core is left with a long one."""
    stacks = set()
    for specification, seed in missing:
        size = networks_together(specification, DEVICE)
        first = seed - seed % size
        stacks.add((specification, tuple(range(first, first + size))))
    return sorted(stacks, key=lambda task: (-_work(*task), task[0].key, task[1]))


@lru_cache
def _multiplications(specification: Specification) -> int:
    """Multiply-adds of one image through one network: the unit of work behind the time left."""
    counts = []
    model = specification.build().eval()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(lambda module, _, output: counts.append(
                module.weight[0].numel() * output[0].numel()))
    with torch.no_grad():
        model(torch.zeros(1, specification.in_channels, specification.image_size, specification.image_size))
    return sum(counts)


def _work(specification: Specification, seeds: tuple[int, ...]) -> float:
    return len(seeds) * specification.n_train * specification.epochs * _multiplications(specification) / 1e9


def _train_all(tasks, executor: Executor | None) -> None:
    own = executor is None
    executor = executor or local_executor(len(tasks))
    networks = sum(len(seeds) for _, seeds in tasks)
    failures = []
    try:
        futures = {executor.submit(_train_task, *task): task for task in tasks}
        with progress(sum(_work(*task) for task in tasks), f"training {networks} networks") as bar:
            for future in as_completed(futures):
                specification, seeds = futures.pop(future)  # a finished future holds its networks
                try:
                    for network in pickle.loads(future.result()):
                        # A stored network stays as it is: another machine may round its company otherwise.
                        if store.read_network(specification, network.seed) is None:
                            store.write_network(specification, network)
                except Exception as error:  # noqa: BLE001 - one network's failure must not stop the others
                    failures.append((f"{specification.name}, seeds {seeds[0]} to {seeds[-1]}: {error}", error))
                bar.update(_work(specification, seeds))
    finally:
        if own:
            executor.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise RuntimeError(f"{len(failures)} of {len(tasks)} trainings failed and the others are stored; "
                           f"the first: {failures[0][0]}") from failures[0][1]


def local_executor(tasks: int) -> Executor:
    """A process a core for the CPU, one process for the GPU; they end when this process does, however it ends."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = 1 if DEVICE == "cuda" else min(cores, tasks)
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    def leave_with_parent():
        try:
            multiprocessing.parent_process().join()
        finally:  # nobody would end an orphan that stopped watching
            os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


_load = lru_cache(maxsize=1)(data.load)


def _train_task(specification: Specification, seeds: tuple[int, ...]) -> bytes:
    """The trained networks, pickled: tensors by themselves would travel in shared memory, a file for each."""
    images = _load(specification.dataset, n_train=specification.n_train, n_test=specification.n_test,
                   seed=specification.data_seed)
    if images.digest != specification.data_digest:
        raise RuntimeError(f"the images of {specification.dataset!r} are not those that were specified")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more threads add in another order, and processes use the cores better
    try:
        return pickle.dumps(train(specification, seeds, images, DEVICE))
    finally:
        torch.set_num_threads(threads)
