"""Training handed out: one task a stack of networks, stored after every epoch that takes its time."""

import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from lib.models.architectures import RESNET_BLOCKS, first_channels
from lib.runtime import machines
from lib.runtime.devices import cores, find_device, one_thread
from lib.runtime.files import FULL, artifacts
from lib.runtime.room import check_disk, keeps, warn_of_memory, writable
from lib.runtime.tasks import run_tasks
from lib.training import arithmetic, store
from lib.training.specification import Specification, images_of
from lib.training.trainer import TrainedNetwork, train

OFTEN = 2.0  # seconds between two tellings of how far a stack has come within its epoch
SPARE = 2.0  # seconds of whole epochs that a kill may cost: storing each takes a fifth of the time of short ones
Task = tuple[Specification, tuple[int, ...]]  # the networks of these seeds, trained as one stack


def device() -> str:
    """Where networks are trained: on a GPU, if this machine has one, or the workers that GREATMINDS_SCHEDULER names."""
    if address := machines.address():
        return "cuda" if machines.have_gpus(address) else "cpu"
    return find_device("auto")


def networks_together(specification: Specification, device: str = "cpu") -> int:
    """How many seeds are trained as one stack: on the CPU the fastest of 4, 2 and 1 (benchmarks/training.py).

    It depends on the specification and the kind of device alone, so that seed s always has the same company and
    the same rounding.
    """
    if specification.family_digest:
        return 1  # its layers may be of any kind
    if device == "cuda":
        return 20  # inferred: a GPU wants many small networks at once
    size = first_channels(specification.family, specification.width) * specification.image_size / 8
    # The small maps of a ResNet leave a core waiting: at 32 x 32, two of k = 8 train 1.30 times as fast as one by one,
    # two of k = 16 still 1.05 to 1.09 times.
    # (In float32 they would, too, but networks that were stored before would then be others.)
    pairs = 64 if specification.precision == "mixed" and specification.family in RESNET_BLOCKS else 16
    return 4 if size <= 8 else 2 if size <= pairs else 1


@lru_cache
def multiplications(specification: Specification) -> int:
    """Multiply-adds of one image through one network: the unit of work behind the time left."""
    counts = []
    model = specification.build().eval()

    def count(module: nn.Conv2d | nn.Linear, _, output: torch.Tensor) -> None:
        counts.append(module.weight[0].numel() * output[0].numel())

    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, specification.in_channels, specification.image_size, specification.image_size))
    return sum(counts)


def work(task: Task) -> float:
    """The expected time of what is left of a task, in the time of one multiply-add."""
    specification, seeds = task
    # Narrow networks spend their time on overhead: on 8x8 images about as long an image as 150,000 multiply-adds.
    per_image = multiplications(specification) + 150_000
    stored = min(max(store.stored_epochs(specification, seed), default=0) for seed in seeds)
    reached = passed(specification, seeds, stored)
    # Where nothing is left to train, a task still evaluates what is there: about a tenth of an epoch.
    return len(seeds) * specification.n_train * max(specification.epochs - reached, 0.1) * per_image


@contextmanager
def told(specification: Specification, seeds: Sequence[int]) -> Iterator[Callable[[float], None]]:
    """A function that tells after how many epochs the stack is, as often as bars look; afterwards nothing is told.

    It goes through a file beside the networks, as the epochs do, and decides nothing: without it bars move by whole epochs.
    """
    path, last = _passed_path(specification, seeds), time.monotonic()

    def tell(epochs: float) -> None:
        nonlocal last
        if time.monotonic() - last < OFTEN:
            return
        last = time.monotonic()
        with suppress(OSError):  # a bar is worth no training
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(repr(epochs))

    def forget() -> None:
        with suppress(OSError):
            path.unlink(missing_ok=True)

    forget()  # what a killed training told
    try:
        yield tell
    finally:
        forget()


def passed(specification: Specification, seeds: Sequence[int], stored: int) -> float:
    """The epochs that are behind a stack of which `stored` are on the disk: these, or up to one more."""
    try:
        return min(max(float(_passed_path(specification, seeds).read_text()), stored), stored + 1)
    except (OSError, ValueError):  # nothing is told, or not yet whole
        return stored


def _passed_path(specification: Specification, seeds: Sequence[int]) -> Path:
    return artifacts() / "networks" / specification.key / f"seeds-{seeds[0]:05d}-{seeds[-1]:05d}.passed"


def train_all(tasks: Sequence[Task], executor: Executor | None = None, asked: int | None = None) -> None:
    """Train and store the networks of all tasks, with a progress bar.

    Args:
        tasks: in the order in which they are to be begun.
        asked: how many of the networks are needed, where their stacks hold others too; the bar tells both numbers.
        executor: any concurrent.futures executor; by default as `lib.runtime.tasks.run_tasks` has it.

    Raises:
        RuntimeError: some tasks failed; all others are trained and stored first.
        OSError: there is no room to store the networks, before any work; or there is none left, at once.
    """
    if keeps():
        check_disk(sum(map(stored_bytes, tasks)))
    here = machines.address() is None
    if here and executor is None:
        warn_of_memory(*memory(tasks))
    failures: list[tuple[str, Exception]] = []

    def finish(task: Task, future: Future) -> None:
        try:
            _keep(task[0], future.result())
        except OSError as error:
            if error.errno in FULL:
                raise  # what is trained from now on would be lost
            failures.append((_named(task, error), error))
        except Exception as error:  # one network's failure must not stop the others
            failures.append((_named(task, error), error))

    where = device()
    for specification, _ in tasks if here else ():  # measured once, for all workers of this machine
        arithmetic.used(specification.precision, where)
    networks = sum(len(seeds) for _, seeds in tasks)
    beside = f" and {networks - asked} of their stacks" if asked and asked < networks else ""
    description = f"training {asked or networks} networks{beside}"
    run_tasks({task: (_train_task, *task, where) for task in tasks}, finish, description, executor, work)
    if failures:
        raise RuntimeError(
            f"{len(failures)} of {len(tasks)} trainings failed and the others are stored; the first: {failures[0][0]}"
        ) from failures[0][1]


def stored_bytes(task: Task) -> float:
    """About what the networks of a task take on the disk: weights after each snapshot, and what is under way."""
    specification, seeds = task
    with torch.device("meta"):
        weights = sum(value.numel() * value.element_size() for value in specification.build().state_dict().values())
    buffers = {"sgd": bool(specification.momentum), "adam": 2}[specification.optimiser]
    return len(seeds) * weights * (1 + buffers) * (len(specification.snapshots) + 1)


def memory(tasks: Sequence[Task]) -> tuple[float, str]:
    """About how many bytes the workers of this machine take for their images, and what that is in words."""
    workers = min(cores(), len(tasks))
    largest = max(
        (one.n_train + one.n_test) * one.in_channels * one.image_size**2 * torch.float32.itemsize for one, _ in tasks
    )
    return workers * 2 * largest, f"training with {workers} processes"  # as they are loaded and as they are trained on


def _named(task: Task, error: Exception) -> str:
    specification, seeds = task
    return f"{specification.name}, seeds {seeds[0]} to {seeds[-1]}: {error}"


def _keep(specification: Specification, trained: bytes) -> None:
    for network in pickle.loads(trained):
        # A stored network stays as it is: another machine may round its company otherwise.
        if store.read_network(specification, network.seed) is None:
            store.write_network(specification, network)


def _train_task(specification: Specification, seeds: tuple[int, ...], device: str) -> bytes:
    """The trained networks, pickled: tensors by themselves would travel in shared memory, a file for each.

    They go on from what is stored where the worker runs, and are stored there, where that can be, after every epoch
    that ends SPARE or later after the one before.
    """
    images = images_of(specification)

    def keep(networks: Sequence[TrainedNetwork]) -> None:
        for network in networks:
            store.write_network(specification, network)
        store.forget_passed(specification, seeds, networks[0].epochs)

    with one_thread(), told(specification, seeds) as advance:
        start = store.read_latest(specification, seeds)
        kept = keep if writable(artifacts()) else None
        networks = train(specification, seeds, images, device, start=start, keep=kept, spare=SPARE, advance=advance)
        return pickle.dumps(networks)
