"""One picture's file opened with care: formats that Pillow decodes by itself, and sizes as they are declared."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

# Others are programs, as PostScript, which Pillow hands to an interpreter.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
PIXELS = 2**26
BYTES = 2**28
# A scan of a progressive JPEG can pass over all pixels in 100 bytes; everything else takes a minute of a core for BYTES at most.
SCANS = 1000
JPEG, SCAN = b"\xff\xd8", b"\xff\xda"


class Refused(ValueError):
    """A file that is not even decoded; the text follows the picture's name."""


def content_of(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        Refused: what is no regular file, as a pipe, which would be waited for, or is too large.
    """
    if not path.is_file():
        raise Refused("is no regular file")
    _check_bytes(path.stat().st_size)
    return path.read_bytes()


def member_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """The same from an archive, by the size that it declares, beyond which nothing is unpacked."""
    _check_bytes(archive.getinfo(name).file_size)
    return archive.read(name)


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """A picture of one of FORMATS whose header is read and whose pixels are not decoded yet.

    Raises:
        Refused: more than PIXELS, or a JPEG that goes over them more than SCANS times.
        Exception: as Pillow has them, of a file of no such format.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refused(f"has more than {PIXELS:,} pixels, the most that are decoded") from None
    with image:
        if image.width * image.height > PIXELS:
            raise Refused(f"has {image.width:,} x {image.height:,} pixels; at most {PIXELS:,} are decoded")
        if content.startswith(JPEG) and (scans := content.count(SCAN)) > SCANS:
            raise Refused(f"goes over its pixels {scans:,} times; at most {SCANS:,} scans are decoded")
        yield image


def _check_bytes(size: int) -> None:
    if size > BYTES:
        raise Refused(f"has {size / 1e6:,.0f} MB; files of at most {BYTES / 1e6:.0f} MB are read")
