"""Numbers read back from the picture of a heatmap, through the colours of its own colour bar.

It fits pictures as matplotlib draws them: a square of cells in a black frame, to its right the colour bar in a frame of
its own, with ticks to the right of that; a colour map without black.  What the ticks stand for is written in letters
and has to be given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

BLACK = 60  # a pixel is part of a line if no channel is brighter
ROUNDING = 3  # squared distance of colours that differ by one in every channel: so exactly are bars drawn
FAR = 30  # a colour whose distance from all of the bar is larger stands for no value


@dataclass(frozen=True, eq=False)
class Reading:
    """What the cells of a heatmap stand for, the first row on top.

    Attributes:
        values: [rows, columns], NaN where a cell's colour is not on the bar.
        resolution: [rows, columns], half the range of values that share the cell's colour, which is longer where a
            colour map hardly changes, and one and a half pixels of the bar: lines and colours begin at whole ones.
        top: the value at the bar's upper end, which cells above it show too.
    """

    values: np.ndarray
    resolution: np.ndarray
    top: float


def read(path: str | Path, cells: int, ticks: Sequence[float]) -> Reading:
    """Read a picture of `cells` x `cells`, whose colour bar has ticks at these values, from the bottom.

    Raises:
        ValueError: a file that is no picture, without the two frames, or with another number of ticks.
    """
    path = Path(path)
    pixels = _pixels(path)
    black = (pixels < BLACK).all(axis=2)
    sides = _stretches(_longest_runs(black) > len(black) / 2)
    if len(sides) != 4:
        raise ValueError(f"{path.name} shows no heatmap with a colour bar: it has {len(sides)} long upright lines, and "
                         "two frames have 4")
    square, strip = (slice(sides[i][1] + 1, sides[i + 1][0]) for i in (0, 2))
    upper, lower = _level_lines(path.name, black[:, square])
    colours = _cell_colours(pixels[upper[1] + 1:lower[0], square], cells)
    at = _tick_rows(black[:, sides[3][1] + 1:])
    if len(at) != len(ticks):
        raise ValueError(f"{path.name} has {len(at)} ticks at its colour bar, not {len(ticks)}")
    slope, start = np.polyfit(at, ticks, 1)  # from rows to values
    upper, lower = _level_lines(path.name, black[:, strip])
    rows = np.arange(round(np.mean(upper)), round(np.mean(lower)) + 1)  # the bar ends in the middle of its lines
    # What the lines cover has the colour next to them; the pixels that touch them are blended.
    bar = pixels[rows.clip(upper[1] + 2, lower[0] - 2), (strip.start + strip.stop) // 2]
    places, shared = _places_on(bar, colours)
    return Reading(slope * (rows[0] + places) + start, abs(slope) * (shared / 2 + 1.5), float(slope * rows[0] + start))


def _pixels(path: Path) -> np.ndarray:
    """[height, width, 3] whole numbers from 0 to 255."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")).astype(int)
    except Exception as error:  # Pillow's decoders raise many kinds
        raise ValueError(f"{path.name} cannot be read as a picture ({type(error).__name__})") from None


def _longest_runs(black: np.ndarray) -> np.ndarray:
    """The longest unbroken run of black pixels in every column."""
    longest = run = np.zeros(black.shape[1], dtype=int)
    for row in black:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest


def _stretches(marked: np.ndarray) -> list[tuple[int, int]]:
    """First and last place of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(int), [0]])))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2])]


def _level_lines(name: str, strip: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of the upper and of the lower line of a frame, from a strip as wide as its inside."""
    lines = _stretches(strip.all(axis=1))
    if len(lines) != 2:
        raise ValueError(f"{name} shows no heatmap with a colour bar: a frame has {len(lines)} level lines, not 2")
    return lines


def _tick_rows(right_of_bar: np.ndarray) -> np.ndarray:
    """Middles of the marks that begin right at the bar, from the bottom."""
    return np.array([np.mean(mark) for mark in _stretches(right_of_bar[:, 1:4].all(axis=1))][::-1])


def _cell_colours(inside: np.ndarray, cells: int) -> np.ndarray:
    """The median colour of the middle of each cell, [cells, cells, 3]."""
    rows, columns = ([slice(int((place + 0.25) * size / cells), int((place + 0.75) * size / cells) + 1)
                      for place in range(cells)] for size in inside.shape[:2])
    return np.array([[np.median(inside[row, column], axis=(0, 1)) for column in columns] for row in rows])


def _places_on(bar: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where on the bar [rows, 3] colours [..., 3] are found, and how many rows they share there.

    The middle of the rows that come nearest, NaN if none comes near; the end itself for a colour that comes nearest to
    the end and is not quite there, because the line may cover all of it.
    """
    distance = ((colours[..., None, :] - bar) ** 2).sum(axis=-1)
    nearest = distance.min(axis=-1)
    same = distance <= nearest[..., None] + ROUNDING
    shared = same.sum(axis=-1)
    places = (same * np.arange(len(bar))).sum(axis=-1) / shared
    beyond = nearest > ROUNDING
    places = np.where(beyond & same[..., 0], 0, np.where(beyond & same[..., -1], len(bar) - 1, places))
    return np.where(nearest <= FAR**2, places, np.nan), shared
