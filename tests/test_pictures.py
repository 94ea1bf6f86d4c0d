"""Pictures come back as they were written, sorted, from folders and archives; what does not fit is named."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from lib import pictures


def colour(seed, size=6):
    return np.random.default_rng(seed).integers(0, 256, (3, size, size), dtype=np.uint8)


def encoded(pixels, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


# Written in an order that is not the sorted one; classes a and b, files 0 to 2.
FILES = {f"{split}/{name}/{number}.png": encoded(colour(10 * number + (name == "b") + 100 * (split == "train")))
         for split in ("train", "test") for number in (2, 0, 1) for name in "ba"}


@pytest.fixture(params=["folder", "folder further down", "zip", "zip further down"])
def place(request, tmp_path):
    """Writes files, name -> bytes, into a folder or an archive, -> its path."""
    top = "cifar/" if "further" in request.param else ""

    def write(files, folders=()):
        if request.param.startswith("zip"):
            with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
                for name, content in files.items():
                    archive.writestr(top + name, content)
                for name in folders:
                    archive.writestr(f"{top}{name}/", b"")
            return tmp_path / "data.zip"
        for name, content in files.items():
            (tmp_path / "data" / top / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / top / name).write_bytes(content)
        for name in folders:
            (tmp_path / "data" / top / name).mkdir(parents=True)
        return tmp_path / "data"

    return write


def test_pictures_come_back_sorted_by_class_and_name(place):
    split = pictures.find(place(FILES), "test")
    assert split.classes == ("a", "b") and split.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert [name[-7:] for name in split.files] == [f"{name}/{number}.png" for name in "ab" for number in range(3)]
    pixels = split.decode()
    assert pixels.shape == (6, 3, 6, 6) and pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, [colour(10 * number + place) for place in (0, 1) for number in range(3)])
    np.testing.assert_array_equal(split.decode([5, 0]), pixels[[5, 0]])


def test_a_subset_does_not_decode_the_rest(place):
    split = pictures.find(place(FILES | {"test/b/2.png": b"no picture"}), "test")
    assert len(split.decode([0, 1, 2, 3])) == 4
    with pytest.raises(ValueError, match=r"^the picture (cifar/)?test/b/2.png cannot be read \(Unidentified"):
        split.decode()


def test_grey_and_lossless_webp_pictures_are_read_as_they_are(place):
    files = {"test/a/0.webp": encoded(colour(1), "WEBP", lossless=True)}
    np.testing.assert_array_equal(pictures.find(place(files), "test").decode(), colour(1)[None])
    files = {"test/a/0.png": encoded(colour(1)[0])}
    np.testing.assert_array_equal(pictures.find(place(files), "test").decode([0]), colour(1)[None, :1])


def test_hidden_files_are_no_pictures(place):
    added = {"test/a/.DS_Store": b"x", ".cache/test/c/0.png": b"x", "notes.txt": b"x"}
    split = pictures.find(place(FILES | added), "test")
    assert len(split.files) == 6 and split.classes == ("a", "b")


@pytest.mark.parametrize("added, sentence", [
    ({"test/b/1.png": encoded(colour(0, 5))}, r"one shape \[channels, height, width\]: .*test/b/1.png has \[3, 5, 5\], "
     r".*test/a/0.png has \[3, 6, 6\]"),
    ({"test/b/1.png": encoded(colour(0)[0])}, r"test/b/1.png has \[1, 6, 6\]"),
    ({"test/b/1.png": encoded(np.zeros((4, 6, 6), dtype=np.uint8))}, "test/b/1.png has the mode RGBA; grey"),
    ({"test/b/1.png": encoded(colour(0))[:60]}, "test/b/1.png cannot be read"),
])
def test_a_picture_that_does_not_fit_is_named(place, added, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.find(place(FILES | added), "test").decode()


@pytest.mark.parametrize("files, folders, sentence", [
    (FILES, (), "has no folders 'val', and needs one, .*; its folders are (cifar|test, train)"),
    ({f"{top}/val/a/0.png": b"" for top in ("one", "two")}, (), "has (2|no) folders 'val'"),
    (FILES, ["val"], "has no class folders in (cifar/)?val/"),
    (FILES | {"val/a/0.png": b""}, ["val/c"], "the class folder (cifar/)?val/c of data(.zip)? holds no pictures"),
    (FILES | {"val/a/0.png": b"", "val/c/deeper/0.png": b""}, [], "the class folder (cifar/)?val/c of "),
])
def test_a_split_that_is_not_there_or_empty_is_refused(place, files, folders, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.find(place(files, folders), "val")


def test_a_path_that_is_not_there_or_no_archive_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no .*nowhere; a folder or zip archive with pictures in test/CLASS/"):
        pictures.find(tmp_path / "nowhere", "test")
    (tmp_path / "data.tar").write_bytes(b"x")
    with pytest.raises(ValueError, match="^data.tar is neither a folder nor a zip archive"):
        pictures.find(tmp_path / "data.tar", "test")


def test_subsets_are_random_without_repetition_and_the_same_for_the_same_generator():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    chosen = pictures.subset(labels, 30, np.random.default_rng(0))
    assert len(set(chosen)) == 30 and (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, pictures.subset(labels, 30, np.random.default_rng(0)))
    assert list(chosen) != list(pictures.subset(labels, 30, np.random.default_rng(1)))
    shares = np.bincount(np.concatenate([labels[pictures.subset(labels, 30, np.random.default_rng(seed))]
                                         for seed in range(200)])) / 6000
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.02)


@pytest.mark.parametrize("count, counts", [(30, [10, 10, 10]), (5, [1, 2, 2]), (80, [30, 30, 20]), (100, [50, 30, 20])])
def test_a_balanced_subset_has_its_classes_as_equal_as_they_can_be(count, counts):
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    found = np.bincount(labels[pictures.subset(labels, count, np.random.default_rng(0), balanced=True)], minlength=3)
    assert sorted(found) == sorted(counts)


@pytest.mark.parametrize("count", [0, 7])
def test_more_pictures_than_there_are_are_refused(count):
    with pytest.raises(ValueError, match=f"from 1 to 6, not {count}"):
        pictures.subset(np.zeros(6, dtype=int), count, np.random.default_rng(0))
