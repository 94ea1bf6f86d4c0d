"""Data sets of pictures by name: normalised by the whole training set, and found again by worker processes."""

import dataclasses
import os
import zipfile

import numpy as np
import pytest
import torch
from made_pictures import both_splits, colour, digests, encoded, write_folder, write_zip

from lib import data
from lib.data import cifar
from lib.runtime.files import ROOT
from lib.training import train, workers
from lib.training.specification import loaded, specify
from lib.training.store import paths, read_network, write_network

DIGITS = {
    0: "9d1b24bb56d325d5491127f5169e6e8e8846e1357bfcc02c058b50d4dfafa941",
    5: "655db1568993b0576598306726f7e84ca51e7264a0cc8f5aa6f8753aa14546b8",
}


@pytest.fixture
def folder(tmp_path, artifacts):
    return write_folder(tmp_path / "My Pictures", both_splits({"train": 8, "test": 4}, size=8))


@pytest.fixture
def root(tmp_path, artifacts, monkeypatch):
    """A folder of data sets with a CIFAR-10 of 2 classes with 8 training and 4 test pictures each."""
    monkeypatch.delenv("GREATMINDS_DATA", raising=False)
    monkeypatch.setitem(cifar.SETS, "cifar10", dataclasses.replace(cifar.SETS["cifar10"], classes=2, train=8, test=4))
    write_zip(tmp_path / "cifar10.zip", both_splits({"train": 8, "test": 4}, size=8))
    return tmp_path


@pytest.mark.parametrize("seed", DIGITS)
def test_the_digits_stay_bit_for_bit_what_stored_networks_were_trained_on(seed):
    images = data.load("digits", seed=seed)
    found = data.sha256_of(images.train_images, images.train_labels, images.test_images, images.test_labels)
    assert found == DIGITS[seed]


def test_pixels_are_normalised_channel_by_channel(folder):
    images = data.load(f"imagefolder:{folder}")
    pixels = np.stack([colour(seed, 8) for seed in range(24)]) / 255
    mean, std = pixels[:16].mean((0, 2, 3)), pixels[:16].std((0, 2, 3))
    np.testing.assert_allclose(images.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(images.std, std, rtol=1e-12)
    expected = (pixels - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(images.train_images, expected[:16], atol=1e-6)
    np.testing.assert_allclose(images.test_images, expected[16:], atol=1e-6)
    assert images.train_images.dtype == torch.float32 and images.train_labels.dtype == torch.int64
    assert images.train_labels.tolist() == [0] * 8 + [1] * 8 and images.classes == ("ant", "bee")


def test_a_second_load_and_a_set_named_as_a_whole_are_the_same(folder):
    name = f"imagefolder:{folder}"
    first = data.load(name)
    assert digests(data.load(name)) == digests(first) == digests(data.load(name, n_train=16, n_test=8))
    assert (first.name, first.root) == (name, None)


def test_subsets_are_balanced_and_keep_the_constants_of_the_whole(folder):
    whole, part = (data.load(f"imagefolder:{folder}", n_train=count, n_test=count, seed=3) for count in (None, 6))
    assert np.bincount(part.train_labels).tolist() == np.bincount(part.test_labels).tolist() == [3, 3]
    assert (part.mean, part.std) == (whole.mean, whole.std)
    assert {image.numpy().tobytes() for image in part.train_images} <= {
        image.numpy().tobytes() for image in whole.train_images
    }
    other = data.load(f"imagefolder:{folder}", n_train=6, n_test=6, seed=4)
    assert not set(digests(other)) & set(digests(part))
    with pytest.raises(ValueError, match=r"^n_test for .* must be a whole number from 2 \(one a class\) to 8, not 9"):
        data.load(f"imagefolder:{folder}", n_test=9)


def test_the_root_is_an_argument_or_the_environment_s(root, monkeypatch):
    given = data.load("cifar10", root=root)
    assert given.root == str(root)
    monkeypatch.chdir(root)
    assert data.load("cifar10", root=".").root == str(root)
    monkeypatch.setenv("GREATMINDS_DATA", str(root))
    found = data.load("cifar10")
    assert found.root is None and digests(found) == digests(given)


def test_a_relative_path_is_seen_from_the_root_of_the_checkout(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = data.load(f"imagefolder:{os.path.relpath(folder, ROOT)}")
    assert digests(relative) == digests(data.load(f"imagefolder:{folder}"))
    with pytest.raises(ValueError, match="there is no folder or zip archive My Pictures "):
        data.load("imagefolder:My Pictures")


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"train/ant/1.png": encoded(colour(0)[0])}, "all pictures need one size and one number of channels:"),
        ({"train/ant/1.png": b"no picture"}, "^the picture train/ant/1.png cannot be read"),
        ({"train/cat/0.png": encoded(colour(0))}, "the class folder 'cat' of .* is in train/ and missing in test/"),
        (
            {
                f"test/{name}/{number}.png": encoded(colour(number, 8)[0])
                for name in ("ant", "bee")
                for number in range(4)
            },
            "needs pictures of one kind: those in train/ are colour, 8 x 8 pixels, and those in test/ grey, 8 x 8",
        ),
        (
            {
                f"train/{name}/{number}.png": encoded(np.zeros((3, 8, 8), np.uint8))
                for name in ("ant", "bee")
                for number in range(8)
            },
            "have the same value everywhere in one channel, and",
        ),
    ],
)
def test_pictures_that_cannot_be_used_are_refused(folder, files, sentence):
    files = {
        name: encoded(colour(0, 8)[0]) if "all pictures" in sentence else content for name, content in files.items()
    }
    write_folder(folder, files)
    with pytest.raises(ValueError, match=sentence):
        data.load(f"imagefolder:{folder}")


@pytest.mark.parametrize(
    "folders, sentence",
    [
        ((), "has no folders 'train', .*; its folders are none"),
        (("train", "test"), "has no class folders in train/"),
        (("train/ant", "test/ant"), "train/ant of empty holds no pictures"),
    ],
)
def test_an_empty_folder_is_refused(tmp_path, artifacts, folders, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.load(f"imagefolder:{write_folder(tmp_path / 'empty', {}, folders)}")


def small(images):
    return specify(images, "cnn-small", 2, epochs=1, batch_size=6)


def test_the_root_decides_nothing_about_a_network(root, monkeypatch):
    given = small(data.load("cifar10", root=root))
    monkeypatch.setenv("GREATMINDS_DATA", str(root))
    found = small(data.load("cifar10"))
    assert (given.data_root, found.data_root) == (str(root), None)
    assert given == found and hash(given) == hash(found) and given.key == found.key
    network = train(given, [0], data.load("cifar10"))[0]
    write_network(given, network)
    assert str(root) not in paths(given, 0)[1].read_text()
    assert read_network(found, 0).seed == 0


def test_a_worker_finds_the_images_of_a_root_that_was_an_argument(root):
    loaded.cache_clear()
    assert workers._train_task(small(data.load("cifar10", root=root)), (0,), "cpu")
    loaded.cache_clear()


def test_the_place_of_a_folder_of_pictures_decides_nothing_about_a_network(folder, tmp_path):
    specification = small(data.load(f"imagefolder:{folder}"))
    assert specification.key.startswith("imagefolder-cnn-small-k2-") and str(folder) not in str(specification.fields())
    folder.rename(tmp_path / "my-pictures")
    moved = small(data.load(f"imagefolder:{tmp_path / 'my-pictures'}"))
    assert moved.key == specification.key and moved == specification and moved.source != specification.source


def test_the_place_of_the_digits_in_the_store_is_as_it_was(digits):
    assert specify(digits, "cnn-small", 2).key == "digits-cnn-small-k2-017d77d5615220bd"


def test_real_pictures_of_cifar_10(shared_data, tmp_path, artifacts, monkeypatch):
    """20 training and 10 test pictures a class, copied out of the whole archive."""
    names = {}
    with zipfile.ZipFile(shared_data / "cifar10.zip") as whole, zipfile.ZipFile(tmp_path / "cifar10.zip", "w") as part:
        for name in whole.namelist():
            place = name.rpartition("/")[0]
            names[place] = names.get(place, 0) + 1
            if names[place] <= (20 if "/train/" in name else 10):
                part.writestr(name, whole.read(name))
    about = dataclasses.replace(cifar.SETS["cifar10"], train=20, test=10)
    monkeypatch.setitem(cifar.SETS, "cifar10", about)
    images = data.load("cifar10", root=tmp_path)
    assert images.train_images.shape == (200, 3, 32, 32) and images.test_images.shape == (100, 3, 32, 32)
    # Constants of all 50,000, which 200 come near to.
    np.testing.assert_allclose(images.mean, (0.4914, 0.4822, 0.4465), atol=0.05)
    np.testing.assert_allclose(images.std, (0.247, 0.243, 0.261), atol=0.03)
    assert images.classes[0] == "airplane" and images.classes[9] == "truck"
