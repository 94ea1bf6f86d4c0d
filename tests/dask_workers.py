"""A real scheduler and its workers on this machine, for tests.  Workers preload this file: they tell of epochs, and kill."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUIET = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--host", "127.0.0.1")
STARTING = 300  # seconds, ample


@contextmanager
def started(folder: Path, workers: int) -> Iterator[str]:
    """The address of a scheduler whose workers store in folder/store; all end with the context."""
    from distributed import Client

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    own = {"GREATMINDS_ARTIFACTS": str(folder / "store"), "PLANTED": str(folder), "OMP_NUM_THREADS": "1"}
    found = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    worker = ("worker", address, "--nthreads", "1", "--preload", __file__, "--local-directory", str(folder))
    with ExitStack() as stack:
        for number, (kind, *options) in enumerate([("scheduler", "--port", port), *[worker] * workers]):
            command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options, *QUIET]
            log = stack.enter_context((folder / f"{number}.log").open("w"))
            process = subprocess.Popen(command, env=os.environ | found | own, cwd=ROOT, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        with Client(address, timeout=STARTING, set_as_default=False) as client:
            client.wait_for_workers(workers, STARTING)
        yield address


def epochs(folder: Path) -> Counter:
    """(specification's key, first seed, epochs) -> how often the workers trained that epoch of a stack."""
    log = folder / "epochs"
    return Counter(tuple(json.loads(line)) for line in log.read_text().splitlines()) if log.exists() else Counter()


def kill_after(folder: Path, epoch: int, process: int = 0, number: int = signal.SIGKILL) -> None:
    """The worker that first stores a stack after this epoch ends itself, or another process."""
    (folder / f"kill-{epoch}").write_text(f"{process} {int(number)}")


def dask_setup(worker) -> None:
    """Called by Dask in each worker that preloads this file."""
    from lib.training import store, workers

    workers.SPARE = 0  # every epoch is stored, and told of
    folder, forget = Path(os.environ["PLANTED"]), store.forget_passed

    def told(specification, seeds, epoch):
        forget(specification, seeds, epoch)
        with (folder / "epochs").open("a") as log:
            log.write(json.dumps([specification.key, seeds[0], epoch]) + "\n")
        try:
            process, number = map(int, (folder / f"kill-{epoch}").read_text().split())
            (folder / f"kill-{epoch}").unlink()
        except FileNotFoundError:
            return  # nobody is to be killed, or another worker was first
        os.kill(process or os.getpid(), number)

    workers.store.forget_passed = told
