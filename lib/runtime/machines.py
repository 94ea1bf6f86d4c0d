"""Tasks on other machines: those of a Dask scheduler, or jobs of a Slurm cluster.

GREATMINDS_SCHEDULER names them, in one of `FORMS`; without it everything stays on this machine and Dask is not needed.
Workers have one thread each, because more would add in another order, and compute with the code of this process.
"""

import ast
import importlib
import os
import re
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import torch

from lib.code.closure import digest
from lib.runtime import slurm
from lib.runtime.files import ROOT

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

VARIABLE = "GREATMINDS_SCHEDULER"
FORMS = "tcp://HOST:PORT or tls://HOST:PORT of a Dask scheduler, or slurm:N or slurm-gpu:N for at most N jobs"
SECONDS = 5  # for a scheduler to answer, and for workers to end
FIRST = 30  # seconds until a first worker is there: those that were ended come back, after their imports
LOOKING = threading.Lock()  # two threads that parse code at once disturb each other in Python 3.11
LABEL = "GPU"  # the resource of workers that have one: dask worker ... --resources GPU=1


def address() -> str | None:
    """Where tasks go, from GREATMINDS_SCHEDULER; None: they stay here.

    Raises:
        ValueError: it is no address.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given and not re.fullmatch(r"(tcp|tls)://\S+:\d+|slurm(-gpu)?:[1-9]\d*", given):
        raise ValueError(f"{VARIABLE} must be {FORMS}, not {given!r}")
    return given or None


def check() -> None:
    """Raises what `connected` does, where an address is given, within seconds."""
    if given := address():
        with connected(given, [__name__]):
            pass


@lru_cache
def have_gpus(address: str) -> bool:
    """Whether some workers carry the label GPU=1: then all tasks go to these."""
    if slurm.is_meant(address):
        return slurm.with_gpus(address)
    with _client(address) as client:
        return any(LABEL in known["resources"] for known in _workers(client).values())


@contextmanager
def connected(address: str, modules: Collection[str]) -> Iterator[Executor]:
    """An executor whose tasks run on the workers; an error that leaves the context ends them in seconds.

    Where this process is killed, what it handed out is finished all the same, and a later process that hands out the
    same tasks waits for those.

    modules: what computes; it must be the same code there as here.

    Raises:
        ValueError: nobody answers there, or no worker, or one that computes otherwise than this process.
    """
    modules = tuple(sorted(modules))
    with _client(address) as client:
        places = slurm.jobs(address) if slurm.is_meant(address) else _check_workers(client, modules)
        executor = Workers(client, {LABEL: 1} if have_gpus(address) else None, modules, places)
        try:
            yield executor
        except BaseException:
            executor.stop()
            raise


class Workers(Executor):
    """Hands tasks to the workers of a Dask client, which compute the same function of the same arguments once."""

    def __init__(self, client: "Client", resources: dict | None, modules: tuple[str, ...], places: int):
        self.client, self.resources, self.modules, self.places = client, resources, modules, places
        self.handed: list[DaskFuture] = []
        self.ended = 0

    def submit(self, function: Callable, /, *arguments: Any, **named: Any) -> Future:
        """The future of a function's result on some worker."""
        from distributed import fire_and_forget

        remote = self.client.submit(
            _checked,
            self.modules,
            _code(self.modules),
            partial(function, **named),
            *arguments,
            resources=self.resources,
        )
        fire_and_forget(remote)  # it ends by `stop`, not with this process
        local = _Handed(self, len(self.handed))
        self.handed.append(remote)
        remote.add_done_callback(local.take)
        return local

    def stop(self) -> None:
        """End what was handed out: processes are killed, whose nannies start new ones."""
        left = {remote.key: remote for remote in self.handed if not remote.done()}
        with suppress(OSError, TimeoutError):  # with a scheduler that is gone there is nothing to end
            busy = [worker for worker, keys in self.client.processing().items() if left.keys() & set(keys)]
            self.client.cancel(list(left.values()), force=True)
            if busy:
                self.client.restart_workers(busy, timeout=SECONDS, raise_for_error=False)


class _Handed(Future):
    """A task at the workers; they begin tasks in the order in which these were handed out."""

    def __init__(self, workers: Workers, number: int):
        super().__init__()
        self.workers, self.number = workers, number

    def running(self) -> bool:
        return not self.done() and self.number < self.workers.ended + self.workers.places

    def take(self, remote: "DaskFuture") -> None:
        """The outcome of Dask's future as one's own."""
        from distributed import KilledWorker

        self.workers.ended += 1
        if remote.status == "finished":
            return self.set_result(remote.result())
        error = remote.exception() if remote.status == "error" else None
        if isinstance(error, KilledWorker):
            error = RuntimeError("its workers were killed one after another; it may need more memory than they have")
        lost = "the scheduler is gone, or was told to give it up; the same command goes on from there"
        self.set_exception(error or ConnectionError(lost))


@contextmanager
def _client(address: str) -> Iterator["Client"]:
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise ValueError(f"{VARIABLE} needs Dask: pip install 'great-minds[machines]'") from None
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})  # arrays travel with their task
    target = slurm.cluster(address) if slurm.is_meant(address) else address
    try:
        client = Client(target, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError):  # also a host or port that there cannot be
        told = f"{VARIABLE}: no Dask scheduler answers at {address}; start one with: dask scheduler"
        raise ValueError(told) from None
    with client:
        yield client


def _workers(client: "Client") -> dict[str, dict]:
    """address -> what the scheduler knows of the worker; the first is waited for."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, FIRST)
    return client.scheduler_info(n_workers=-1)["workers"]


def _check_workers(client: "Client", modules: tuple[str, ...]) -> int:
    """How many workers there are, each as `connected` needs it."""
    workers = _workers(client)
    place = client.scheduler_info()["address"]
    begin = f"dask worker {place} --nthreads 1"
    if not workers:
        raise ValueError(f"{VARIABLE}: the scheduler at {place} has no workers; start some with: {begin}")
    for worker, known in workers.items():
        if known["nthreads"] != 1:
            raise ValueError(f"{VARIABLE}: worker {worker} has {known['nthreads']} threads; start it with: {begin}")
    for worker, code in client.run(_code, modules, on_error="return").items():
        if isinstance(code, OSError):
            continue  # it was killed just now; the others take its tasks
        if isinstance(code, BaseException):
            told = (
                f"worker {worker} cannot load lib/ ({code}); start it with this Python, in the folder {ROOT}: {begin}"
            )
            raise ValueError(f"{VARIABLE}: {told}")
        _compare(_code(modules), code, worker)
    return len(workers)


def _code(modules: tuple[str, ...]) -> dict[str, str]:
    """What this process computes with, looked at once: later changes of the files do not reach it."""
    with LOOKING:
        return _looked_at(modules)


@lru_cache
def _looked_at(modules: tuple[str, ...]) -> dict[str, str]:
    ours = [name for name in modules if name.startswith("lib.")]
    for name in ours:
        importlib.import_module(name)
    return {"lib/": digest([ast.parse(f"import {name}") for name in ours], ROOT)[:12], "torch": torch.__version__}


def _compare(here: dict[str, str], there: dict[str, str], worker: str) -> None:
    for what in here:
        if here[what] != there[what]:
            told = f"worker {worker} computes with another {what} ({there[what]}) than this process ({here[what]})"
            raise ValueError(f"{VARIABLE}: {told}; start it again from this checkout")


def _checked(modules: tuple[str, ...], code: dict[str, str], function: Callable, *arguments: object) -> object:
    """A task at a worker, which may have come after all were looked at."""
    from distributed import get_worker

    _compare(code, _code(modules), get_worker().address)
    return function(*arguments)
