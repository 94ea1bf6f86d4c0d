"""Pictures that are programs, pipes or too large are refused before they are decoded, from folders, archives and readers."""

import io
import os
import zipfile
import zlib

import pytest
from made_pictures import both_splits, colour, encoded, write_folder, write_zip
from PIL import Image

from lib.data import opening, pictures
from lib.own.pictures import load_images, resized
from lib.runtime import room

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 6\n{} loop\n"


@pytest.fixture(params=["folder", "zip", "own"])
def reading(request, tmp_path):
    """reading(name, content): reads pictures of which one is this."""

    def read(name, content):
        files = both_splits() | {f"train/ant/{name}": content}
        if request.param == "own":
            return load_images(write_folder(tmp_path / "set", files) / "train", resized(6, (0,), (1,)))
        write = write_zip if request.param == "zip" else write_folder
        return pictures.find(write(tmp_path / "set", files), "train").decode()

    return read


def test_postscript_is_never_interpreted(reading, monkeypatch):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("it is interpreted"))
    with pytest.raises(ValueError, match="ant/9.png cannot be read .*UnidentifiedImageError"):
        reading("9.png", POSTSCRIPT)


def test_many_pixels_are_refused_by_what_the_header_says(reading):
    content = bytearray(encoded(colour(0)))
    content[16:24] = (13_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    with pytest.raises(ValueError, match="ant/0.png has 13,000 x 13,000 pixels; at most 67,108,864 are decoded"):
        reading("0.png", bytes(content))


def test_a_picture_of_thousands_of_scans_is_not_waited_for(reading):
    picture = io.BytesIO()
    Image.new("L", (6, 6)).save(picture, "JPEG", progressive=True)
    *scans, _ = picture.getvalue().split(opening.SCAN)
    content = opening.SCAN.join([*scans, *[scans[-1]] * 2000])
    with pytest.raises(
        ValueError, match=r"ant/9.png goes over its pixels 2,00\d times; at most 1,000 scans are decoded"
    ):
        reading("9.png", content)


def test_a_large_file_is_refused_before_it_is_read(reading, monkeypatch):
    monkeypatch.setattr(opening, "BYTES", 2000)
    with pytest.raises(ValueError, match="ant/0.png has 0 MB; files of at most 0 MB are read"):
        reading("0.png", bytes(3000))


def test_a_member_that_declares_much_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "set", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(opening.BYTES + 1))
        with pytest.raises(opening.Refused, match="has 268 MB"):
            opening.member_of(archive, "a")


def test_a_pipe_is_no_picture(tmp_path):
    place = write_folder(tmp_path / "set", both_splits())
    os.mkfifo(place / "train" / "ant" / "pipe.png")
    for read in (
        lambda: pictures.find(place, "train").decode(),
        lambda: load_images(place / "train", resized(6, (0,), (1,))),
    ):
        with pytest.raises(ValueError, match="ant/pipe.png is no regular file"):
            read()
    with pytest.raises(ValueError, match="^pipe.png is neither a folder nor a zip archive$"):
        pictures.find(place / "train" / "ant" / "pipe.png", "train")


def test_more_pictures_than_there_is_memory_for_are_refused_when_the_first_is_known(reading, monkeypatch):
    monkeypatch.setattr(room, "available_memory", lambda: 600)
    with pytest.raises(ValueError, match="7 pictures of .* take 0.0 MB of memory, and 0.0 MB are available"):
        reading("9.png", encoded(colour(9)))
