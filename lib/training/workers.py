"""Training handed out to an executor: one task a stack of networks, stored after every epoch."""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from functools import lru_cache

import torch
from torch import nn

from lib.data import loading
from lib.runtime.progress import progress
from lib.training import arithmetic, store
from lib.training.specification import Specification
from lib.training.trainer import TrainedNetwork, train

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TICK = 5  # seconds between two looks of the progress bar

Task = tuple[Specification, tuple[int, ...]]  # the networks of these seeds, trained as one stack


@lru_cache
def multiplications(specification: Specification) -> int:
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


def work(task: Task) -> float:
    """The expected time of what is left of a task, in the time of one multiply-add."""
    specification, seeds = task
    # Narrow networks spend their time on overhead: on 8x8 images about as long an image as 150,000 multiply-adds.
    per_image = multiplications(specification) + 150_000
    reached = min(max(store.stored_epochs(specification, seed), default=0) for seed in seeds)
    # Where nothing is left to train, a task still evaluates what is there: about a tenth of an epoch.
    return len(seeds) * specification.n_train * max(specification.epochs - reached, 0.1) * per_image


def train_all(tasks: Sequence[Task], executor: Executor | None = None) -> None:
    """Train and store the networks of all tasks, with a progress bar.

    Args:
        tasks: in the order in which they are to be begun.
        executor: any concurrent.futures executor; by default one local process a core, or one for the GPU.

    Raises:
        RuntimeError: some tasks failed; all others are trained and stored first.
    """
    others, own = set(multiprocessing.active_children()), executor is None
    executor = executor or local_executor(len(tasks))
    networks = sum(len(seeds) for _, seeds in tasks)
    for specification, _ in tasks:  # measured once, for all workers of this machine
        arithmetic.used(specification.precision, DEVICE)
    try:
        futures = {executor.submit(_train_task, *task, DEVICE): task for task in tasks}
        failures = list(_failures(futures, f"training {networks} networks"))
    except BaseException:
        # Whoever stops this waits for no worker: their last whole epochs are stored.
        for worker in set(multiprocessing.active_children()) - others if own else ():
            worker.terminate()
        raise
    finally:
        if own:
            executor.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise RuntimeError(f"{len(failures)} of {len(tasks)} trainings failed and the others are stored; "
                           f"the first: {failures[0][0]}") from failures[0][1]


def _failures(futures: dict[Future, Task], description: str) -> Iterator[tuple[str, Exception]]:
    """Those that failed, in words; the others are stored as they end, and a bar shows how far all of them are."""
    left = {task: work(task) for task in futures.values()}
    total = sum(left.values())
    with progress(total, description) as bar:
        while futures:
            done, _ = wait(futures, TICK, FIRST_COMPLETED)
            for future in done:
                specification, seeds = task = futures.pop(future)  # a finished future holds its networks
                try:
                    _keep(specification, future.result())
                except Exception as error:  # one network's failure must not stop the others
                    yield f"{specification.name}, seeds {seeds[0]} to {seeds[-1]}: {error}", error
                del left[task]
            left |= {task: work(task) for future, task in futures.items() if future.running()}
            bar.n = total - sum(left.values())
            bar.refresh()


def _keep(specification: Specification, trained: bytes) -> None:
    for network in pickle.loads(trained):
        # A stored network stays as it is: another machine may round its company otherwise.
        if store.read_network(specification, network.seed) is None:
            store.write_network(specification, network)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def local_executor(tasks: int) -> Executor:
    """A process a core for the CPU, one process for the GPU; they end when this process does, however it ends.

    Processes are copies of one that has imported torch, which takes seconds, where the system can; a driver of a GPU
    would not survive the copy.
    """
    workers = 1 if DEVICE == "cuda" else min(cores(), tasks)
    copied = DEVICE == "cpu" and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if copied else "spawn")
    if copied:
        context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(_Environment(),))


class _Environment:
    """Reaches a worker as the environment variables of this process at the moment when the worker starts."""

    def __reduce__(self):
        return dict, (dict(os.environ),)


def _start_worker(environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the process that was copied has those of the first worker

    def leave_with_parent():
        try:
            multiprocessing.parent_process().join()
        finally:  # nobody would end an orphan that stopped watching
            os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


_load = lru_cache(maxsize=1)(loading.load)


def images_of(specification: Specification) -> loading.ImageData:
    """The images that a specification was made of.

    Raises:
        RuntimeError: what lies there now are others.
    """
    images = _load(specification.source, root=specification.data_root, n_train=specification.n_train,
                   n_test=specification.n_test, seed=specification.data_seed)
    if (images.train_digest, images.test_digest) != (specification.train_digest, specification.test_digest):
        raise RuntimeError(f"the images of {specification.source!r} are not those that were specified")
    return images


def _train_task(specification: Specification, seeds: tuple[int, ...], device: str) -> bytes:
    """The trained networks, pickled: tensors by themselves would travel in shared memory, a file for each.

    They go on from what is stored where the worker runs, and are stored there after every epoch.
    """
    images = images_of(specification)

    def keep(networks: Sequence[TrainedNetwork]) -> None:
        for network in networks:
            store.write_network(specification, network)
        store.forget_passed(specification, networks)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more threads add in another order, and processes use the cores better
    try:
        start = store.read_latest(specification, seeds)
        return pickle.dumps(train(specification, seeds, images, device, start=start, keep=keep))
    finally:
        torch.set_num_threads(threads)
