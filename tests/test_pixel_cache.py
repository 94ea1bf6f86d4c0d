"""Pictures are decoded once, and again when their files or what was stored of them changed."""

import os

import numpy as np
import pytest
from made_pictures import both_splits, colour, encoded, write_folder, write_zip

from lib.data import pictures, pixel_cache


@pytest.fixture(params=["folder", "zip"])
def place(request, tmp_path, artifacts):
    write = write_folder if request.param == "folder" else write_zip
    return write(tmp_path / ("set.zip" if request.param == "zip" else "set"), both_splits())


@pytest.fixture
def opened(place):
    """Opens the pictures through the store; `opened.decodings` counts how often they were decoded."""

    def once():
        opened.decodings += 1
        return pixel_cache.decoded(pictures.find_both(place))

    def opened(kind="pictures"):
        return pixel_cache.remembered(place, kind, once)

    opened.decodings = 0
    return opened


def stored(artifacts):
    return sorted((artifacts / "pixels").iterdir())


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.classes == other.classes and one.labels.dtype == np.int64 and one.pixels.dtype == np.uint8


def test_the_second_opening_gives_the_same_and_decodes_nothing(opened, place, artifacts):
    first = opened()
    assert_same(first, pixel_cache.decoded(pictures.find_both(place)))
    np.testing.assert_array_equal(first[0].pixels[4], colour(4))
    assert_same(opened(), first)
    assert opened.decodings == 1 and len(stored(artifacts)) == 2


def test_another_way_of_decoding_is_stored_beside_it(opened, artifacts):
    opened(), opened("other"), opened(), opened("other")
    assert opened.decodings == 2 and len(stored(artifacts)) == 4


def changed(place, files):
    (write_folder if place.is_dir() else write_zip)(place, files)


@pytest.mark.parametrize(
    "added",
    [
        {"train/ant/9.png": encoded(colour(99))},  # a new picture
        {"train/ant/1.png": encoded(colour(99))},  # another picture under an old name
        {"train/cat/0.png": encoded(colour(98)), "test/cat/0.png": encoded(colour(99))},  # a new class
    ],
)
def test_changed_pictures_are_decoded_again(opened, place, artifacts, added):
    opened()
    changed(place, both_splits() | added)
    assert_same(opened(), pixel_cache.decoded(pictures.find_both(place)))
    assert opened.decodings == 2 and len(stored(artifacts)) == 2


def test_a_file_that_was_written_and_got_its_old_time_back_is_noticed(opened, place):
    opened()
    file = place / "train/ant/0.png" if place.is_dir() else place
    before = file.stat()
    file.write_bytes(file.read_bytes())
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    opened()
    assert opened.decodings == 2


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_picture_that_went_is_noticed(opened, place):
    assert [len(part.labels) for part in opened()] == [6, 4]
    (place / "test/bee/1.png").unlink()
    assert [len(part.labels) for part in opened()] == [6, 3]


@pytest.mark.parametrize("position", [0, 31, 40, 0.3, 0.9, -1])
def test_a_flipped_bit_in_what_is_stored_is_noticed(opened, artifacts, position):
    first = [pixel_cache.Decoded(part.pixels.copy(), part.labels, part.classes) for part in opened()]
    file = stored(artifacts)[1]
    content = bytearray(file.read_bytes())
    content[int(position * len(content)) if isinstance(position, float) else position] ^= 4
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="train-.*.pixels does not match its own checksum; .* decoded again"):
        assert_same(opened(), first)
    assert_same(opened(), first)
    assert opened.decodings == 2


def test_the_test_pictures_in_the_place_of_the_training_pictures_are_noticed(opened, artifacts):
    first = [pixel_cache.Decoded(part.pixels.copy(), part.labels, part.classes) for part in opened()]
    test, train = stored(artifacts)
    train.unlink()
    train.write_bytes(test.read_bytes())
    with pytest.warns(UserWarning, match="train-.*.pixels is a copy of .*test-.*.pixels; .* decoded again"):
        assert_same(opened(), first)


def test_a_folder_in_the_place_of_what_is_stored_is_set_aside(opened, artifacts):
    first = [pixel_cache.Decoded(part.pixels.copy(), part.labels, part.classes) for part in opened()]
    file = stored(artifacts)[1]
    file.unlink()
    (file / "inside").mkdir(parents=True)
    with pytest.warns(UserWarning, match="is a folder; the pictures will be decoded again"):
        assert_same(opened(), first)
    assert file.is_file() and file.with_name(file.name + ".damaged").is_dir()
    assert_same(opened(), first)
    assert opened.decodings == 2


def test_pictures_are_read_where_nothing_can_be_stored(opened, monkeypatch):
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", "/proc/nothing")
    for _ in range(2):
        assert [len(part.labels) for part in opened()] == [6, 4]


@pytest.mark.parametrize("left", [0, 10, 32, 33, 200])
def test_a_stored_file_that_is_cut_off_is_noticed(opened, artifacts, left):
    first = [pixel_cache.Decoded(part.pixels.copy(), part.labels, part.classes) for part in opened()]
    file = stored(artifacts)[0]
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:left])
    with pytest.warns(UserWarning, match="test-.*.pixels does not match its own checksum"):
        assert_same(opened(), first)


def test_pictures_that_cannot_be_decoded_leave_nothing_behind(opened, place, artifacts):
    changed(place, both_splits() | {"train/bee/2.png": b"no picture"})
    for _ in range(2):
        with pytest.raises(ValueError, match="^the picture train/bee/2.png cannot be read"):
            opened()
    assert not (artifacts / "pixels").exists()


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_links_in_a_folder_that_lead_nowhere_or_round_are_no_hindrance(opened, place):
    (place / "train/ant/.nowhere").symlink_to(place / "nowhere")
    (place / "train/ant/round").symlink_to(place)
    assert len(opened()[0].labels) == 6
