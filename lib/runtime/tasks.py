"""Long work: tasks shared out over the cores, and one look for every progress bar."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait

from tqdm import tqdm

from lib.runtime.devices import cores, find_device

FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"
TICK = 5  # seconds between two looks of the progress bar


def progress(total: float, description: str, delay: float = 0) -> tqdm:
    """A bar on standard error, `with progress(...) as bar: bar.update(done)`; it goes away when the work is done.

    delay: seconds before it shows, so that short work goes without one.
    """
    style = {"bar_format": FORMAT, "mininterval": 1, "ncols": 100, "leave": False, "file": sys.stderr}
    return tqdm(total=total, desc=description, delay=delay, **style)


def run_tasks(
    tasks: Mapping[Hashable, tuple],
    finish: Callable[[Hashable, Future], None],
    description: str,
    executor: Executor | None = None,
    work: Callable[[Hashable], float] = lambda key: 1,
) -> None:
    """Run tasks side by side, with a progress bar; whoever stops this waits for none of them.

    Args:
        tasks: key -> function and its arguments, in the order in which they are to be begun.
        finish: is called with the key and the finished future of each task as it ends; what it raises ends all.
        executor: any concurrent.futures executor; by default one local process a core, or one for the GPU.
        work: what is left of a task, in any unit; it is asked again while the task runs.
    """
    others, own = set(multiprocessing.active_children()), executor is None
    executor = executor or local_executor(len(tasks), sorted({function.__module__ for function, *_ in tasks.values()}))
    try:
        futures = {executor.submit(*task): key for key, task in tasks.items()}
        _follow(futures, finish, description, work)
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others if own else ():
            worker.terminate()
        raise
    finally:
        if own:
            executor.shutdown(wait=False, cancel_futures=True)


def _follow(futures: dict[Future, Hashable], finish: Callable, description: str, work: Callable) -> None:
    left = {key: work(key) for key in futures.values()}
    total = sum(left.values())
    with progress(total, description) as bar:
        while futures:
            done, _ = wait(futures, TICK, FIRST_COMPLETED)
            for future in done:
                key = futures.pop(future)  # a finished future holds its result
                finish(key, future)
                del left[key]
            left |= {key: work(key) for future, key in futures.items() if future.running()}
            bar.n = total - sum(left.values())
            bar.refresh()


def local_executor(tasks: int, modules: Collection[str] = ()) -> Executor:
    """A process a core for the CPU, one process for the GPU; they end when this process does, however it ends.

    Processes are copies of one that has imported torch and `modules`, which takes seconds, where the system can; a
    driver of a GPU would not survive the copy.
    """
    device = find_device("auto")
    workers = 1 if device == "cuda" else min(cores(), tasks)
    copied = device == "cpu" and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if copied else "spawn")
    if copied:
        context.set_forkserver_preload([__name__, *modules])
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
