"""What tests of released networks share: populations in files of an empty repository, and what is loaded of them."""

import pytest
import torch
from torch.nn import functional as F

from lib.training import packing, populations, releases, train
from lib.training.specification import specify


@pytest.fixture(scope="session")
def packed(tiny, tiny_networks):
    """The content of the file of the four tiny networks."""
    return packing.pack(tiny, tiny_networks)


@pytest.fixture
def release_folder(artifacts, monkeypatch):
    """An empty networks/ of a repository, beside an empty store."""
    monkeypatch.setattr(releases, "FOLDER", artifacts / "repository" / "networks")
    return releases.FOLDER


@pytest.fixture
def released_file(tiny, packed, release_folder):
    """The one file of the one study 'few', committed."""
    return releases.write("few", tiny, packed, committed=True)


@pytest.fixture
def two_released(tiny, digits, released_file):
    """Two committed populations: their specifications and files."""
    other = specify(digits, "cnn-small", 3, epochs=2, batch_size=25)
    content = packing.pack(other, train(other, [0], digits))
    return tiny, other, released_file, releases.write("few", other, content, committed=True)


@pytest.fixture
def untrainable(monkeypatch):
    monkeypatch.setattr(populations, "train_all", lambda *_: pytest.fail("something is trained"))


def loaded(specification, seeds=range(4)):
    return populations.train_or_load({specification: seeds})[specification].networks


@torch.no_grad()
def plainly_evaluated(specification, network, images):
    """Loss and accuracy of one network on the test images, in double precision."""
    model = specification.build().double().eval()
    model.load_state_dict(network.state)
    scores = model(images.test_images.double())
    hits = scores.argmax(1) == images.test_labels
    return F.cross_entropy(scores, images.test_labels).item(), hits.double().mean().item()


def is_statistic(name):
    return name.endswith(("running_mean", "running_var"))
