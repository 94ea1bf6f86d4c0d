"""Archives of pictures that are of another kind, cut off or damaged say so."""

import warnings
import zipfile

import pytest
from made_pictures import FILES, write_zip
from stored_files import flip

from lib.data import pictures


def rewritten(change):
    """An archive of FILES whose entries were changed."""

    def write(path):
        with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's own, of a name that comes twice
            for name, content in FILES.items():
                for entry in change(name):
                    archive.writestr(entry, content)

    return write


def patched(central, local, value):
    """An archive of FILES with a byte of every entry changed, counted from its marks."""

    def write(path):
        content = bytearray(write_zip(path, FILES).read_bytes())
        for mark, offset in ((b"PK\1\2", central), (b"PK\3\4", local)):
            at = content.find(mark)
            while at >= 0:
                content[at + offset] = value
                at = content.find(mark, at + 4)
        path.write_bytes(content)

    return write


def with_backslashes(name):
    entry = zipfile.ZipInfo("x")
    entry.filename = name.replace("/", "\\")
    return [entry]


@pytest.mark.parametrize(
    "write, sentence",
    [
        (rewritten(lambda name: [name] * (2 if name == "test/b/1.png" else 1)), "lists test/b/1.png twice"),
        (rewritten(with_backslashes), "has a backslash in the name"),
        (patched(8, 6, 1), "is encrypted with a password"),
        (patched(10, 8, 12), r"is compressed by a method that is not read \(number 12\)"),
        (patched(6, 4, 64), "is cut off or damaged"),
        (patched(10, 8, 9), r"is compressed by a method that is not read \(number 9\)"),
    ],
)
def test_an_archive_of_another_kind_says_which(tmp_path, write, sentence):
    write(tmp_path / "set.zip")
    with pytest.raises(ValueError, match=f"^the zip archive set.zip {sentence}"):
        pictures.find(tmp_path / "set.zip", "test")


@pytest.mark.parametrize("left", [0.05, 0.5, 0.99])
def test_an_archive_that_is_cut_off_is_told(tmp_path, left):
    path = write_zip(tmp_path / "data.zip", FILES)
    content = path.read_bytes()
    path.write_bytes(content[: round(left * len(content))])
    with pytest.raises(ValueError, match="^the zip archive data.zip is cut off or damaged; fetch or copy it again$"):
        pictures.find(path, "test")


def test_a_flipped_bit_in_an_archive_names_the_picture(tmp_path):
    path = write_zip(tmp_path / "data.zip", FILES)
    flip(path, path.read_bytes().index(FILES["test/b/1.png"]) + 60)
    with pytest.raises(ValueError, match=r"^the picture test/b/1.png cannot be read \(BadZipFile\)$"):
        pictures.find(path, "test").decode()
