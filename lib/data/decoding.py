"""Picture files, as Pillow reads them, as arrays of pixels."""

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lib.runtime.progress import progress

CHANNELS = {"L": 1, "RGB": 3}  # Pillow's mode -> channels
KINDS = {1: "grey", 3: "colour"}  # channels -> word


def decode(path: Path, names: Sequence[str], *, colour: bool = False, reduce: int = 1) -> np.ndarray:
    """Pixels of the pictures `names` in a folder or zip archive: -> uint8 [n, channels, size, size].

    One after another: on pictures of 32 x 32 pixels threads were no faster, and longer work shows a progress bar.

    Args:
        colour: grey pictures become colour ones with three equal channels.
        reduce: every square of so many by so many pixels becomes its mean.

    Raises:
        ValueError: a picture that cannot be read, is neither grey nor colour (8 bits a channel), is not square, or
            has another size or number of channels than the first; it is named.
    """
    if path.is_dir():
        return _stacked(names, lambda name: (path / name).read_bytes(), colour, reduce, path.name)
    with zipfile.ZipFile(path) as archive:
        return _stacked(names, archive.read, colour, reduce, path.name)


def describe(shape: Sequence[int]) -> str:
    """The shape [channels, height, width] of a picture in words."""
    return f"{KINDS[shape[0]]}, {shape[2]} x {shape[1]} pixels"


def _stacked(names, read, colour: bool, reduce: int, place: str) -> np.ndarray:
    if not names:
        raise ValueError("no pictures are chosen")
    first = _decoded(names[0], read, colour, reduce)
    if first.shape[1] != first.shape[2]:
        raise ValueError(f"the picture {names[0]} is {describe(first.shape)}; pictures need to be square")
    pixels = np.empty((len(names), *first.shape), dtype=np.uint8)
    with progress(len(names), f"decoding {len(names)} pictures of {place}", delay=2) as bar:
        for position, name in enumerate(names):
            picture = _decoded(name, read, colour, reduce)
            if picture.shape != first.shape:
                raise ValueError(f"all pictures need one size and one number of channels: {name} is "
                                 f"{describe(picture.shape)}, and {names[0]} is {describe(first.shape)}")
            pixels[position] = picture
            bar.update()
    return pixels


def _decoded(name: str, read: Callable[[str], bytes], colour: bool, reduce: int) -> np.ndarray:
    """One picture as [channels, height, width]."""
    try:
        with Image.open(io.BytesIO(read(name))) as image:
            mode = image.mode
            image = image.convert("RGB") if colour and mode == "L" else image
            pixels = np.asarray(image.reduce(reduce) if reduce > 1 and mode in CHANNELS else image)
    except Exception as error:  # Pillow's decoders and damaged archives raise many kinds
        raise ValueError(f"the picture {name} cannot be read ({type(error).__name__})") from None
    if mode not in CHANNELS:
        raise ValueError(f"the picture {name} has the mode {mode}; grey (L) and colour (RGB) ones can be read")
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
