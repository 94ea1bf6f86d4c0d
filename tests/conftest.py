"""What several test modules share: a small set of digits, a store of one's own, an executor without processes."""

import os
import sys
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook(
    ["lib.salience", "lib.similarity", "lib.cka", "lib.stitching"], "shapes.after"
)  # before any import of lib

from planted_project import project  # noqa: F401
from released_files import packed, release_folder, released_file, two_released, untrainable  # noqa: F401
from scheduling import pytest_xdist_make_scheduler  # noqa: F401
from skips import browser, pytest_sessionfinish, pytest_terminal_summary  # noqa: F401
from threadpoolctl import threadpool_limits

from lib import data
from lib.runtime import array_store
from lib.training import specification, train

os.environ["MPLBACKEND"] = "Agg"  # read when pyplot is first imported
torch.set_num_threads(1)  # as in the worker processes: more threads would add in another order
threadpool_limits(1)  # numpy too: simulations of many small products only wait for each other's threads


class InlineExecutor(Executor):
    """Runs every task at once in this process, so that monkeypatched functions are seen."""

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(autouse=True)
def closed_figures():
    """No test finds the figures of another."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def inline():
    return InlineExecutor()


@pytest.fixture
def two_threads():
    """PyTorch has two threads in a test, and still has them afterwards."""
    torch.set_num_threads(2)
    yield
    left = torch.get_num_threads()
    torch.set_num_threads(1)
    assert left == 2


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    """An empty folder of trained networks for one test."""
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def unstored(artifacts, monkeypatch):
    """Statistics are computed every time."""
    monkeypatch.setattr(array_store, "write", lambda *_: None)


@pytest.fixture(scope="module")
def chromium():
    """A browser of a module's own: Playwright keeps a loop of events running, which others would trip over."""
    if browser() is None:
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        started = playwright.chromium.launch(executable_path=browser(), args=quiet)
        yield started
        started.close()


@pytest.fixture(scope="session")
def digits():
    """60 training and 20 test images: enough to train on, too few to learn from."""
    return data.load("digits", n_train=60, n_test=20)


@pytest.fixture(scope="session")
def four_classes(digits):
    """The digits with the 4 classes that small networks know."""
    return replace(digits, train_labels=digits.train_labels % 4, test_labels=digits.test_labels % 4)


@pytest.fixture(scope="session")
def tiny(digits):
    """Four of these train in some hundredths of a second; the last batch of 10 is a partial one."""
    return specification.specify(digits, "cnn-small", 2, epochs=2, batch_size=25)


@pytest.fixture(scope="session")
def tiny_networks(tiny, digits):
    """Four of them, of seeds 0 to 3, trained once for all who only read them."""
    return train(tiny, range(4), digits)


@pytest.fixture(scope="session")
def released():
    """Paths of the authors' released networks, by width."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "authors_checkpoints"
    found = {int(path.name.removeprefix("CNNSmall_K")): path for path in folder.glob("CNNSmall_K*")}
    if not found:
        pytest.skip("needs the authors' checkpoints beside the checkout")
    return found


@pytest.fixture(scope="session")
def shared_data():
    """The folder of the archives of real pictures."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "cifar10.zip").exists():
        pytest.skip("needs the archives of pictures beside the checkout")
    return folder
