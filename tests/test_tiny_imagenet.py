"""Tiny ImageNet in its native layout: official validation labels, grey pictures among colour ones, two sizes."""

import numpy as np
import pytest
from made_pictures import colour, encoded, write_folder, write_zip
from stored_files import flip

from lib.data import tiny_imagenet

WNIDS = "n02", "n01"  # in the file as in the official one: not sorted
LABELS = {"val_0.JPEG": "n02", "val_1.JPEG": "n01", "val_2.JPEG": "n01", "val_10.JPEG": "n02"}


def native():
    files = {
        f"train/{wnid}/images/{wnid}_{number}.JPEG": encoded(colour(number + 10 * (wnid == "n02"), 64))
        for wnid in WNIDS
        for number in range(3)
    }
    files |= {f"val/images/{name}": encoded(colour(50 + place, 64)) for place, name in enumerate(LABELS)}
    annotations = "".join(f"{name}\t{wnid}\t0\t32\t44\t62\n" for name, wnid in LABELS.items())
    return files | {
        "val/val_annotations.txt": annotations.encode(),
        "wnids.txt": "\n".join(WNIDS).encode() + b"\n",
        "words.txt": b"n01\tgoldfish, Carassius auratus\nn02\tblack widow\nn03\tbullfrog\n",
        "train/n01/n01_boxes.txt": b"n01_0.JPEG\t0\t1\t2\t3\n",
        "test/images/test_0.JPEG": b"without label",
    }


@pytest.fixture(params=["folder", "folder further down", "zip", "zip further down"])
def place(request, tmp_path, artifacts):
    top = "tiny/" if "further" in request.param else ""

    def write(files):
        if request.param.startswith("zip"):
            return write_zip(tmp_path / "set.zip", files, top=top)
        return write_folder(tmp_path / "set", files, top=top)

    return write


def test_pictures_carry_the_official_labels(place, tmp_path):
    train, test = tiny_imagenet.load(64, place(native()), tmp_path)
    assert train.classes == test.classes == ("goldfish", "black widow")
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1] and test.labels.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(train.pixels, [colour(number, 64) for number in (0, 1, 2, 10, 11, 12)])
    np.testing.assert_array_equal(test.pixels, [colour(50 + number, 64) for number in (1, 2, 0, 3)])


def test_half_the_size_is_the_mean_of_four_pixels(place, tmp_path):
    path = place(native())
    small, large = tiny_imagenet.load(32, path, tmp_path)[0], tiny_imagenet.load(64, path, tmp_path)[0]
    means = large.pixels.reshape(6, 3, 32, 2, 32, 2).mean((3, 5))
    np.testing.assert_allclose(small.pixels, means, atol=0.5)


def test_grey_pictures_become_colour_ones(place, tmp_path):
    grey = colour(1, 64)[0]
    train, _ = tiny_imagenet.load(64, place(native() | {"train/n01/images/n01_1.JPEG": encoded(grey)}), tmp_path)
    np.testing.assert_array_equal(train.pixels[1], [grey] * 3)


def test_classes_without_words_keep_their_numbers(place, tmp_path):
    files = native()
    del files["words.txt"]
    assert tiny_imagenet.load(32, place(files), tmp_path)[0].classes == ("n01", "n02")


def without(start):
    return {name: content for name, content in native().items() if not name.startswith(start)}


@pytest.mark.parametrize(
    "files, sentence",
    [
        (
            without("wnids"),
            "is not in the native layout of Tiny ImageNet: it needs wnids.txt and val/val_annotations.txt",
        ),
        (without("val/val"), "is not in the native layout of Tiny ImageNet"),
        (native() | {"wnids.txt": b"n02\nn01\nn02\n"}, r"set(.zip)?: (tiny/)?wnids.txt lists n02 twice$"),
        (
            native() | {"val/val_annotations.txt": 2 * native()["val/val_annotations.txt"]},
            "val/val_annotations.txt lists val_0.JPEG twice$",
        ),
        (native() | {"words.txt": b"n01\t\xff"}, r"words.txt cannot be read \(UnicodeDecodeError\)$"),
        (without("train/n02"), r"has no pictures of the class n02 in (tiny/)?train/n02/images/$"),
        (
            native() | {"train/n07/images/0.JPEG": b""},
            r"has pictures of the class n07, which (tiny/)?wnids.txt does not",
        ),
        (without("val/images/val_2"), "val_2.JPEG has a label and no picture"),
        (native() | {"val/images/val_3.JPEG": b""}, "val_3.JPEG lies in val/images/ and has no label in val/val_ann"),
        (
            native() | {"val/val_annotations.txt": native()["val/val_annotations.txt"].replace(b"n02", b"n08")},
            "val_annotations.txt names the class n08, which wnids.txt does not",
        ),
        (
            native() | {"train/n02/images/n02_1.JPEG": encoded(colour(1, 32))},
            "is colour, 32 x 32 pixels, and .* 64 x 64",
        ),
        (native() | {"train/n02/images/n02_1.JPEG": b"x"}, "train/n02/images/n02_1.JPEG cannot be read"),
        (
            {name: encoded(colour(1, 32)) if name.endswith("JPEG") else content for name, content in native().items()},
            "the pictures of Tiny ImageNet have 64 x 64 pixels, and those of set",
        ),
    ],
)
def test_what_is_incomplete_or_does_not_fit_is_told(place, tmp_path, files, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_imagenet.load(64, place(files), tmp_path)


@pytest.fixture
def small(monkeypatch):
    """Tiny ImageNet is taken for a set of 2 classes with 3 training and 2 validation pictures each."""
    for name, value in {"CLASSES": 2, "TRAIN": 3, "TEST": 2}.items():
        monkeypatch.setattr(tiny_imagenet, name, value)


@pytest.mark.parametrize("write, name", [(write_zip, "tiny-imagenet-200.zip"), (write_folder, "tiny-imagenet-200")])
def test_the_whole_set_is_found_in_the_folder_of_data_sets(small, tmp_path, artifacts, write, name):
    write(tmp_path / name, native(), top="tiny-imagenet-200/")
    assert [len(part.labels) for part in tiny_imagenet.load(32, None, tmp_path)] == [6, 4]


def test_a_part_does_not_bear_the_name_of_the_whole_set_also_when_it_is_stored(tmp_path, artifacts):
    path = write_zip(tmp_path / "tiny-imagenet-200.zip", native())
    assert len(tiny_imagenet.load(32, path, tmp_path)[0].labels) == 6
    with pytest.raises(
        ValueError,
        match="^Tiny ImageNet has 200 classes, and tiny-imagenet-200.zip has 2; a part of "
        "Tiny ImageNet can be named tiny-imagenet:PATH$",
    ):
        tiny_imagenet.load(32, None, tmp_path)


def test_where_it_is_missing_one_sentence_says_which_file_to_put_where(tmp_path):
    with pytest.raises(
        ValueError,
        match="^Tiny ImageNet is not there; put tiny-imagenet-200.zip from http://cs231n"
        rf".stanford.edu, or its folder, into {tmp_path}$",
    ):
        tiny_imagenet.load(32, None, tmp_path)


def test_a_cut_off_archive_is_told(tmp_path, artifacts):
    path = write_zip(tmp_path / "set.zip", native())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="^the zip archive set.zip is cut off or damaged"):
        tiny_imagenet.load(32, path, tmp_path)


def test_a_text_that_is_damaged_in_its_archive_is_told(tmp_path, artifacts):
    path = write_zip(tmp_path / "set.zip", native())
    flip(path, path.read_bytes().index(native()["wnids.txt"]))
    with pytest.raises(ValueError, match=r"^set.zip: wnids.txt cannot be read \(BadZipFile\)$"):
        tiny_imagenet.load(32, path, tmp_path)


def test_the_shared_part_has_20_whole_classes(shared_data):
    train, test = tiny_imagenet.find(shared_data / "tiny-imagenet-200_20classes.zip")
    assert np.bincount(train.labels).tolist() == [500] * 20 and np.bincount(test.labels).tolist() == [50] * 20
    assert len(set(train.classes)) == 20 and train.classes == test.classes
    pixels = test.decode(range(0, 1000, 10), colour=True, reduce=2)
    assert pixels.shape == (100, 3, 32, 32) and len(np.unique(pixels, axis=0)) == 100
