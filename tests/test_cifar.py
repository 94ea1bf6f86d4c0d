"""CIFAR comes whole, from torchvision's files or from pictures, or not at all."""

import hashlib
import pickle
import shutil
import tarfile
import urllib.error

import numpy as np
import pytest
from made_pictures import both_splits, write_folder, write_zip
from stored_files import flip
from torchvision import datasets

from lib.data import cifar

CLASSES = ("ant", "bee")


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture(params=["cifar10", "cifar100"])
def made(request, tmp_path, artifacts, monkeypatch):
    """A small data set in torchvision's format, unpacked and packed: (name, folder, archive, pixels, labels)."""
    name, rng = request.param, np.random.default_rng(0)
    about = cifar.SETS[name]
    dataset = getattr(datasets, about.dataset)
    folder = tmp_path / "made" / about.folder
    folder.mkdir(parents=True)
    key, keys = ("labels", "label_names") if name == "cifar10" else ("fine_labels", "fine_label_names")
    pixels, labels = {}, {}
    for split, files in (("train", dataset.train_list), ("test", dataset.test_list)):
        pixels[split] = rng.integers(0, 256, (4 * len(files), 3, 32, 32), dtype=np.uint8)
        labels[split] = rng.integers(0, 2, 4 * len(files))
        for number, (file, _) in enumerate(files):
            part = slice(4 * number, 4 * number + 4)
            (folder / file).write_bytes(
                pickle.dumps({"data": pixels[split][part].reshape(4, -1), key: labels[split][part].tolist()})
            )
    (folder / dataset.meta["filename"]).write_bytes(pickle.dumps({keys: list(CLASSES)}))
    archive = tmp_path / "made" / about.archive
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, about.folder)
    for files in ("train_list", "test_list"):
        monkeypatch.setattr(dataset, files, [[file, md5(folder / file)] for file, _ in getattr(dataset, files)])
    monkeypatch.setattr(dataset, "meta", dataset.meta | {"md5": md5(folder / dataset.meta["filename"])})
    monkeypatch.setattr(dataset, "tgz_md5", md5(archive))
    return name, folder, archive, pixels, labels


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder of data sets, on a machine without a network."""

    def refuse(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def assert_loaded(name, root, pixels, labels):
    for split, part in zip(("train", "test"), cifar.load(name, root)):
        np.testing.assert_array_equal(part.pixels, pixels[split])
        np.testing.assert_array_equal(part.labels, labels[split])
        assert part.classes == CLASSES


def test_the_names_of_folders_and_archives_are_torchvision_s():
    for about in cifar.SETS.values():
        dataset = getattr(datasets, about.dataset)
        assert (dataset.base_folder, dataset.filename) == (about.folder, about.archive)


def test_torchvision_s_folder_is_read_in_its_order(made, root):
    name, folder, _, pixels, labels = made
    shutil.copytree(folder, root / folder.name)
    assert_loaded(name, root, pixels, labels)
    assert_loaded(name, root, pixels, labels)


def test_an_archive_on_disk_is_unpacked_without_a_network(made, root):
    name, _, archive, pixels, labels = made
    shutil.copy(archive, root)
    assert_loaded(name, root, pixels, labels)


def test_a_damaged_folder_beside_a_whole_archive_is_unpacked_again(made, root):
    name, folder, archive, pixels, labels = made
    shutil.copytree(folder, root / folder.name)
    shutil.copy(archive, root)
    next(path for path in (root / folder.name).iterdir() if "test" in path.name).write_bytes(b"cut off")
    assert_loaded(name, root, pixels, labels)


def test_what_is_not_there_is_downloaded(made, root, monkeypatch):
    name, _, archive, pixels, labels = made
    downloads = []

    def retrieve(url, filename):
        downloads.append(url)
        shutil.copy(archive, filename)

    monkeypatch.setattr("torchvision.datasets.utils._get_redirect_url", lambda url, max_hops: url)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", retrieve)
    assert_loaded(name, root / "new", pixels, labels)
    assert_loaded(name, root / "new", pixels, labels)
    assert downloads == [getattr(datasets, cifar.SETS[name].dataset).url]


def test_without_a_network_one_sentence_says_which_file_to_put_where(made, root):
    about = cifar.SETS[made[0]]
    with pytest.raises(
        ValueError,
        match=rf"^{about.title} is not there and could not be downloaded \(URLError\); put "
        rf"{about.archive} from https://\S+ \(md5 \w+\), or its pictures as {made[0]}.zip with "
        rf"train/CLASS/FILE and test/CLASS/FILE, into {root}$",
    ):
        cifar.load(made[0], root)


@pytest.mark.parametrize("left", [0, 0.5, 0.999])
def test_a_cut_off_archive_is_told_where_it_cannot_be_downloaded_again(made, root, left):
    content = made[2].read_bytes()
    (root / made[2].name).write_bytes(content[: int(left * len(content))])
    with pytest.raises(ValueError, match=f"is damaged or incomplete in {made[2].name} and could not be downloaded"):
        cifar.load(made[0], root)


def test_a_flipped_bit_in_a_batch_is_told(made, root):
    shutil.copytree(made[1], root / made[1].name)
    batch = next(path for path in (root / made[1].name).iterdir() if "test" in path.name)
    flip(batch, 500)
    with pytest.raises(ValueError, match=f"is damaged or incomplete in {made[1].name} and could not be downloaded"):
        cifar.load(made[0], root)


@pytest.fixture
def small(monkeypatch):
    """CIFAR-10 is taken for a set of 2 classes with 3 training and 2 test pictures each."""
    about = cifar.Cifar("CIFAR-10", "CIFAR10", "cifar-10-batches-py", "cifar-10-python.tar.gz", 2, 3, 2)
    monkeypatch.setitem(cifar.SETS, "cifar10", about)


@pytest.mark.parametrize("write, name", [(write_zip, "cifar10.zip"), (write_folder, "cifar10")])
@pytest.mark.parametrize("top", ["", "pictures/"])
def test_pictures_are_read_where_torchvision_s_files_are_missing(small, root, artifacts, write, name, top):
    write(root / name, both_splits(), top=top)
    train, test = cifar.load("cifar10", root)
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1] and test.labels.tolist() == [0, 0, 1, 1]
    assert train.classes == CLASSES and len(np.unique(train.pixels, axis=0)) == 6


@pytest.mark.parametrize(
    "missing, sentence",
    [
        (
            "train/bee/0.png",
            "CIFAR-10 has 3 pictures of each class beside train/ant/0.png, and cifar10.zip has 2 of 'bee'; "
            "a part of CIFAR-10 can be named imagefolder:PATH",
        ),
        (
            "test/bee/0.png",
            "CIFAR-10 has 2 pictures of each class beside test/ant/0.png, and cifar10.zip has 1 of 'bee'",
        ),
        ("test/bee/", "the class folder 'bee' of cifar10.zip is in train/ and missing in test/"),
        ("test/", "cifar10.zip has no folders 'test', and needs one"),
    ],
)
def test_pictures_that_are_not_the_whole_set_do_not_bear_its_name(small, root, artifacts, missing, sentence):
    write_zip(
        root / "cifar10.zip", {name: content for name, content in both_splits().items() if not name.startswith(missing)}
    )
    with pytest.raises(ValueError, match=f"^{sentence}"):
        cifar.load("cifar10", root)


def test_a_missing_class_is_told(small, root, artifacts, monkeypatch):
    monkeypatch.setitem(cifar.SETS, "cifar10", cifar.Cifar("CIFAR-10", "CIFAR10", "a", "b", 3, 3, 2))
    write_zip(root / "cifar10.zip", both_splits())
    with pytest.raises(ValueError, match="^CIFAR-10 has 3 classes, and cifar10.zip has 2; a part of"):
        cifar.load("cifar10", root)
