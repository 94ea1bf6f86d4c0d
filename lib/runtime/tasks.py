"""Long work: tasks shared out over the cores, and one look for every progress bar."""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from lib.runtime import machines
from lib.runtime.devices import cores, find_device
from lib.runtime.files import keep_sockets_together

Key = TypeVar("Key", bound=Hashable)
FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"
OPTIMISERS = "torch._dynamo"  # every process that makes a first step of an optimiser imports it, for more than a second
TICK = 5  # seconds between two looks of the progress bar


def progress(total: float, description: str, delay: float = 0, over: Iterable | None = None) -> tqdm:
    """A bar on standard error, `with progress(...) as bar: bar.update(done)`; it goes away when the work is done.

    over: what to go through one by one, `for one in progress(...)`.
    delay: seconds before it shows, so that short work goes without one.
    """
    style = {"bar_format": FORMAT, "mininterval": 1, "ncols": 100, "leave": False, "file": sys.stderr}
    return tqdm(over, total=total, desc=description, delay=delay, **style)


def run_tasks(
    tasks: Mapping[Key, tuple],
    finish: Callable[[Key, Future], None],
    description: str,
    executor: Executor | None = None,
    work: Callable[[Key], float] = lambda key: 1,
) -> None:
    """Run tasks side by side, with a progress bar; whoever stops this waits for none of them.

    A local process that is killed takes the task that it had along, and no other; that task is tried again in a new
    process, and fails with a RuntimeError where it dies there too.

    Args:
        tasks: key -> function and its arguments, in the order in which they are to be begun.
        finish: is called with the key and the finished future of each task as it ends; what it raises ends all.
        executor: any concurrent.futures executor; by default the workers of GREATMINDS_SCHEDULER (`lib.runtime.machines`),
            else one local process a core, or one for the GPU.
        work: what is left of a task, in any unit; it is asked again while the task runs.

    Raises:
        ValueError: GREATMINDS_SCHEDULER names no workers that can be used, before any task begins.
    """
    others, modules = set(multiprocessing.active_children()), sorted({task[0].__module__ for task in tasks.values()})
    if executor is None and tasks and (address := machines.address()):
        with machines.connected(address, modules) as executor:
            return run_tasks(tasks, finish, description, executor, work)
    # A pool of its own for each process: when one breaks, it is known by which task.
    lanes = [executor] * len(tasks) if executor else [local_executor(1, modules) for _ in range(_processes(len(tasks)))]
    try:
        _follow(tasks, lanes, finish, description, work, None if executor else lambda: local_executor(1, modules))
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others if executor is None else ():
            worker.terminate()
        raise
    finally:
        for lane in lanes if executor is None else ():
            lane.shutdown(wait=False, cancel_futures=True)


def _follow(
    tasks: Mapping[Key, tuple],
    lanes: list[Executor],
    finish: Callable,
    description: str,
    work: Callable,
    renewed: Callable[[], Executor] | None,
) -> None:
    """Tasks through the lanes, one at a time in each; `renewed` makes a lane in the place of one that broke."""
    left, waiting, broken = {key: work(key) for key in tasks}, deque(tasks), set()
    idle = deque(range(len(lanes)))
    running: dict[Future, tuple[Key, int]] = {}
    total = sum(left.values())
    with progress(total, description) as bar:
        while waiting or running:
            while waiting and idle:
                key, lane = waiting.popleft(), idle.popleft()
                running[lanes[lane].submit(*tasks[key])] = key, lane
            for future in wait(running, TICK, FIRST_COMPLETED).done:
                key, lane = running.pop(future)  # a finished future holds its result
                idle.append(lane)
                if renewed and isinstance(future.exception(), BrokenProcessPool):
                    lanes[lane] = renewed()
                    if key not in broken:
                        broken.add(key)
                        waiting.appendleft(key)
                        continue
                    future = _killed_twice()
                finish(key, future)
                del left[key]
            left |= {key: work(key) for future, (key, _) in running.items() if future.running()}
            bar.n = total - sum(left.values())
            bar.refresh()


def _killed_twice() -> Future:
    future: Future = Future()
    future.set_exception(
        RuntimeError("its process was killed, and so was a second one; it may need more memory than this machine has")
    )
    return future


def _processes(tasks: int) -> int:
    return 1 if find_device("auto") == "cuda" else min(cores(), tasks)


def local_executor(tasks: int, modules: Collection[str] = ()) -> Executor:
    """A process a core for the CPU, one process for the GPU; they end when this process does, however it ends.

    Processes are copies of one that has imported torch and `modules`, which takes seconds, where the system can; a
    driver of a GPU would not survive the copy.
    """
    copied = find_device("auto") == "cpu" and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if copied else "spawn")
    keep_sockets_together()
    if copied:
        context.set_forkserver_preload([__name__, OPTIMISERS, *modules])
    return ProcessPoolExecutor(
        _processes(tasks), mp_context=context, initializer=_start_worker, initargs=(_Environment(),)
    )


class _Environment(dict[str, str]):
    """Reaches a worker as the environment variables of this process at the moment when the worker starts."""

    def __reduce__(self):
        return dict, (dict(os.environ),)


def _start_worker(environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the process that was copied has those of the first worker

    def leave_with_parent():
        try:
            if parent := multiprocessing.parent_process():
                parent.join()
        finally:  # nobody would end an orphan that stopped watching
            os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()
