"""Pictures come back as they were written, sorted, from folders and archives; what does not fit is named."""

import numpy as np
import pytest
from made_pictures import FILES, both_splits, colour, encoded, write_folder, write_zip

from lib.data import pictures


@pytest.fixture(params=["folder", "folder further down", "zip", "zip further down"])
def place(request, tmp_path):
    """Writes files, name -> bytes, into a folder or an archive, -> its path."""
    top = "cifar/" if "further" in request.param else ""

    def write(files, folders=()):
        if request.param.startswith("zip"):
            return write_zip(tmp_path / "data.zip", files, folders, top)
        return write_folder(tmp_path / "data", files, folders, top)

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


@pytest.mark.parametrize(
    "added, sentence",
    [
        (
            {"test/b/1.png": encoded(colour(0, 5))},
            "one size and one number of channels: .*test/b/1.png is colour, "
            "5 x 5 pixels, and .*test/a/0.png is colour, 6 x 6 pixels$",
        ),
        ({"test/b/1.png": encoded(colour(0)[0])}, "test/b/1.png is grey, 6 x 6 pixels, and .* colour, 6 x 6 pixels$"),
        (
            {"test/a/0.png": encoded(colour(0)[:, :4])},
            "test/a/0.png is colour, 6 x 4 pixels; pictures need to be square",
        ),
        ({"test/b/1.png": encoded(np.zeros((4, 6, 6), dtype=np.uint8))}, "test/b/1.png has the mode RGBA; grey"),
        ({"test/b/1.png": encoded(colour(0))[:60]}, "test/b/1.png cannot be read"),
    ],
)
def test_a_picture_that_does_not_fit_is_named(place, added, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.find(place(FILES | added), "test").decode()


@pytest.mark.parametrize(
    "files, folders, sentence",
    [
        (FILES, (), "has no folders 'val', and needs one, .*; its folders are (cifar|test, train)"),
        ({f"{top}/val/a/0.png": b"" for top in ("one", "two")}, (), "has (2|no) folders 'val'"),
        (FILES, ["val"], "has no class folders in (cifar/)?val/"),
        (FILES | {"val/a/0.png": b""}, ["val/c"], "the class folder (cifar/)?val/c of data(.zip)? holds no pictures"),
        (
            FILES | {"val/a/0.png": b"", "val/c/0.png": b"", "val/c/deeper/0.png": b""},
            [],
            "the class folder (cifar/)?val/c of data(.zip)? holds folders with files in them, as .*val/c/deeper/0.png",
        ),
    ],
)
def test_a_split_that_is_not_there_or_empty_is_refused(place, files, folders, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.find(place(files, folders), "val")


def test_a_path_that_is_not_there_or_no_archive_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no .*nowhere; a folder or zip archive with pictures in test/CLASS/"):
        pictures.find(tmp_path / "nowhere", "test")
    (tmp_path / "data.tar").write_bytes(b"x")
    with pytest.raises(ValueError, match="^data.tar is neither a folder nor a zip archive"):
        pictures.find(tmp_path / "data.tar", "test")


def test_both_splits_have_the_same_classes(place):
    train, test = pictures.find_both(place(FILES))
    assert train.classes == test.classes == ("a", "b") and train.files[0].endswith("train/a/0.png")


@pytest.mark.parametrize(
    "added, sentence",
    [
        ({"train/c/0.png": b""}, r"the class folder 'c' of data(.zip)? is in train/ and missing in test/"),
        ({"test/c/0.png": b""}, r"the class folder 'c' of data(.zip)? is in test/ and missing in train/"),
    ],
)
def test_a_class_of_one_split_alone_is_refused(place, added, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.find_both(place(FILES | added))


def test_a_single_class_is_refused(place):
    with pytest.raises(ValueError, match=r"data(.zip)? needs at least 2 class folders, and has 'ant' alone"):
        pictures.find_both(place(both_splits(classes=["ant"])))


def test_a_whole_set_has_all_classes_with_the_same_number_of_pictures(place):
    split = pictures.find(place(FILES), "train")
    pictures.check_whole(split, "Letters", 2, 3, "folder:PATH")
    with pytest.raises(ValueError, match=r"^Letters has 3 classes, and data(.zip)? has 2; .* named folder:PATH$"):
        pictures.check_whole(split, "Letters", 3, 3, "folder:PATH")
    with pytest.raises(
        ValueError,
        match=r"^Letters has 4 pictures of each class beside (cifar/)?train/a/0.png, and "
        r"data(.zip)? has 3 of 'a'; a part of Letters can be named folder:PATH$",
    ):
        pictures.check_whole(split, "Letters", 2, 4, "folder:PATH")


def test_grey_pictures_become_colour_ones_and_squares_their_mean_where_that_is_asked_for(place):
    grey = colour(2)[0]
    split = pictures.find(place({"test/a/0.png": encoded(grey), "test/a/1.png": encoded(colour(3))}), "test")
    np.testing.assert_array_equal(split.decode(colour=True), [[grey] * 3, colour(3)])
    means = colour(3).reshape(3, 3, 2, 3, 2).mean((2, 4))
    np.testing.assert_allclose(split.decode([1], reduce=2)[0], means, atol=0.5)
    np.testing.assert_array_equal(split.decode([0], colour=True, reduce=2)[0, 0], split.decode([0], reduce=2)[0, 0])


def test_subsets_are_random_without_repetition_and_the_same_for_the_same_generator():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    chosen = pictures.subset(labels, 30, np.random.default_rng(0))
    assert len(set(chosen)) == 30 and (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, pictures.subset(labels, 30, np.random.default_rng(0)))
    assert list(chosen) != list(pictures.subset(labels, 30, np.random.default_rng(1)))
    shares = (
        np.bincount(
            np.concatenate([labels[pictures.subset(labels, 30, np.random.default_rng(seed))] for seed in range(200)])
        )
        / 6000
    )
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
