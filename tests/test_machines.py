"""Tasks on the workers of a real scheduler: the same bytes as here, whoever is killed, and nothing trained twice."""

import dataclasses
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from skips import has_dask
from stored_files import contents

from lib import parameters, salience
from lib.runtime import machines
from lib.runtime.files import ROOT
from lib.runtime.tasks import run_tasks
from lib.salience import direction_store
from lib.training import workers
from lib.training.populations import train_or_load

pytestmark = pytest.mark.skipif(not has_dask(), reason="needs Dask")
if has_dask():
    import dask_workers
    from distributed import Scheduler, SpecCluster, Worker, get_worker

EPOCHS = 5
# Says which process it is, then asks the workers for two stacks; `long`: for an hour.
CLIENT = """
import dataclasses, os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
import dask_workers
from lib import data
from lib.training.populations import train_or_load
from lib.training.specification import specify

signal.signal(signal.SIGINT, signal.default_int_handler)
digits = data.load("digits", n_train=60, n_test=20)
one = specify(digits, "cnn-small", 2, epochs=int(sys.argv[2]), batch_size=25)
dask_workers.kill_after(Path(sys.argv[1]), 2, os.getpid(), int(sys.argv[3]))
train_or_load({one: range(8)})
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler with two workers: its address, and the folder beneath which they store and tell."""
    folder = tmp_path_factory.mktemp("cluster")
    with dask_workers.started(folder, 2) as address:
        yield SimpleNamespace(address=address, folder=folder)


@pytest.fixture
def there(cluster, monkeypatch):
    """Tasks of this process go to the cluster, and files are in its store."""
    monkeypatch.setenv(machines.VARIABLE, cluster.address)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(cluster.folder / "store"))
    shutil.rmtree(cluster.folder / "store", ignore_errors=True)
    (cluster.folder / "store").mkdir()
    (cluster.folder / "epochs").unlink(missing_ok=True)
    return cluster


@pytest.fixture(scope="module")
def whole(tiny, digits, tmp_path_factory):
    """What one process stores here without a break: the bytes of networks by name, and their directions."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREATMINDS_ARTIFACTS", str(folder))
        one = dataclasses.replace(tiny, epochs=EPOCHS)
        population = train_or_load({one: range(8)})[one]
        directions = salience.population_directions({0: population}, digits)[0]
    return SimpleNamespace(networks=contents(folder / "networks"), directions=directions)


def five_epochs(tiny):
    return dataclasses.replace(tiny, epochs=EPOCHS)


def each_once(tiny, epochs=EPOCHS):
    return {(tiny.key, first, epoch): 1 for first in (0, 4) for epoch in range(1, epochs + 1)}


@pytest.mark.parametrize("shared", [True, False])
def test_workers_make_the_bytes_of_this_machine_whether_they_share_its_store_or_not(
    tiny, digits, there, whole, tmp_path, monkeypatch, shared
):
    if not shared:
        monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path))
    one = five_epochs(tiny)
    population = train_or_load({one: range(8)})[one]
    monkeypatch.setattr(direction_store, "_computed", None)  # nothing is computed here
    assert (salience.population_directions({0: population}, digits)[0] == whole.directions).all()
    found = contents((there.folder / "store" if shared else tmp_path) / "networks")
    assert found.items() <= whole.networks.items() and len(found) == (len(whole.networks) if shared else 8)


def test_a_killed_worker_costs_the_epoch_under_way_and_its_stack_goes_on_elsewhere(tiny, there, whole):
    dask_workers.kill_after(there.folder, 2)
    train_or_load({five_epochs(tiny): range(8)})
    assert contents(there.folder / "store") == whole.networks
    assert dask_workers.epochs(there.folder) == each_once(tiny)


def client(cluster, epochs, number):
    command = [sys.executable, "-c", CLIENT, str(cluster.folder), str(epochs), str(int(number))]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_killed_client_that_is_started_again_gets_the_same_networks_and_none_is_trained_twice(tiny, there, whole):
    assert client(there, EPOCHS, signal.SIGKILL).returncode == -signal.SIGKILL
    train_or_load({five_epochs(tiny): range(8)})
    assert contents(there.folder / "store") == whole.networks
    assert dask_workers.epochs(there.folder) == each_once(tiny)


def test_an_interrupt_ends_what_workers_do_and_leaves_whole_files(tiny, there, whole):
    result = client(there, 10**6, signal.SIGINT)
    assert "KeyboardInterrupt" in result.stderr and result.returncode != 0
    under_way = dask_workers.epochs(there.folder)
    train_or_load({five_epochs(tiny): range(8)})
    assert contents(there.folder / "store").items() >= whole.networks.items()
    assert not list(there.folder.rglob("*.damaged"))
    assert under_way <= dask_workers.epochs(there.folder)


@pytest.mark.parametrize(
    "what, name, planted",
    [("lib/", "digest", lambda *_: "0" * 64), ("torch", "torch", SimpleNamespace(__version__="0"))],
)
def test_workers_that_compute_otherwise_are_refused(tiny, there, monkeypatch, what, name, planted):
    machines._looked_at.cache_clear()
    monkeypatch.setattr(machines, name, planted)
    with pytest.raises(ValueError, match=f"computes with another {what} .* than this process \\(0+\\); start it again"):
        train_or_load({tiny: range(4)})
    assert not dask_workers.epochs(there.folder)


@pytest.fixture(autouse=True)
def forgetful():
    """What a process looks at once is looked at anew by each test."""
    yield
    machines._looked_at.cache_clear()
    machines.have_gpus.cache_clear()


@contextmanager
def here(monkeypatch, *workers):
    """A scheduler within this process and a worker for each table of options: its address is in the environment."""
    options = [{"dashboard": False, "host": "127.0.0.1", "nthreads": 1, **worker} for worker in workers]
    scheduler = {"cls": Scheduler, "options": {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "port": 0}}
    with SpecCluster({i: {"cls": Worker, "options": one} for i, one in enumerate(options)}, scheduler) as cluster:
        monkeypatch.setenv(machines.VARIABLE, cluster.scheduler_address)
        yield


def name_of_worker(number):
    return get_worker().name


def test_where_workers_have_gpus_all_tasks_go_to_these(monkeypatch):
    with here(monkeypatch, {}, {"resources": {"GPU": 1}}, {}):
        found = {}
        run_tasks(
            {i: (name_of_worker, i) for i in range(6)}, lambda i, done: found.update({i: done.result()}), "asking"
        )
        assert found == dict.fromkeys(range(6), 1) and workers.device() == "cuda"


def test_workers_without_gpus_train_on_the_processor(monkeypatch):
    with here(monkeypatch, {}):
        assert workers.device() == "cpu"


@pytest.mark.parametrize(
    "planted, said",
    [([{"nthreads": 2}], "has 2 threads; start it with: dask worker .* --nthreads 1"), ([], "has no workers")],
)
def test_a_scheduler_without_workers_to_be_used_is_refused(monkeypatch, planted, said):
    monkeypatch.setattr(machines, "FIRST", 0.1)
    with here(monkeypatch, *planted), pytest.raises(ValueError, match=said):
        machines.check()


@pytest.mark.parametrize(
    "address, said",
    [
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9"),
        ("tcp://nobody.invalid:8786", "no Dask scheduler answers"),
        ("tcp://127.0.0.1:99999", "no Dask scheduler answers"),
        ("127.0.0.1:8786", "must be tcp://HOST:PORT .*, not '127.0.0.1:8786'"),
        ("slurm", "must be"),
        ("slurm:0", "must be"),
        ("slurm:4", "needs Slurm, and this machine has no sbatch"),
    ],
)
def test_a_wrong_address_is_a_sentence_before_any_work(tiny, artifacts, monkeypatch, address, said):
    monkeypatch.setattr(machines, "SECONDS", 0.1)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setenv(machines.VARIABLE, "")  # a parameter sets it
    with pytest.raises(ValueError, match=said):
        parameters.read({"scheduler": address, "epochs": 3}, ["epochs"])
    monkeypatch.setenv(machines.VARIABLE, address)
    with pytest.raises(ValueError, match=said):
        train_or_load({tiny: [0]})
    assert not contents(artifacts)
